//! The journal: which sagas there are, in which state, and what their customers were told.
//!
//! Every change of state is a compare-and-set on the exact state it comes from (rule "terminal writes
//! and cancel are CAS, never blind"): who changes no row has lost, forgets everything, and reads the
//! row again. The journal is the truth about a saga; the fences are the truth about its effects.

mod change;
mod events;
mod forget;
mod operate;
mod query;
mod schema;
mod start;

pub use change::{Entry, Turn};
pub use events::{News, StoredEvent};
pub use operate::{Operated, Operation};
pub use query::{Counts, Filter, SagaDetail, Summary};
pub(crate) use schema::VERSION;
pub use start::{NewSaga, StartKey, Started};

use std::sync::Arc;

use rusqlite::{Connection, Row};
use skald_saga::definition::step_place;
use skald_saga::{Definition, Digest, Nonce, Reason, SagaId, State};

use crate::sqlite::{File, OpenError, Options, Unwritten};

/// Why the journal gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing was written, or nobody knows.
    #[error(transparent)]
    Unwritten(#[from] Unwritten),
    /// It can't be read.
    #[error("the journal can't be read: {0}")]
    Unread(#[from] rusqlite::Error),
    /// A row is not what this host writes.
    #[error("the journal's row of saga {saga} is damaged: {detail}")]
    Damaged {
        /// Which saga.
        saga: SagaId,
        /// What is wrong.
        detail: String,
    },
}

impl Error {
    /// Whether the write may have happened: then the row itself has to be asked.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unwritten(Unwritten::Unknown(_)))
    }

    /// Whether there is too much to write.
    pub fn is_overload(&self) -> bool {
        matches!(self, Self::Unwritten(Unwritten::Overloaded(_)))
    }
}

/// The journal in a SQLite file.
#[derive(Clone)]
pub struct Journal {
    file: File,
    /// This host in the `owner` column: another one after every start.
    owner: Arc<str>,
    listener: Arc<dyn Listener>,
}

/// Who is told of status events once they are committed.
pub trait Listener: Send + Sync {
    /// Takes notice of events of one stream. They come one after the other, in the order of their
    /// numbers, on the thread that made them durable: it must not block.
    fn told(&self, stream: &Arc<str>, definition: Digest, events: &[StoredEvent]);
}

/// Nobody is told.
impl Listener for () {
    fn told(&self, _: &Arc<str>, _: Digest, _: &[StoredEvent]) {}
}

/// A saga's row, as an orchestrator needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct SagaRow {
    /// Its id.
    pub id: SagaId,
    /// Its nonce.
    pub nonce: Nonce,
    /// The definition it is pinned to.
    pub definition: Digest,
    /// Its admitted input, a JSON text.
    pub input: Arc<str>,
    /// On whose behalf it runs: a principal as JSON text.
    pub principal: Option<Arc<str>>,
    /// The stream that its status events go to.
    pub stream: Arc<str>,
    /// When it was started, in milliseconds since 1970.
    pub born: i64,
    /// Its state.
    pub state: State,
    /// Where the search for the frontier begins, from 0.
    pub from_step: usize,
    /// Why it turned back or is stuck.
    pub reason: Option<Reason>,
    /// The step that the counted attempts belong to, from 0.
    pub att_step: Option<usize>,
    /// How many attempts of it have failed.
    pub att: u32,
    /// How many attempts to compensate have failed.
    pub att_back: u32,
    /// When it is to be tried again, in milliseconds since 1970.
    pub next_at: Option<i64>,
    /// It comes from a restored journal.
    pub recovering: bool,
    /// How often an operator has set it going again.
    pub round: u32,
}

/// The columns of [`saga_row`], in its order.
const COLUMNS: &str = "id, nonce, def_digest, input, principal, stream, born, state, from_step, reason, att_step, att, att_back, \
     next_at, recovering, round";

impl Journal {
    /// Opens or creates the journal. The listener hears of every event that it commits.
    pub fn open(options: &Options, listener: Arc<dyn Listener>) -> Result<Self, OpenError> {
        let file = File::open(options, schema::prepare)?;
        let owner = format!("{:016x}", getrandom::u64().unwrap_or_default());
        Ok(Self {
            file,
            owner: owner.into(),
            listener,
        })
    }

    /// The file it is in.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Keeps a definition, so that sagas can be pinned to it.
    pub async fn keep_definition(&self, definition: &Definition) -> Result<(), Error> {
        let (digest, body) = (definition.digest(), definition.to_json());
        self.write(move |connection| {
            connection.execute(
                "INSERT INTO definition (digest, body) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (digest.0, &body),
            )
        })
        .await
        .map(drop)
    }

    /// All definitions that were ever in force.
    pub async fn definitions(&self) -> Result<Vec<(Digest, String)>, Error> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT digest, body FROM definition")?
                .query_map([], |row| Ok((Digest(row.get(0)?), row.get(1)?)))?
                .collect()
        })
        .await
    }

    /// A saga's row.
    pub async fn load(&self, id: SagaId) -> Result<Option<SagaRow>, Error> {
        self.read(move |connection| {
            let mut rows = rows(
                connection,
                &format!("SELECT {COLUMNS} FROM saga WHERE id = ?"),
                [id.0.cast_signed()],
            )?;
            Ok(rows.pop())
        })
        .await?
        .transpose()
    }

    /// The sagas that are neither ended nor stuck, oldest first, from this id on.
    pub async fn open_sagas(&self, after: SagaId, most: u32) -> Result<Vec<SagaRow>, Error> {
        self.read(move |connection| {
            let text = format!(
                "SELECT {COLUMNS} FROM saga INDEXED BY saga_open \
                 WHERE state NOT IN ('completed', 'compensated') AND state IN ('running', 'aborting') AND id > ? ORDER BY id LIMIT ?"
            );
            rows(connection, &text, (after.0.cast_signed(), most))
        })
        .await?
        .into_iter()
        .collect()
    }

    /// The ids of sagas that are neither ended nor stuck, were born before a moment, and are due.
    pub async fn due_before(&self, born_ms: i64, most: u32) -> Result<Vec<SagaId>, Error> {
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT id FROM saga INDEXED BY saga_open WHERE state NOT IN ('completed', 'compensated') \
                     AND state IN ('running', 'aborting') AND born < ? AND coalesce(next_at, 0) <= ? ORDER BY id LIMIT ?",
                )?
                .query_map((born_ms, crate::clock::now_ms(), most), |row| Ok(SagaId(row.get::<_, i64>(0)?.cast_unsigned())))?
                .collect()
        })
        .await
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        Ok(self.file.writer.write(work).await?)
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        Ok(self.file.readers.read(work).await?)
    }
}

fn rows(
    connection: &Connection,
    text: &str,
    params: impl rusqlite::Params,
) -> rusqlite::Result<Vec<Result<SagaRow, Error>>> {
    connection.prepare_cached(text)?.query_map(params, saga_row)?.collect()
}

/// A row; what can't be understood in it is an error that names the saga.
fn saga_row(row: &Row<'_>) -> rusqlite::Result<Result<SagaRow, Error>> {
    let id = SagaId(row.get::<_, i64>(0)?.cast_unsigned());
    let damaged = |detail: String| Error::Damaged { saga: id, detail };
    let state: String = row.get(7)?;
    let Some(state) = State::from_name(&state) else {
        return Ok(Err(damaged(format!("its state is {state:?}"))));
    };
    let reason = match row
        .get::<_, Option<String>>(9)?
        .map(|text| serde_json::from_str(&text))
        .transpose()
    {
        Ok(reason) => reason,
        Err(error) => return Ok(Err(damaged(format!("its reason is no reason: {error}")))),
    };
    Ok(Ok(SagaRow {
        id,
        nonce: Nonce(row.get(1)?),
        definition: Digest(row.get(2)?),
        input: row.get::<_, String>(3)?.into(),
        principal: row.get::<_, Option<String>>(4)?.map(Into::into),
        stream: row.get::<_, String>(5)?.into(),
        born: row.get(6)?,
        state,
        from_step: row.get::<_, Option<i64>>(8)?.and_then(step_place).unwrap_or(0),
        reason,
        att_step: row.get::<_, Option<i64>>(10)?.and_then(step_place),
        att: row.get(11)?,
        att_back: row.get(12)?,
        next_at: row.get(13)?,
        recovering: row.get(14)?,
        round: row.get(15)?,
    }))
}
