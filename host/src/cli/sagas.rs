//! `skald sagas`: what sagas there are, one of them whole, and what an operator does to them.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::table::{Table, ago, one_line, or_dash, short};
use super::{Admin, Failure, Output, print, print_json};
use crate::admin::view::{Acted, Event, Saga, SagaDetail, SagaPage, Step, Wish};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Lists sagas, newest first.
    Ls(Ls),
    /// Shows one saga whole: its steps and fences, its timeline, what its customer was told.
    Show {
        /// Its id.
        id: u64,
        #[command(flatten)]
        admin: Admin,
        #[command(flatten)]
        output: Output,
    },
    /// Turns a saga back that runs or is stuck forward: what it has done is compensated.
    Cancel(Act),
    /// Lets a stuck saga go on in the direction it is stuck in, with a new budget of attempts.
    Retry(Act),
    /// Turns a saga back that is stuck forward.
    Abort(Act),
    /// Records that you undo a step of a saga by hand that is stuck on its way back.
    Resolve {
        #[command(flatten)]
        act: Act,
        /// The step.
        #[arg(long)]
        step: String,
    },
}

#[derive(Args)]
pub(super) struct Ls {
    /// In this state; `stuck` and `unfinished` stand for several.
    #[arg(long)]
    state: Option<String>,
    /// Started at least so long ago: 90s, 10m, 2h, 7d.
    #[arg(long, value_name = "AGE")]
    older_than: Option<String>,
    /// Of this customer.
    #[arg(long)]
    customer: Option<String>,
    /// Of the definition with this name.
    #[arg(long)]
    definition: Option<String>,
    /// How many at most.
    #[arg(long)]
    limit: Option<u32>,
    /// With ids below this one: the next page.
    #[arg(long, value_name = "ID")]
    before: Option<u64>,
    #[command(flatten)]
    admin: Admin,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct Act {
    /// The saga's id.
    id: u64,
    /// Why: it is recorded in the saga's timeline.
    #[arg(long)]
    reason: String,
    /// Who you are: recorded too.
    #[arg(long, env = "USER", hide_env = true)]
    by: Option<String>,
    #[command(flatten)]
    admin: Admin,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Ls(wanted) => ls(&wanted),
        Command::Show { id, admin, output } => show(id, &admin, output),
        Command::Cancel(act) => operate("cancel", act, None),
        Command::Retry(act) => operate("retry", act, None),
        Command::Abort(act) => operate("abort", act, None),
        Command::Resolve { act, step } => operate("resolve", act, Some(step)),
    }
}

impl Ls {
    fn query(&self) -> String {
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let given = [
            ("state", self.state.clone()),
            ("older_than", self.older_than.clone()),
            ("customer", self.customer.clone()),
            ("definition", self.definition.clone()),
            ("limit", number(self.limit.map(Into::into))),
            ("before", number(self.before)),
        ];
        let given = given
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", encode(&value?))));
        given.collect::<Vec<_>>().join("&")
    }
}

/// Percent-encodes all but what never means anything in a query (RFC 3986, unreserved).
fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(byte.into()),
            _ => write!(encoded, "%{byte:02X}").expect("writing to a text does not fail"),
        }
        encoded
    })
}

fn ls(wanted: &Ls) -> Result<(), Failure> {
    let (json, page): (_, SagaPage) = wanted.admin.get(&format!("/admin/v1/sagas?{}", wanted.query()))?;
    if wanted.output.json {
        print_json(&json);
        return Ok(());
    }
    let mut table = Table::new(&["id", "definition", "state", "age", "customer", "attempts", "reason"]);
    for saga in page.sagas {
        let reason = reason(saga.reason.as_ref()).map(|reason| cut(&reason));
        let attempts = saga.attempts.max(saga.attempts_back).to_string();
        table.row([
            saga.id.to_string(),
            saga.definition,
            saga.state,
            ago(saga.born_ms),
            saga.customer,
            attempts,
            or_dash(reason),
        ]);
    }
    if table.is_empty() {
        eprintln!("no saga is like that");
        return Ok(());
    }
    print(&table.to_string());
    if let Some(next) = page.next {
        eprintln!("there may be more: --before {next}");
    }
    Ok(())
}

/// How much of a reason a list shows; `show` and `--json` have all of it.
const REASON: usize = 64;

fn cut(text: &str) -> String {
    match text.char_indices().nth(REASON) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// A reason in a few words: its kind, and its code or detail.
fn reason(reason: Option<&Value>) -> Option<String> {
    let reason = reason?;
    let member = |name: &str| reason.get(name).and_then(Value::as_str);
    let kind = member("kind")?;
    Some(match member("code").or(member("detail")) {
        Some(more) => format!("{kind}: {more}"),
        None => kind.to_owned(),
    })
}

fn show(id: u64, admin: &Admin, output: Output) -> Result<(), Failure> {
    let (json, detail): (_, SagaDetail) = admin.get(&format!("/admin/v1/sagas/{id}"))?;
    if output.json {
        print_json(&json);
        return Ok(());
    }
    let SagaDetail {
        saga,
        steps,
        timeline,
        events,
        ..
    } = detail;
    print(&format!(
        "{}\nSteps\n{}\nTimeline\n{}\nTold to the customer\n{}",
        head(&saga),
        indent(&fences(&steps)),
        indent(&story(&timeline, saga.born_ms)),
        indent(&told(&events, saga.born_ms))
    ));
    Ok(())
}

fn head(saga: &Saga) -> String {
    let mut text = format!("saga {}: {}, {}\n", saga.id, one_line(&saga.definition), saga.state);
    let mut line = |name: &str, value: String| writeln!(text, "  {name:<10}  {}", one_line(&value)).expect("a text");
    line("started", format!("{} ago", ago(saga.born_ms)));
    line(
        "customer",
        if saga.customer.is_empty() {
            "-".into()
        } else {
            saga.customer.clone()
        },
    );
    line("definition", short(&saga.definition_digest));
    if let Some(reason) = reason(saga.reason.as_ref()) {
        line("reason", reason);
    }
    if saga.recovering {
        line("restored", "it comes from a restored journal".into());
    }
    text
}

fn indent(table: &Table) -> String {
    table
        .to_string()
        .lines()
        .fold(String::new(), |text, line| text + "  " + line + "\n")
}

fn fences(steps: &[Step]) -> Table {
    let mut table = Table::new(&["step", "component", "database", "fence", "version"]);
    for step in steps {
        let fence = step.fence.as_ref();
        table.row([
            step.name.clone(),
            step.component.clone(),
            step.database.clone(),
            or_dash(fence.map(|fence| fence.outcome.clone())),
            or_dash(fence.and_then(|fence| fence.digest.as_deref()).map(short)),
        ]);
    }
    table
}

/// Moments are told as what passed since the start.
fn story(timeline: &[Value], born_ms: i64) -> Table {
    let mut table = Table::new(&["after", "what", "outcome", "took", "version", "more"]);
    for entry in timeline {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
        let at = entry.get("at_ms").and_then(Value::as_i64).unwrap_or(born_ms);
        let (what, outcome, more) = match text("kind").as_deref() {
            Some("attempt") => (join(text("direction"), text("step")), text("outcome"), text("detail")),
            Some("turned") => ("turned".into(), text("state"), reason(entry.get("reason"))),
            Some("operated") => (
                or_dash(text("action")),
                text("state"),
                Some(join(text("by").map(|by| by + ":"), text("reason"))),
            ),
            Some("picked_up") => ("picked up".into(), None, Some("after its host had died".into())),
            _ => ("other".into(), None, Some(entry.to_string())),
        };
        let took = entry
            .get("took_us")
            .and_then(Value::as_u64)
            .map(|us| format!("{}.{:01}ms", us / 1000, us % 1000 / 100));
        let version = text("digest").as_deref().map(short);
        table.row([
            since(at, born_ms),
            what,
            or_dash(outcome),
            or_dash(took),
            or_dash(version),
            or_dash(more),
        ]);
    }
    table
}

fn told(events: &[Event], born_ms: i64) -> Table {
    let mut table = Table::new(&["after", "number", "step", "status", "saga", "reason"]);
    for event in events {
        table.row([
            since(event.at_ms, born_ms),
            event.seq.to_string(),
            event.step.clone(),
            word(event.status),
            word(event.saga),
            or_dash(event.reason.clone()),
        ]);
    }
    table
}

/// The word that customers are told.
fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn since(at_ms: i64, born_ms: i64) -> String {
    format!("+{}", super::table::words(at_ms - born_ms))
}

fn join(first: Option<String>, second: Option<String>) -> String {
    [first, second].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn operate(action: &str, act: Act, step: Option<String>) -> Result<(), Failure> {
    let wish = Wish {
        reason: act.reason,
        by: act.by,
        step,
    };
    let (json, acted): (_, Acted) = act.admin.post(&format!("/admin/v1/sagas/{}/{action}", act.id), &wish)?;
    if act.output.json {
        print_json(&json);
    } else {
        print(&format!(
            "saga {} is {}: {}\n",
            acted.id,
            acted.state,
            one_line(&acted.next)
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_encoded() {
        assert_eq!(encode("a-b_c.d~1"), "a-b_c.d~1");
        assert_eq!(encode("a&b=c d/é"), "a%26b%3Dc%20d%2F%C3%A9");
    }

    #[test]
    fn reasons_are_told_in_a_few_words() {
        let told = |text: &str| reason(Some(&serde_json::from_str(text).expect("JSON")));
        assert_eq!(
            told(r#"{"kind":"refused","code":"sold_out","detail":"…"}"#).as_deref(),
            Some("refused: sold_out")
        );
        assert_eq!(
            told(r#"{"kind":"exhausted","detail":"busy"}"#).as_deref(),
            Some("exhausted: busy")
        );
        assert_eq!(told(r#"{"kind":"overdue"}"#).as_deref(), Some("overdue"));
        assert_eq!(told("null"), None);
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"é".repeat(100)), "é".repeat(REASON) + "…");
    }
}
