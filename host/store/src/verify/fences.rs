//! The journal against the fences, from both sides.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};
use skald_saga::{Definition, SagaId, State};

use super::snapshot::Snapshot;
use super::{Finding, Report, Row};

/// Of an ended saga: completed means that every step is done; compensated that none is, and that
/// nothing late can run.
pub(super) fn of_saga(
    row: &Row,
    definition: &Definition,
    services: &BTreeMap<&str, Snapshot>,
    report: &mut Report,
) -> rusqlite::Result<()> {
    if !row.state.is_terminal() {
        return Ok(());
    }
    let mut outcomes = vec![];
    for (index, step) in definition.steps.iter().enumerate() {
        let Some(service) = services.get(step.database.as_str()) else {
            report.fault(
                Finding::DatabaseUnknown,
                Some(row.id),
                Some(&step.name),
                format!("there is no database {}", step.database),
            );
            return Ok(());
        };
        if is_forgotten(&service.connection, row.id)? {
            return Ok(());
        }
        outcomes.push(outcome(&service.connection, row.id, index)?);
    }
    match row.state {
        State::Completed => completed(row, definition, &outcomes, report),
        _ => compensated(row, definition, &outcomes, report),
    }
    Ok(())
}

fn completed(row: &Row, definition: &Definition, outcomes: &[Option<String>], report: &mut Report) {
    for (step, outcome) in definition.steps.iter().zip(outcomes) {
        match outcome.as_deref() {
            Some("done") => {}
            None => {
                let detail = format!(
                    "the saga is completed, and database {} has no fence of this step: is it older than the journal?",
                    step.database
                );
                report.fault(Finding::FenceMissing, Some(row.id), Some(&step.name), detail);
            }
            Some(other) => {
                report.fault(
                    Finding::NotDone,
                    Some(row.id),
                    Some(&step.name),
                    format!("the saga is completed, and the fence says {other}"),
                );
            }
        }
    }
}

fn compensated(row: &Row, definition: &Definition, outcomes: &[Option<String>], report: &mut Report) {
    for (step, outcome) in definition.steps.iter().zip(outcomes) {
        if outcome.as_deref() == Some("done") {
            report.fault(
                Finding::StillDone,
                Some(row.id),
                Some(&step.name),
                "the saga is compensated, and the fence says done".into(),
            );
        }
    }
    let is_undone = |outcome: &Option<String>| matches!(outcome.as_deref(), Some("done" | "undone" | "undone_by_hand"));
    let frontier = outcomes.iter().position(|outcome| !is_undone(outcome));
    if let Some(frontier) = frontier
        && !matches!(outcomes[frontier].as_deref(), Some("rejected" | "fenced"))
    {
        let name = &definition.steps[frontier].name;
        report.fault(
            Finding::FrontierOpen,
            Some(row.id),
            Some(name),
            "the saga is compensated, and a late call of this step could still run".into(),
        );
    }
}

fn outcome(service: &Connection, saga: SagaId, step: usize) -> rusqlite::Result<Option<String>> {
    service
        .prepare_cached("SELECT outcome FROM skald_fence WHERE saga = ? AND step = ?")?
        .query_row(
            (saga.0.cast_signed(), skald_saga::definition::step_number(step)),
            |row| row.get(0),
        )
        .optional()
}

/// Whether the fences of a saga this old have been cleaned up.
fn is_forgotten(service: &Connection, saga: SagaId) -> rusqlite::Result<bool> {
    let horizon: i64 = service
        .prepare_cached("SELECT born FROM skald_horizon")?
        .query_row([], |row| row.get(0))?;
    Ok(saga.born_ms().cast_signed() < horizon)
}

/// Each fence of a service against the journal, as it is after and as it was before the fences were read.
pub(super) fn all(
    label: &str,
    service: &Connection,
    journals: [&Connection; 2],
    report: &mut Report,
) -> rusqlite::Result<()> {
    let mut fences = service.prepare("SELECT saga, step, nonce, outcome FROM skald_fence ORDER BY saga, step")?;
    let mut fences = fences.query([])?;
    while let Some(fence) = fences.next()? {
        report.fences += 1;
        let (saga, step): (i64, i64) = (fence.get(0)?, fence.get(1)?);
        let (nonce, outcome): ([u8; 16], String) = (fence.get(2)?, fence.get(3)?);
        let (id, place) = (
            Some(SagaId(saga.cast_unsigned())),
            format!("step {step} in database {label}"),
        );
        if outcome == "pending" {
            report.fault(
                Finding::Pending,
                id,
                None,
                format!("the fence of {place} was committed half: its component broke the transaction"),
            );
        }
        let known = match nonce_of(journals[0], saga)? {
            None => nonce_of(journals[1], saga)?,
            known => known,
        };
        match known {
            None => {
                let detail = format!(
                    "the fence of {place} says {outcome}, and the journal does not know the saga: is the journal older?"
                );
                report.fault(Finding::SagaMissing, id, None, detail);
            }
            Some(known) if known != nonce => {
                report.fault(
                    Finding::Nonce,
                    id,
                    None,
                    format!("the fence of {place} belongs to another saga with the same id"),
                );
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn nonce_of(journal: &Connection, saga: i64) -> rusqlite::Result<Option<[u8; 16]>> {
    journal
        .prepare_cached("SELECT nonce FROM saga WHERE id = ?")?
        .query_row([saga], |row| row.get(0))
        .optional()
}
