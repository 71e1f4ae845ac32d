//! How an orchestrator changes a saga's row. Each change names the state it comes from; none is blind.

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use skald_saga::definition::step_number;
use skald_saga::{Nonce, Reason, SagaId, State};

use super::events::{News, StoredEvent, append};
use super::{Error, Journal};
use crate::clock::now_ms;

/// How long a host's claim on a saga holds, in milliseconds. Claims only save double work.
pub(super) const LEASE_MS: i64 = 15_000;

/// A change of state.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The state it must be in.
    pub from: State,
    /// The state it gets.
    pub to: State,
    /// Where the search for the frontier begins, from 0; left as it is when none.
    pub from_step: Option<usize>,
    /// Why; left as it is when none.
    pub reason: Option<Reason>,
}

/// A line of a saga's history, for people: an attempt, or what somebody did to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A call of a step, a closing or a compensation.
    Attempt {
        /// The step's name.
        step: String,
        /// `forward`, `close` or `backward`.
        direction: &'static str,
        /// When it began, in milliseconds since 1970.
        at_ms: i64,
        /// How long it took, in microseconds, waiting for its turn included.
        took_us: u64,
        /// The version that ran, if one did.
        #[serde(skip_serializing_if = "Option::is_none")]
        digest: Option<String>,
        /// What came of it.
        outcome: &'static str,
        /// More about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// A host took it over from one that had died.
    PickedUp {
        /// When, in milliseconds since 1970.
        at_ms: i64,
    },
    /// It turned back, or got stuck.
    Turned {
        /// When, in milliseconds since 1970.
        at_ms: i64,
        /// Its state since then.
        state: State,
        /// Why.
        reason: Option<Reason>,
    },
    /// An operator, or its customer, acted on it.
    Operated {
        /// When, in milliseconds since 1970.
        at_ms: i64,
        /// What was done: `cancel`, `retry`, `abort` or `resolve`.
        action: String,
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// Its state since then.
        state: State,
    },
}

/// Entries as they are appended to the history: a JSON text a line.
pub(super) fn lines(entries: &[Entry]) -> String {
    let mut text = String::with_capacity(entries.len() * 160);
    for entry in entries {
        text.push_str(&serde_json::to_string(entry).expect("entries have text keys"));
        text.push('\n');
    }
    text
}

impl Journal {
    /// Changes the state by compare-and-set, tells the events that go with it, and appends to the
    /// history. None: the row was not in that state, and nothing was done.
    pub async fn turn(
        &self,
        saga: (SagaId, Nonce),
        turn: Turn,
        news: Option<News>,
        entries: Vec<Entry>,
    ) -> Result<Option<Vec<StoredEvent>>, Error> {
        let history = lines(&entries);
        let reason = turn
            .reason
            .as_ref()
            .map(|reason| serde_json::to_string(reason).expect("reasons are plain data"));
        let told = self.listening(news.as_ref());
        let work = move |connection: &Connection| {
            let changed = connection
                .prepare_cached(
                    "UPDATE saga SET state = ?, from_step = coalesce(?, from_step), reason = coalesce(?, reason), \
                     next_at = NULL, history = history || ? WHERE id = ? AND nonce = ? AND state = ?",
                )?
                .execute((
                    turn.to.name(),
                    turn.from_step.map(step_number),
                    &reason,
                    &history,
                    saga.0.0.cast_signed(),
                    saga.1.0,
                    turn.from.name(),
                ))?;
            if changed == 0 {
                return Ok(None);
            }
            news.as_ref()
                .map_or_else(|| Ok(vec![]), |news| append(connection, news))
                .map(Some)
        };
        let then = move |events: &Option<Vec<StoredEvent>>| told(events.as_deref().unwrap_or_default());
        Ok(self.file.writer.write_then(work, then).await?)
    }

    /// Counts a failed attempt at a step, and says how many there were. None: the saga is not running.
    pub async fn record_attempt(
        &self,
        saga: (SagaId, Nonce),
        step: usize,
        next_at: Option<i64>,
        entries: Vec<Entry>,
    ) -> Result<Option<u32>, Error> {
        let history = lines(&entries);
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE saga SET att = CASE WHEN att_step = ?1 THEN att + 1 ELSE 1 END, att_step = ?1, next_at = ?2, \
                     history = history || ?3 WHERE id = ?4 AND nonce = ?5 AND state = 'running' RETURNING att",
                )?
                .query_row((step_number(step), next_at, &history, saga.0.0.cast_signed(), saga.1.0), |row| row.get(0))
                .optional()
        })
        .await
    }

    /// Counts a failed attempt to close or compensate. None: the saga is not aborting.
    pub async fn record_back_attempt(
        &self,
        saga: (SagaId, Nonce),
        next_at: Option<i64>,
        entries: Vec<Entry>,
    ) -> Result<Option<u32>, Error> {
        let history = lines(&entries);
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE saga SET att_back = att_back + 1, next_at = ?, history = history || ? \
                     WHERE id = ? AND nonce = ? AND state = 'aborting' RETURNING att_back",
                )?
                .query_row((next_at, &history, saga.0.0.cast_signed(), saga.1.0), |row| row.get(0))
                .optional()
        })
        .await
    }

    /// Rule "recovering is cleared when a step's fence is found absent": nobody can have seen an end.
    pub async fn clear_recovering(&self, saga: (SagaId, Nonce)) -> Result<(), Error> {
        self.write(move |connection| {
            connection.execute(
                "UPDATE saga SET recovering = 0 WHERE id = ? AND nonce = ?",
                (saga.0.0.cast_signed(), saga.1.0),
            )
        })
        .await
        .map(drop)
    }

    /// Claims a saga for this host. It only saves work that others would do as well.
    pub async fn claim(&self, saga: (SagaId, Nonce), entries: Vec<Entry>) -> Result<(), Error> {
        let (owner, history) = (self.owner.clone(), lines(&entries));
        self.write(move |connection| claim(connection, saga.0, &owner, &history))
            .await
    }

    /// Gives the claims of this host up, so that a pick-up after a clean stop is not counted as one
    /// after a crash.
    pub async fn release_claims(&self) -> Result<(), Error> {
        let owner = self.owner.clone();
        self.write(move |connection| {
            connection.execute(
                "UPDATE saga SET owner = NULL WHERE owner = ? AND state NOT IN ('completed', 'compensated')",
                [&owner],
            )
        })
        .await
        .map(drop)
    }

    /// The open sagas whose owner is another host than this one: it has died, since the journal is
    /// this process's alone.
    pub async fn orphans(&self) -> Result<std::collections::HashSet<SagaId>, Error> {
        let owner = self.owner.clone();
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT id FROM saga INDEXED BY saga_open \
                     WHERE state NOT IN ('completed', 'compensated') AND owner IS NOT NULL AND owner <> ?",
                )?
                .query_map([&owner], |row| Ok(SagaId(row.get::<_, i64>(0)?.cast_unsigned())))?
                .collect()
        })
        .await
    }
}

fn claim(connection: &Connection, saga: SagaId, owner: &str, history: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE saga SET owner = ?, lease_until = ?, history = history || ? WHERE id = ?")?
        .execute((owner, now_ms() + LEASE_MS, history, saga.0.cast_signed()))
        .map(drop)
}
