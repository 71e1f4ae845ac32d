//! What fences say, and what is done to them outside of steps.

use rusqlite::Connection;
use skald_saga::{Digest, Nonce, SagaId};

use super::action::{digest_column, optional};
use super::{Key, Refusal};

/// A fence's row, as the protocol needs it.
pub(super) struct Recorded {
    pub nonce: Nonce,
    pub outcome: String,
    pub digest: Option<Digest>,
    pub output: Option<String>,
}

impl Recorded {
    /// What a rejected fence keeps in place of an output.
    pub fn refusal(&self) -> Refusal {
        let recorded = self.output.as_deref().and_then(|text| serde_json::from_str(text).ok());
        recorded.unwrap_or_else(|| Refusal {
            code: "refused".into(),
            detail: "the record of the refusal is damaged".into(),
        })
    }
}

pub(super) fn recorded(connection: &Connection, key: &Key) -> rusqlite::Result<Option<Recorded>> {
    optional(
        connection
            .prepare_cached("SELECT nonce, outcome, digest, output FROM skald_fence WHERE saga = ? AND step = ?")?
            .query_row(key.row(), |row| {
                Ok(Recorded {
                    nonce: Nonce(row.get(0)?),
                    outcome: row.get(1)?,
                    digest: digest_column(row, 2)?,
                    output: row.get(3)?,
                })
            }),
    )
}

pub(super) fn is_below_horizon(connection: &Connection, key: &Key) -> rusqlite::Result<bool> {
    let horizon: i64 = connection
        .prepare_cached("SELECT born FROM skald_horizon")?
        .query_row([], |row| row.get(0))?;
    Ok(key.saga.born_ms().cast_signed() < horizon)
}

/// A fence, for people and for checks.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FenceRow {
    /// The saga.
    pub saga: SagaId,
    /// The step, from 1.
    pub step: i64,
    /// Its outcome's name.
    pub outcome: String,
    /// The version that ran, in hexadecimal.
    pub digest: Option<String>,
    /// What the step returned, or the refusal.
    pub output: Option<String>,
    /// When the row was written, in milliseconds since 1970.
    pub at: i64,
}

/// The fences of a saga in this database.
pub fn of_saga(connection: &Connection, saga: SagaId) -> rusqlite::Result<Vec<FenceRow>> {
    connection
        .prepare_cached("SELECT saga, step, outcome, digest, output, at FROM skald_fence WHERE saga = ? ORDER BY step")?
        .query_map([saga.0.cast_signed()], fence_row)?
        .collect()
}

/// The fences from this saga on, a page of them in order: for `verify`.
pub fn sagas_of(connection: &Connection, after: SagaId, most: u32) -> rusqlite::Result<Vec<FenceRow>> {
    connection
        .prepare_cached(
            "SELECT saga, step, outcome, digest, output, at FROM skald_fence WHERE saga > ? ORDER BY saga, step LIMIT ?",
        )?
        .query_map((after.0.cast_signed(), most), fence_row)?
        .collect()
}

fn fence_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<FenceRow> {
    Ok(FenceRow {
        saga: SagaId(row.get::<_, i64>(0)?.cast_unsigned()),
        step: row.get(1)?,
        outcome: row.get(2)?,
        digest: digest_column(row, 3)?.map(|digest| digest.to_string()),
        output: row.get(4)?,
        at: row.get(5)?,
    })
}

/// Whether the step is known to be done, without deciding anything: it only says which step a
/// pick-up after a crash is counted for.
pub fn peek(connection: &Connection, key: &Key) -> rusqlite::Result<bool> {
    Ok(recorded(connection, key)?.is_some_and(|recorded| recorded.outcome == super::name::DONE))
}

/// Rule "hand repair: fence first". True: the operator may now undo the step's work by hand, and
/// nobody else will. False: it was not `done`, so somebody undid it already.
pub fn resolve_by_hand(connection: &Connection, key: &Key) -> rusqlite::Result<bool> {
    let (saga, step) = key.row();
    let changed = connection
        .prepare_cached(
            "UPDATE skald_fence SET outcome = 'undone_by_hand' WHERE saga = ? AND step = ? AND nonce = ? AND outcome = 'done'",
        )?
        .execute((saga, step, key.nonce.0))?;
    Ok(changed == 1)
}

/// Rule "clean-up moves a horizon in the same transaction": forgets the fences of sagas born before
/// `horizon_ms`, all of which must have ended. Says how many rows went.
pub fn clean_up(connection: &Connection, horizon_ms: u64) -> rusqlite::Result<usize> {
    connection.execute(
        "UPDATE skald_horizon SET born = max(born, ?)",
        [horizon_ms.cast_signed()],
    )?;
    let oldest_kept = SagaId::compose(horizon_ms, 0);
    connection.execute("DELETE FROM skald_fence WHERE saga < ?", [oldest_kept.0.cast_signed()])
}
