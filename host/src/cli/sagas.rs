//! `skald sagas`: what sagas there are, one of them whole, and what an operator does to them.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::table::{Table, ago, one_line, or_dash};
use super::{Admin, Failure, Output, print, print_json};
use crate::admin::view::{Acted, Saga, SagaPage, Wish};

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
    /// Records that you undo a step by hand: of a saga that is stuck on its way back.
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
        Command::Show { id, admin, output } => super::show::show(id, &admin, output),
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
    for Saga {
        definition,
        summary: saga,
    } in page.sagas
    {
        let reason = reason(saga.reason.as_ref()).map(|reason| cut(&reason));
        let attempts = saga.attempts.max(saga.attempts_back).to_string();
        table.row([
            saga.id.to_string(),
            definition,
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
pub(super) fn reason(reason: Option<&Value>) -> Option<String> {
    let reason = reason?;
    let member = |name: &str| reason.get(name).and_then(Value::as_str);
    let kind = member("kind")?;
    Some(match member("code").or(member("detail")) {
        Some(more) => format!("{kind}: {more}"),
        None => kind.to_owned(),
    })
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
