//! The journal against what customers were told.

use std::collections::BTreeSet;

use rusqlite::Connection;
use skald_saga::status::{Phase, Status};
use skald_saga::{Definition, State};

use super::snapshot::Snapshot;
use super::{Finding, Report, Row};

/// Of an ended or stuck saga: the last event says so. Of an ended one: every step that was told done
/// is one that is done, or was told undone.
pub(super) fn of_saga(
    journal: &Connection,
    row: &Row,
    definition: &Definition,
    report: &mut Report,
) -> rusqlite::Result<()> {
    let wanted = match row.state {
        State::Completed => Phase::Completed,
        State::Compensated => Phase::Compensated,
        State::StuckForward | State::StuckBack => Phase::Stuck,
        State::Running | State::Aborting => return Ok(()),
    };
    let mut events = journal.prepare_cached("SELECT step, status, phase FROM event WHERE saga = ? ORDER BY seq")?;
    let mut events = events.query([row.id.0.cast_signed()])?;
    let (mut last, mut done, mut undone) = (None, BTreeSet::new(), BTreeSet::new());
    while let Some(event) = events.next()? {
        let step: i64 = event.get(0)?;
        last = Phase::from_number(event.get(2)?);
        match Status::from_number(event.get(1)?) {
            Some(Status::Success) => _ = done.insert(step),
            Some(Status::RolledBack) => _ = undone.insert(step),
            _ => {}
        }
    }
    if last != Some(wanted) {
        let told = last.map_or_else(|| "nothing".to_owned(), |phase| format!("{phase:?}"));
        let detail = format!(
            "the saga is {}, and the last that was told of it is {told}",
            row.state.name()
        );
        report.fault(Finding::LastEvent, Some(row.id), None, detail);
    }
    let complete = match row.state {
        State::Completed => done.len() == definition.steps.len() && undone.is_empty(),
        State::Compensated => done == undone,
        _ => true,
    };
    if !complete {
        let detail = format!(
            "the saga is {}, and {} of its {} steps were told done, {} undone",
            row.state.name(),
            done.len(),
            definition.steps.len(),
            undone.len()
        );
        report.fault(Finding::EventsMissing, Some(row.id), None, detail);
    }
    Ok(())
}

/// The numbers of a stream go from 1 to where its counter stands, and as many are missing as were
/// forgotten with their sagas.
pub(super) fn streams(journal: &Snapshot, report: &mut Report) -> rusqlite::Result<()> {
    // Before version 2 nothing was forgotten.
    let forgotten = if journal.version < 2 { "0" } else { "stream.forgotten" };
    let text = format!(
        "WITH any(name) AS (SELECT name FROM stream UNION SELECT stream FROM event) \
         SELECT any.name, count(seq), coalesce(min(seq), 1), coalesce(max(seq), 0), coalesce(last, 0), coalesce({forgotten}, 0) \
         FROM any LEFT JOIN stream ON stream.name = any.name LEFT JOIN event ON event.stream = any.name GROUP BY any.name"
    );
    let mut streams = journal.connection.prepare(&text)?;
    let mut streams = streams.query([])?;
    while let Some(row) = streams.next()? {
        let (name, count): (String, i64) = (row.get(0)?, row.get(1)?);
        let (first, newest): (i64, i64) = (row.get(2)?, row.get(3)?);
        let (last, forgotten): (i64, i64) = (row.get(4)?, row.get(5)?);
        report.events += count.unsigned_abs();
        if first < 1 || newest > last || count + forgotten != last {
            let detail = format!(
                "the stream of customer {name:?} has {count} events with numbers from {first} to {newest}, {forgotten} \
                 were forgotten, and its counter stands at {last}"
            );
            report.fault(Finding::StreamGap, None, None, detail);
        }
    }
    Ok(())
}
