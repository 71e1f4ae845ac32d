//! SQLite: one file per service and one for the journal.
//!
//! Each file has one writer, a thread that owns the only connection that writes, another thread that
//! syncs what it has committed, and a few read-only connections. No asynchronous driver is on this path: a cached statement costs 1 µs
//! here, and 16 to 27 µs by way of one.

mod db;
mod error;
mod group;
mod guard;
mod plain;
mod readers;
mod step;
mod sync;
mod tables;
mod writer;

pub use db::Db;
pub use error::OpenError;
pub use plain::PlainSession;
pub use readers::Readers;
pub use step::{AfterCommit, StepSession};
pub(crate) use tables::{Tables, Unrun};
pub use writer::{Fate, GroupLimits, Job, Unwritten, Verdict, Writer};

use std::path::{Path, PathBuf};

use crate::sql::Limits;

/// A database file that is open: its writer and its readers.
#[derive(Clone)]
pub struct File {
    /// The one that writes.
    pub writer: Writer,
    /// Those that only read.
    pub readers: Readers,
}

/// How a file is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called in threads, logs and errors: the database's label, or `journal`.
    pub label: String,
    /// The bounds of one group commit.
    pub group: GroupLimits,
    /// The bounds of one statement of a component.
    pub limits: Limits,
    /// How many connections read at the same time.
    pub readers: usize,
}

impl Options {
    /// The usual bounds for this file.
    pub fn new(path: impl AsRef<Path>, label: &str) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            label: label.to_owned(),
            group: GroupLimits::default(),
            limits: Limits::default(),
            readers: 4,
        }
    }
}

impl File {
    /// Opens or creates the file, lets `prepare` bring its tables up to date, and starts its writer.
    pub fn open(
        options: &Options,
        prepare: impl FnOnce(&mut rusqlite::Connection) -> Result<(), OpenError>,
    ) -> Result<Self, OpenError> {
        let db = Db::open(options, prepare)?;
        let tide = std::sync::Arc::<sync::Tide>::default();
        let readers = Readers::open(options, tide.clone())?;
        let writer = Writer::start(db, options, tide)?;
        Ok(Self { writer, readers })
    }
}
