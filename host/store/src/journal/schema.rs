//! The journal's tables.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::sqlite::OpenError;

/// The version of the journal's tables that this host writes.
pub(crate) const VERSION: i64 = 1;

/// What was needed to get from one version to the next; the first makes version 1.
const UPGRADES: [&str; 1] = ["
CREATE TABLE saga (
    id INTEGER PRIMARY KEY,
    nonce BLOB NOT NULL,
    def_digest BLOB NOT NULL,
    input TEXT NOT NULL,
    principal TEXT,
    stream TEXT NOT NULL,
    born INTEGER NOT NULL,
    state TEXT NOT NULL,
    from_step INTEGER,
    reason TEXT,
    att_step INTEGER,
    att INTEGER NOT NULL DEFAULT 0,
    att_back INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER,
    owner TEXT,
    lease_until INTEGER,
    recovering INTEGER NOT NULL DEFAULT 0,
    round INTEGER NOT NULL DEFAULT 0,
    history TEXT NOT NULL DEFAULT ''
);
CREATE INDEX saga_open ON saga (id) WHERE state NOT IN ('completed', 'compensated');
CREATE TABLE start_key (
    principal TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    saga_id INTEGER,
    response TEXT,
    refusal TEXT,
    PRIMARY KEY (principal, route, key)
) WITHOUT ROWID;
CREATE TABLE definition (digest BLOB PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE stream (name TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE event (
    stream TEXT NOT NULL,
    seq INTEGER NOT NULL,
    saga INTEGER NOT NULL,
    step INTEGER NOT NULL,
    status INTEGER NOT NULL,
    round INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    reason TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (stream, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX event_once ON event (saga, step, status, round);
"];

/// Makes the tables, brings older ones up to date, and refuses newer ones.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), OpenError> {
    let unfit = |error: rusqlite::Error| OpenError::Unfit {
        label: "journal".into(),
        detail: format!("its tables can't be made: {error}"),
    };
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(unfit)?;
    transaction
        .execute("CREATE TABLE IF NOT EXISTS meta (version INTEGER NOT NULL)", [])
        .map_err(unfit)?;
    let found: i64 = transaction
        .query_row("SELECT version FROM meta", [], |row| row.get(0))
        .optional()
        .map_err(unfit)?
        .unwrap_or(0);
    if found > VERSION {
        return Err(OpenError::TooNew {
            label: "journal".into(),
            found,
            known: VERSION,
        });
    }
    for upgrade in UPGRADES.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(upgrade).map_err(unfit)?;
    }
    if found < VERSION {
        transaction.execute("DELETE FROM meta", []).map_err(unfit)?;
        transaction
            .execute("INSERT INTO meta VALUES (?)", [VERSION])
            .map_err(unfit)?;
    }
    transaction.commit().map_err(unfit)
}
