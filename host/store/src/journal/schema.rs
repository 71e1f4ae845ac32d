//! The journal's tables.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::sqlite::OpenError;

/// The version of the journal's tables that this host writes.
pub(crate) const VERSION: i64 = 2;

/// What was needed to get from one version to the next; the first makes version 1.
const UPGRADES: [&str; 2] = [
    "
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
",
    // Old sagas are forgotten. When the keys there are were used is not known: as if now.
    "
ALTER TABLE stream ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
ALTER TABLE start_key ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
UPDATE start_key SET at = unixepoch() * 1000;
CREATE INDEX start_key_age ON start_key (at);
",
];

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

#[cfg(test)]
mod tests {
    use super::*;

    /// A journal of version 1, with a stream and a key.
    const OLD: &str = "
        CREATE TABLE meta (version INTEGER NOT NULL);
        INSERT INTO meta VALUES (1);
        INSERT INTO stream VALUES ('7', 6);
        INSERT INTO start_key VALUES ('7', 'purchase', 'k', zeroblob(32), 17, '{}', NULL);
    ";

    #[test]
    fn an_older_journal_is_brought_up_to_date_and_keeps_what_it_has() {
        let mut journal = Connection::open_in_memory().expect("a journal");
        let (old, before) = ([UPGRADES[0], OLD].concat(), crate::clock::now_ms() - 1_000);
        journal.execute_batch(&old).expect("it was once like that");
        prepare(&mut journal).expect("it is brought up to date");
        prepare(&mut journal).expect("once");
        let number = |query: &str| {
            journal
                .query_row(query, [], |row| row.get::<_, i64>(0))
                .expect("a number")
        };
        assert_eq!(number("SELECT version FROM meta"), VERSION);
        assert_eq!(number("SELECT last - forgotten FROM stream"), 6);
        assert!(
            number("SELECT at FROM start_key WHERE saga_id = 17") >= before,
            "as if it were used now"
        );
    }
}
