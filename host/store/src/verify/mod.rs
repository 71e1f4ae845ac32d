//! Whether the journal, the fences and what customers were told agree. It only reads, also while a
//! host runs: each file is looked at as it was at one moment.
//!
//! The moments differ, so they are taken in an order that keeps a saga on its way from looking like
//! a fault: the journal first (an ended saga's fences don't change any more), then the services, and
//! the journal once more for fences whose saga began in between. A saga is forgotten after its fences,
//! so that one whose fences are still seen is in one of the two looks at the journal.

mod events;
mod fences;
mod finding;
mod snapshot;

pub use finding::Finding;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use skald_saga::{Definition, Digest, SagaId, State};

use crate::sqlite::OpenError;
use snapshot::{Kind, Snapshot};

/// The most faults and unfinished sagas that are listed; all are counted. More would only say again
/// that a wrong file was restored.
const MOST_LISTED: usize = 1_000;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// How many sagas the journal has.
    pub sagas: u64,
    /// How many fences the services have.
    pub fences: u64,
    /// How many status events there are.
    pub events: u64,
    /// How many sagas have not ended.
    pub unfinished: u64,
    /// The first of them.
    pub unfinished_sagas: Vec<Unfinished>,
    /// How many faults there are.
    pub faults: u64,
    /// The first of them.
    pub disagreements: Vec<Disagreement>,
}

/// A saga that has not ended: no fault, but nothing that could be checked whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    /// Its id.
    pub id: u64,
    /// Its state.
    pub state: String,
}

/// Something that can't be if every rule of the protocol was kept, and every file is of one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disagreement {
    /// Of which kind: the name of a [`Finding`].
    pub kind: String,
    /// The saga.
    pub saga: Option<u64>,
    /// The step.
    pub step: Option<String>,
    /// What disagrees with what.
    pub detail: String,
}

impl Report {
    pub(self) fn fault(&mut self, kind: Finding, saga: Option<SagaId>, step: Option<&str>, detail: String) {
        self.faults += 1;
        if self.disagreements.len() < MOST_LISTED {
            let (kind, step) = (kind.name().to_owned(), step.map(str::to_owned));
            self.disagreements.push(Disagreement {
                kind,
                saga: saga.map(|saga| saga.0),
                step,
                detail,
            });
        }
    }
}

/// A saga's row, as far as it is checked.
struct Row {
    id: SagaId,
    definition: Digest,
    state: State,
}

/// Checks the files of a journal and of the services' databases by label.
///
/// # Errors
/// When a file can't be read, is damaged, or is of a version that this program does not know.
pub fn verify(journal: &Path, services: &BTreeMap<String, PathBuf>) -> Result<Report, OpenError> {
    let before = Snapshot::open("journal", journal, Kind::Journal)?;
    let mut open = BTreeMap::new();
    for (label, path) in services {
        open.insert(label.as_str(), Snapshot::open(label, path, Kind::Service)?);
    }
    let after = Snapshot::open("journal", journal, Kind::Journal)?;

    let mut report = Report::default();
    before.read(|connection| sagas(connection, &open, &mut report))?;
    before.read(|_| events::streams(&before, &mut report))?;
    // A saga may begin while the services are read, and one may be forgotten.
    let journals = [&after.connection, &before.connection];
    for (label, service) in &open {
        service.read(|connection| fences::all(label, connection, journals, &mut report))?;
    }
    Ok(report)
}

/// Each saga of the journal against its fences and its events.
fn sagas(journal: &Connection, services: &BTreeMap<&str, Snapshot>, report: &mut Report) -> rusqlite::Result<()> {
    let definitions = definitions(journal)?;
    let mut rows = journal.prepare("SELECT id, def_digest, state FROM saga ORDER BY id")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        report.sagas += 1;
        let id = SagaId(row.get::<_, i64>(0)?.cast_unsigned());
        let name: String = row.get(2)?;
        let Some(state) = State::from_name(&name) else {
            report.fault(
                Finding::StateUnknown,
                Some(id),
                None,
                format!("its state is {name:?}, which is none"),
            );
            continue;
        };
        let row = Row {
            id,
            definition: Digest(row.get(1)?),
            state,
        };
        if !state.is_terminal() {
            report.unfinished += 1;
            if report.unfinished_sagas.len() < MOST_LISTED {
                report.unfinished_sagas.push(Unfinished { id: id.0, state: name });
            }
        }
        match definitions.get(&row.definition) {
            Some(definition) => {
                fences::of_saga(&row, definition, services, report)?;
                events::of_saga(journal, &row, definition, report)?;
            }
            None => report.fault(
                Finding::DefinitionMissing,
                Some(id),
                None,
                "its definition is not in the journal".into(),
            ),
        }
    }
    Ok(())
}

fn definitions(journal: &Connection) -> rusqlite::Result<BTreeMap<Digest, Definition>> {
    let mut rows = journal.prepare("SELECT digest, body FROM definition")?;
    let rows = rows.query_map([], |row| Ok((Digest(row.get(0)?), row.get::<_, String>(1)?)))?;
    let mut definitions = BTreeMap::new();
    for row in rows {
        let (digest, body) = row?;
        // One that can't be read is missing, and reported with each of its sagas.
        if let Ok(definition) = serde_json::from_str(&body) {
            definitions.insert(digest, definition);
        }
    }
    Ok(definitions)
}
