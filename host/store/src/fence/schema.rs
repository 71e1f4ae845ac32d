//! The host's tables in a service's database, and the component's own, brought up to date.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use skald_saga::Digest;

use crate::clock::now_ms;
use crate::sqlite::{OpenError, Tables, Unrun};

/// The version of the host's tables that this code knows.
pub(crate) const VERSION: i64 = 1;

const TABLES: &str = "
CREATE TABLE skald_meta (version INTEGER NOT NULL);
CREATE TABLE skald_fence (
    saga INTEGER NOT NULL,
    step INTEGER NOT NULL,
    nonce BLOB NOT NULL,
    outcome TEXT NOT NULL,
    digest BLOB,
    output TEXT,
    comp_output TEXT,
    at INTEGER NOT NULL,
    def_digest BLOB,
    input TEXT,
    PRIMARY KEY (saga, step)
) WITHOUT ROWID;
CREATE TABLE skald_outbox (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    key TEXT,
    body TEXT NOT NULL,
    published_us INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE skald_dead_letter (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    key TEXT,
    body TEXT NOT NULL,
    published_us INTEGER NOT NULL,
    subscriber TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
);
CREATE TABLE skald_horizon (born INTEGER NOT NULL);
INSERT INTO skald_horizon VALUES (0);
CREATE TABLE skald_migration (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum BLOB NOT NULL,
    digest BLOB NOT NULL,
    at INTEGER NOT NULL
);
";

/// Makes the host's tables, or refuses those of a newer version.
pub fn prepare(connection: &mut Connection, label: &str) -> Result<(), OpenError> {
    let unfit = |error: rusqlite::Error| OpenError::Unfit {
        label: label.into(),
        detail: format!("the host's tables can't be made: {error}"),
    };
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(unfit)?;
    match version(&transaction).map_err(unfit)? {
        None => {
            transaction.execute_batch(TABLES).map_err(unfit)?;
            transaction
                .execute("INSERT INTO skald_meta VALUES (?)", [VERSION])
                .map_err(unfit)?;
        }
        Some(found) if found > VERSION => {
            return Err(OpenError::TooNew {
                label: label.into(),
                found,
                known: VERSION,
            });
        }
        Some(_) => {}
    }
    transaction.commit().map_err(unfit)
}

fn version(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let exists: Option<i64> = connection
        .query_row(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'skald_meta'",
            [],
            |row| row.get(0),
        )
        .optional()?;
    match exists {
        None => Ok(None),
        Some(_) => connection
            .query_row("SELECT version FROM skald_meta", [], |row| row.get(0))
            .optional(),
    }
}

/// How much of a statement an error shows, in characters: enough to find it by.
const SHOWN: usize = 120;

/// One change to a component's tables, run once in the life of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its place in the order, from 1 without gaps.
    pub version: u32,
    /// For people: what it does.
    pub name: String,
    /// The statements.
    pub statements: Vec<String>,
}

impl Migration {
    fn checksum(&self) -> Digest {
        Digest::of(self.statements.join("\u{0}").as_bytes())
    }

    fn failed(&self, source: rusqlite::Error) -> MigrateError {
        MigrateError::Failed {
            version: self.version,
            name: self.name.clone(),
            source,
        }
    }

    fn unrun(&self, statement: &str, unrun: Unrun) -> MigrateError {
        match unrun {
            Unrun::Failed(error) => self.failed(error),
            Unrun::Refused(detail) => MigrateError::Refused {
                version: self.version,
                name: self.name.clone(),
                statement: statement.chars().take(SHOWN).collect(),
                detail,
            },
        }
    }
}

/// How many migrations were run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// Those that were new.
    pub new: usize,
    /// All of the component's.
    pub all: usize,
}

/// Why a component's tables can't be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The versions are not 1, 2, 3, …
    #[error("migration {found} stands where {expected} should: versions go from 1 without gaps")]
    Gap {
        /// The version found.
        found: u32,
        /// The version that should be there.
        expected: u32,
    },
    /// A migration that was run before is written otherwise now.
    #[error("migration {version} ({name}) was run before and is written otherwise now: add a new migration instead")]
    Edited {
        /// Its version.
        version: u32,
        /// Its name.
        name: String,
    },
    /// The database has migrations that this version of the component does not know.
    #[error("the database is at migration {found}, and this version of the component knows only {known}")]
    Ahead {
        /// The newest in the database.
        found: u32,
        /// The newest that the component has.
        known: u32,
    },
    /// A statement failed; nothing of its migration is left.
    #[error("migration {version} ({name}) failed: {source}")]
    Failed {
        /// Its version.
        version: u32,
        /// Its name.
        name: String,
        /// What the database said.
        source: rusqlite::Error,
    },
    /// A statement is not for a migration to run; nothing of its migration is left.
    #[error("migration {version} ({name}) may not run {statement:?}: {detail}")]
    Refused {
        /// Its version.
        version: u32,
        /// Its name.
        name: String,
        /// The statement, or its beginning.
        statement: String,
        /// Why not.
        detail: String,
    },
    /// The host's record of migrations can't be read or written.
    #[error("the record of migrations can't be used: {0}")]
    Record(#[from] rusqlite::Error),
}

/// Runs the migrations that are new, each in a transaction of its own. `digest` is the component's.
pub fn migrate(
    connection: &mut Connection,
    migrations: &[Migration],
    digest: Digest,
) -> Result<Migrated, MigrateError> {
    for (expected, migration) in (1..).zip(migrations) {
        if migration.version != expected {
            return Err(MigrateError::Gap {
                found: migration.version,
                expected,
            });
        }
    }
    let newest: u32 = connection.query_row("SELECT coalesce(max(version), 0) FROM skald_migration", [], |row| {
        row.get(0)
    })?;
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    if newest > known {
        return Err(MigrateError::Ahead { found: newest, known });
    }
    let tables = Tables::guard(connection)?;
    let mut new = 0;
    for migration in migrations {
        new += usize::from(run_one(connection, &tables, migration, digest)?);
    }
    Ok(Migrated {
        new,
        all: migrations.len(),
    })
}

/// True when it was new.
fn run_one(
    connection: &mut Connection,
    tables: &Tables,
    migration: &Migration,
    digest: Digest,
) -> Result<bool, MigrateError> {
    let checksum = migration.checksum();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before: Option<[u8; 32]> = transaction
        .query_row(
            "SELECT checksum FROM skald_migration WHERE version = ?",
            [migration.version],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(before) = before {
        return if before == checksum.0 {
            Ok(false)
        } else {
            Err(MigrateError::Edited {
                version: migration.version,
                name: migration.name.clone(),
            })
        };
    }
    for statement in &migration.statements {
        tables
            .run(&transaction, statement)
            .map_err(|unrun| migration.unrun(statement, unrun))?;
    }
    transaction.execute(
        "INSERT INTO skald_migration (version, name, checksum, digest, at) VALUES (?, ?, ?, ?, ?)",
        (migration.version, &migration.name, checksum.0, digest.0, now_ms()),
    )?;
    transaction.commit().map_err(|error| migration.failed(error))?;
    Ok(true)
}
