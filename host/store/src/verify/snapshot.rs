//! A file as it was at one moment.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::sqlite::OpenError;
use crate::{fence, journal};

/// What is in a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Journal,
    Service,
}

/// A connection in the middle of a transaction that only reads.
pub(super) struct Snapshot {
    pub connection: Connection,
    /// The version of its tables.
    pub version: i64,
    label: String,
    path: String,
}

impl Snapshot {
    /// Opens the file, and refuses one that is damaged or too new.
    pub fn open(label: &str, path: &Path, kind: Kind) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Unusable {
            label: label.to_owned(),
            path: path.display().to_string(),
            source,
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(unusable)?;
        connection
            .busy_timeout(std::time::Duration::from_secs(5))
            .map_err(unusable)?;
        // The transaction sees the file as it is at its first read.
        connection
            .execute_batch("BEGIN; SELECT count(*) FROM sqlite_master;")
            .map_err(unusable)?;
        let (table, known) = match kind {
            Kind::Journal => ("meta", journal::VERSION),
            Kind::Service => ("skald_meta", fence::VERSION),
        };
        let found: i64 = connection
            .query_row(&format!("SELECT version FROM {table}"), [], |row| row.get(0))
            .map_err(unusable)?;
        if found > known {
            return Err(OpenError::TooNew {
                label: label.to_owned(),
                found,
                known,
            });
        }
        Ok(Self {
            connection,
            version: found,
            label: label.to_owned(),
            path: path.display().to_string(),
        })
    }

    /// Reads; an error names the file.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, OpenError> {
        work(&self.connection).map_err(|source| OpenError::Unusable {
            label: self.label.clone(),
            path: self.path.clone(),
            source,
        })
    }
}
