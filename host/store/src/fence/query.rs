//! What fences say, and what is done to them outside of steps.

use rusqlite::Connection;
use skald_saga::{Digest, Nonce, SagaId};

use super::action::{digest_column, optional};
use super::{Key, Outcome, Refusal, name};

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

    /// What an outcome comes to that this host writes for nobody to find.
    pub fn unusable(&self, key: &Key) -> Outcome {
        let fence = format!("the fence of saga {} step {}", key.saga, key.step + 1);
        match self.outcome.as_str() {
            name::PENDING => Outcome::Broken(format!("{fence} is pending: the component broke its transaction")),
            other => Outcome::Alien(format!("{fence} says {other:?}")),
        }
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
    Ok(recorded(connection, key)?.is_some_and(|recorded| recorded.outcome == name::DONE))
}

/// What an operator has to do by hand, now that the fence says that they do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByHand {
    /// The step was done: undo its work. Nobody else will.
    Undo,
    /// Its component broke the transaction: look at what is left of it, and undo that.
    CleanUp,
    /// Nothing: somebody has undone it already, or it was never done.
    Nothing,
}

/// Rule "hand repair: fence first": records that an operator undoes a step by hand. One that was broken
/// off is closed with that, as if it had never run; none after it can have run.
pub fn resolve_by_hand(connection: &Connection, key: &Key) -> rusqlite::Result<ByHand> {
    let (saga, step) = key.row();
    let mut change = connection.prepare_cached(
        "UPDATE skald_fence SET outcome = ? WHERE saga = ? AND step = ? AND nonce = ? AND outcome = ?",
    )?;
    for (from, to, by_hand) in [
        (name::DONE, name::UNDONE_BY_HAND, ByHand::Undo),
        (name::PENDING, name::FENCED, ByHand::CleanUp),
    ] {
        if change.execute((to, saga, step, key.nonce.0, from))? == 1 {
            return Ok(by_hand);
        }
    }
    Ok(ByHand::Nothing)
}

/// Rule "clean-up moves a horizon in the same transaction": forgets the oldest fences of sagas born
/// before `horizon_ms`, all of which must have ended: `most` of them, which is more than a saga has. Says
/// how many rows went.
pub fn clean_up(connection: &Connection, horizon_ms: u64, most: u32) -> rusqlite::Result<usize> {
    connection
        .prepare_cached("UPDATE skald_horizon SET born = max(born, ?)")?
        .execute([horizon_ms.cast_signed()])?;
    let oldest_kept = SagaId::compose(horizon_ms, 0).0.cast_signed();
    connection
        .prepare_cached(
            "DELETE FROM skald_fence WHERE saga < min(?1, coalesce( \
             (SELECT saga FROM skald_fence ORDER BY saga, step LIMIT 1 OFFSET ?2), ?1))",
        )?
        .execute((oldest_kept, most))
}
