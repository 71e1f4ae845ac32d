//! The status events: one stream per customer, numbered in the order of commits.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row};
use skald_saga::definition::{step_number, step_place};
use skald_saga::status::{Event, Phase, Status};
use skald_saga::{Digest, Nonce, SagaId, State};

use super::{Error, Journal};

/// Events that are to be told, unless they have been.
#[derive(Clone, Debug)]
pub struct News {
    /// The saga.
    pub saga: SagaId,
    /// The saga's nonce.
    pub nonce: Nonce,
    /// The saga's definition.
    pub definition: Digest,
    /// The stream.
    pub stream: Arc<str>,
    /// How often an operator has set the saga going again.
    pub round: u32,
    /// The events, in order, those of the past included.
    pub events: Vec<Event>,
    /// Why it turned back: what FAILED carries.
    pub reason: Option<String>,
    /// Why it is stuck: what its last event carries then.
    pub stuck: Option<String>,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

/// An event as it stands in its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its number in the stream, from 1 without gaps.
    pub seq: i64,
    /// The saga.
    pub saga: SagaId,
    /// What happened to which step, and to the saga.
    pub event: Event,
    /// Why, if something failed.
    pub reason: Option<String>,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

impl Journal {
    /// Tells what has happened so far, off the critical path. Rule "no event says more than the
    /// journal row": nothing is told unless the saga is still in `state`.
    pub async fn tell(&self, news: News, state: State) -> Result<Vec<StoredEvent>, Error> {
        let told = self.listening(Some(&news));
        let work = move |connection: &Connection| {
            let current: Option<String> = connection
                .prepare_cached("SELECT state FROM saga WHERE id = ? AND nonce = ?")?
                .query_row((news.saga.0.cast_signed(), news.nonce.0), |row| row.get(0))
                .optional()?;
            if current.as_deref() == Some(state.name()) {
                append(connection, &news)
            } else {
                Ok(vec![])
            }
        };
        Ok(self.file.writer.write_then(work, move |events| told(events)).await?)
    }

    /// Hands events of this news to whoever listens.
    pub(super) fn listening(&self, news: Option<&News>) -> impl FnOnce(&[StoredEvent]) + Send + use<> {
        let to = news.map(|news| (self.listener.clone(), news.stream.clone(), news.definition));
        move |events| {
            if let Some((listener, stream, definition)) = to
                && !events.is_empty()
            {
                listener.told(&stream, definition, events);
            }
        }
    }

    /// What was told of one saga, in order.
    pub async fn events_of(&self, saga: SagaId) -> Result<Vec<StoredEvent>, Error> {
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT seq, saga, step, status, phase, reason, at FROM event WHERE saga = ? ORDER BY seq",
                )?
                .query_map([saga.0.cast_signed()], stored)?
                .collect()
        })
        .await
    }

    /// The last step of which the customer was told that it begins, from 0.
    pub async fn last_begun(&self, saga: SagaId) -> Result<Option<usize>, Error> {
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT max(step) FROM event WHERE saga = ? AND status = ?")?
                .query_row((saga.0.cast_signed(), Status::Execute as u8), |row| {
                    Ok(row.get::<_, Option<i64>>(0)?.and_then(step_place))
                })
        })
        .await
    }

    /// The number of a stream's last event; 0 when there is none.
    pub async fn last_event(&self, stream: Arc<str>) -> Result<i64, Error> {
        self.read(move |connection| last(connection, &stream)).await
    }

    /// The events after one, at most so many, each with the digest of its saga's definition.
    pub async fn events_after(
        &self,
        stream: Arc<str>,
        seq: i64,
        most: u32,
    ) -> Result<Vec<(StoredEvent, Digest)>, Error> {
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT seq, saga, step, status, phase, reason, at, (SELECT def_digest FROM saga WHERE id = event.saga) \
                     FROM event WHERE stream = ? AND seq > ? ORDER BY seq LIMIT ?",
                )?
                .query_map((&stream, seq, most), |row| Ok((stored(row)?, Digest(row.get(7)?))))?
                .collect()
        })
        .await
    }
}

fn last(connection: &Connection, stream: &str) -> rusqlite::Result<i64> {
    let last: Option<i64> = connection
        .prepare_cached("SELECT last FROM stream WHERE name = ?")?
        .query_row([stream], |row| row.get(0))
        .optional()?;
    Ok(last.unwrap_or(0))
}

/// Appends the events that are missing, numbered from the stream's counter in this transaction, so
/// that the numbers follow the order of commits. It gives back just those.
pub(super) fn append(connection: &Connection, news: &News) -> rusqlite::Result<Vec<StoredEvent>> {
    if news.events.is_empty() {
        return Ok(vec![]);
    }
    let mut seq = last(connection, &news.stream)?;
    let mut told = Vec::with_capacity(news.events.len());
    let mut insert = connection.prepare_cached(
        "INSERT INTO event (stream, seq, saga, step, status, round, phase, reason, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (saga, step, status, round) DO NOTHING",
    )?;
    for event in &news.events {
        let (round, reason) = (round(event, news.round), reason(event, news));
        seq += i64::try_from(insert.execute((
            &news.stream,
            seq + 1,
            news.saga.0.cast_signed(),
            step_number(event.step),
            event.status as u8,
            round,
            event.phase as u8,
            reason,
            news.at_ms,
        ))?)
        .unwrap_or(0);
        if connection.changes() == 1 {
            let reason = reason.map(str::to_owned);
            told.push(StoredEvent {
                seq,
                saga: news.saga,
                event: *event,
                reason,
                at_ms: news.at_ms,
            });
        }
    }
    // Every end is told by an event of its own, also where all that happened had been told before.
    if let Some(last) = news
        .events
        .last()
        .filter(|last| matches!(last.phase, Phase::Completed | Phase::Compensated))
        && told.last().is_none_or(|event: &StoredEvent| event.event != *last)
    {
        seq += 1;
        insert_again(connection, news, *last, seq)?;
        let reason = reason(last, news).map(str::to_owned);
        told.push(StoredEvent {
            seq,
            saga: news.saga,
            event: *last,
            reason,
            at_ms: news.at_ms,
        });
    }
    if !told.is_empty() {
        connection
            .prepare_cached(
                "INSERT INTO stream (name, last) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET last = excluded.last",
            )?
            .execute((&news.stream, seq))?;
    }
    Ok(told)
}

/// The round of a FAILED that tells of turning back: that is told once.
const TURNED_ROUND: i64 = 1 << 39;

/// In which round an event is told. What was begun, done, undone or turned back before an operator
/// stepped in is not told again after it; being stuck again is.
fn round(event: &Event, round: u32) -> i64 {
    match event.status {
        Status::Execute | Status::Success | Status::RolledBack => 0,
        Status::Failed if event.phase != Phase::Stuck => TURNED_ROUND,
        Status::Failed | Status::RollbackFail => round.into(),
    }
}

/// The reason that an event carries.
fn reason<'n>(event: &Event, news: &'n News) -> Option<&'n str> {
    match event.status {
        Status::Failed if event.phase != Phase::Stuck => news.reason.as_deref(),
        Status::Failed | Status::RollbackFail => news.stuck.as_deref(),
        _ => None,
    }
}

/// The round of an event that was told before as one among others, and now tells the end.
const END_ROUND: i64 = 1 << 40;

fn insert_again(connection: &Connection, news: &News, event: Event, seq: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO event (stream, seq, saga, step, status, round, phase, reason, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute((
            &news.stream,
            seq,
            news.saga.0.cast_signed(),
            step_number(event.step),
            event.status as u8,
            END_ROUND + i64::from(news.round),
            event.phase as u8,
            reason(&event, news),
            news.at_ms,
        ))
        .map(drop)
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    let unknown = |index| rusqlite::Error::IntegralValueOutOfRange(index, -1);
    Ok(StoredEvent {
        seq: row.get(0)?,
        saga: SagaId(row.get::<_, i64>(1)?.cast_unsigned()),
        event: Event {
            step: step_place(row.get(2)?).ok_or_else(|| unknown(2))?,
            status: Status::from_number(row.get(3)?).ok_or_else(|| unknown(3))?,
            phase: Phase::from_number(row.get(4)?).ok_or_else(|| unknown(4))?,
        },
        reason: row.get(5)?,
        at_ms: row.get(6)?,
    })
}
