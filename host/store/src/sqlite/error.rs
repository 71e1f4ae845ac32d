//! What SQLite says, in the terms of `skald:sql`.

use rusqlite::ffi;

use crate::sql::{Error, Report};

/// Why a database file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It can't be opened or read.
    #[error("database {label}: {path} can't be opened: {source}; if it is damaged, restore it from a backup")]
    Unusable {
        /// The database's label.
        label: String,
        /// Its path.
        path: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Its tables are of a version that this host does not know.
    #[error(
        "database {label}: its tables have version {found}, and this host knows versions up to {known}; use a newer skald"
    )]
    TooNew {
        /// The database's label.
        label: String,
        /// The version found in the file.
        found: i64,
        /// The newest version this host knows.
        known: i64,
    },
    /// Something else is wrong with it.
    #[error("database {label}: {detail}")]
    Unfit {
        /// The database's label.
        label: String,
        /// What, and what to do.
        detail: String,
    },
}

/// Sorts an error by what the caller does next.
pub(crate) fn classify(error: &rusqlite::Error) -> Error {
    let report = |sqlstate: &str| Report {
        sqlstate: sqlstate.into(),
        message: error.to_string(),
        constraint: constraint(&error.to_string()),
    };
    let Some(code) = error.sqlite_error().map(|error| error.extended_code) else {
        return Error::Faulty(report("42000"));
    };
    match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            return Error::Duplicate(report("23505"));
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => return Error::Constraint(report("23503")),
        ffi::SQLITE_CONSTRAINT_NOTNULL => return Error::Constraint(report("23502")),
        ffi::SQLITE_CONSTRAINT_CHECK => return Error::Constraint(report("23514")),
        _ => {}
    }
    match code & 0xff {
        ffi::SQLITE_CONSTRAINT => Error::Constraint(report("23000")),
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => Error::Contention(report("40001")),
        ffi::SQLITE_INTERRUPT => Error::Contention(report("57014")),
        ffi::SQLITE_FULL
        | ffi::SQLITE_IOERR
        | ffi::SQLITE_NOMEM
        | ffi::SQLITE_CANTOPEN
        | ffi::SQLITE_CORRUPT
        | ffi::SQLITE_NOTADB
        | ffi::SQLITE_READONLY => Error::Unreachable(error.to_string()),
        ffi::SQLITE_AUTH => Error::Faulty(report("42501")),
        ffi::SQLITE_TOOBIG => Error::Faulty(report("54000")),
        ffi::SQLITE_MISMATCH => Error::Faulty(report("42804")),
        _ => Error::Faulty(report("42000")),
    }
}

/// The columns that SQLite names in `UNIQUE constraint failed: customer.email`.
fn constraint(message: &str) -> Option<String> {
    message
        .split_once("constraint failed: ")
        .map(|(_, columns)| columns.to_owned())
}
