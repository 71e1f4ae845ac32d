//! One saga on an operator's screen: its steps and fences, its timeline, what its customer was told.

use std::fmt::Write as _;

use serde_json::Value;

use super::sagas::reason;
use super::table::{Table, ago, one_line, or_dash, short, words};
use super::{Admin, Failure, Output, print, print_json};
use crate::admin::view::{Event, Saga, SagaDetail, Step};

/// Shows a saga.
pub(super) fn show(id: u64, admin: &Admin, output: Output) -> Result<(), Failure> {
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
        indent(&story(&timeline, saga.summary.born_ms)),
        indent(&told(&events, saga.summary.born_ms))
    ));
    Ok(())
}

fn head(
    Saga {
        definition,
        summary: saga,
    }: &Saga,
) -> String {
    let mut text = format!("saga {}: {}, {}\n", saga.id, one_line(definition), saga.state);
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
    format!("+{}", words(at_ms - born_ms))
}

fn join(first: Option<String>, second: Option<String>) -> String {
    [first, second].into_iter().flatten().collect::<Vec<_>>().join(" ")
}
