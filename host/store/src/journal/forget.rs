//! Forgetting what has ended long ago, a batch at a time. What has not ended is never forgotten.
//!
//! A saga goes whole: its row with its history, and its events. Its stream remembers how many of its
//! events are gone, so that a lost one still shows. When it may go is for the caller to say: after its
//! fences, or they would seem to be of a saga that nobody knows.

use rusqlite::{Connection, OptionalExtension};
use skald_saga::SagaId;

use super::{Error, Journal};

impl Journal {
    /// The oldest sagas with ids below `before` that ended before a moment (milliseconds since 1970).
    /// The last event of a saga tells its end.
    pub async fn forgettable(&self, before: SagaId, ended_ms: i64, most: u32) -> Result<Vec<SagaId>, Error> {
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT id FROM saga WHERE id < ? AND state IN ('completed', 'compensated') \
                     AND coalesce((SELECT max(at) FROM event WHERE saga = saga.id), born) < ? ORDER BY id LIMIT ?",
                )?
                .query_map((before.0.cast_signed(), ended_ms, most), |row| {
                    Ok(SagaId(row.get::<_, i64>(0)?.cast_unsigned()))
                })?
                .collect()
        })
        .await
    }

    /// Forgets those of these sagas that have ended, and says how many they are.
    pub async fn forget(&self, sagas: Vec<SagaId>) -> Result<usize, Error> {
        self.write(move |connection| {
            let forgotten = sagas.iter().map(|saga| forget(connection, *saga));
            forgotten.sum::<rusqlite::Result<usize>>()
        })
        .await
    }

    /// Forgets the oldest keys that were used before a moment (milliseconds since 1970), unless their
    /// saga has not ended: a client that asks again must not start a second one. Says how many.
    pub async fn forget_keys(&self, used_ms: i64, most: u32) -> Result<usize, Error> {
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "DELETE FROM start_key WHERE (principal, route, key) IN (SELECT principal, route, key FROM start_key \
                     WHERE at < ? AND NOT EXISTS (SELECT 1 FROM saga WHERE id = start_key.saga_id \
                     AND state NOT IN ('completed', 'compensated')) ORDER BY at LIMIT ?)",
                )?
                .execute((used_ms, most))
        })
        .await
    }
}

fn forget(connection: &Connection, saga: SagaId) -> rusqlite::Result<usize> {
    let saga = saga.0.cast_signed();
    let stream: Option<String> = connection
        .prepare_cached("DELETE FROM saga WHERE id = ? AND state IN ('completed', 'compensated') RETURNING stream")?
        .query_row([saga], |row| row.get(0))
        .optional()?;
    let Some(stream) = stream else { return Ok(0) };
    let events = connection
        .prepare_cached("DELETE FROM event WHERE saga = ?")?
        .execute([saga])?;
    connection
        .prepare_cached("UPDATE stream SET forgotten = forgotten + ? WHERE name = ?")?
        .execute((i64::try_from(events).unwrap_or(i64::MAX), stream))?;
    Ok(1)
}
