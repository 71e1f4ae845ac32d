//! Events on their way out: rows that commit with the writes they announce, and are deleted once
//! they are delivered. They are never paged by id: a reader past an id that was handed out before
//! its commit would miss that row.

use rusqlite::{Connection, Row};

use crate::clock::now_us;
use crate::sql::Publication;

/// An event in the outbox of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its row.
    pub row: i64,
    /// The event.
    pub event: Publication,
    /// When it was published, in microseconds since 1970.
    pub published_us: i64,
    /// How many deliveries have failed.
    pub attempts: u32,
}

/// Writes an event, in whatever transaction is open.
pub(crate) fn insert(connection: &Connection, event: &Publication) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO skald_outbox (topic, key, body, published_us) VALUES (?, ?, ?, ?)")?
        .execute((&event.topic, &event.key, &event.data, now_us()))
        .map(drop)
}

/// The oldest events that are due at this moment (milliseconds since 1970). One that is put off holds
/// up those behind it with the same topic and key: their order is promised.
pub fn due(connection: &Connection, now_ms: i64, most: u32) -> rusqlite::Result<Vec<Pending>> {
    connection
        .prepare_cached(
            "SELECT id, topic, key, body, published_us, attempts FROM skald_outbox WHERE next_at <= ?1 \
             AND (key IS NULL OR (topic, key) NOT IN \
             (SELECT topic, key FROM skald_outbox WHERE next_at > ?1 AND key IS NOT NULL)) ORDER BY id LIMIT ?2",
        )?
        .query_map((now_ms, most), pending)?
        .collect()
}

/// How many events wait, dead letters not counted.
pub fn backlog(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT count(*) FROM skald_outbox")?
        .query_row([], |row| row.get(0))
}

/// How many events were given up.
pub fn dead_letters(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT count(*) FROM skald_dead_letter")?
        .query_row([], |row| row.get(0))
}

/// Forgets events that are delivered.
pub fn delivered(connection: &Connection, rows: &[i64]) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM skald_outbox WHERE id = ?")?;
    rows.iter().try_for_each(|row| delete.execute([row]).map(drop))
}

/// Puts an event off until a moment (milliseconds since 1970), and counts the failure.
pub fn put_off(connection: &Connection, row: i64, until_ms: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE skald_outbox SET attempts = attempts + 1, next_at = ? WHERE id = ?")?
        .execute((until_ms, row))
        .map(drop)
}

/// Moves an event to the dead letters.
pub fn bury(connection: &Connection, row: i64, subscriber: &str, reason: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO skald_dead_letter (topic, key, body, published_us, subscriber, reason, at) \
             SELECT topic, key, body, published_us, ?, ?, ? FROM skald_outbox WHERE id = ?",
        )?
        .execute((subscriber, reason, crate::clock::now_ms(), row))?;
    delivered(connection, &[row])
}

fn pending(row: &Row<'_>) -> rusqlite::Result<Pending> {
    Ok(Pending {
        row: row.get(0)?,
        event: Publication {
            topic: row.get(1)?,
            key: row.get(2)?,
            data: row.get(3)?,
        },
        published_us: row.get(4)?,
        attempts: row.get(5)?,
    })
}
