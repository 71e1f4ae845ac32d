//! What people ask of the journal: lists, one saga whole, counts.

use std::collections::BTreeMap;

use rusqlite::types::Value as Column;
use rusqlite::{OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use skald_saga::{Digest, SagaId, State};

use super::{Error, Journal};
use crate::clock::now_ms;

/// Which sagas are listed: those that meet all of it, newest first.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In one of these states.
    pub states: Option<Vec<State>>,
    /// Of the customer with this stream.
    pub stream: Option<String>,
    /// Of a definition with one of these digests.
    pub definitions: Option<Vec<Digest>>,
    /// Started at least so many milliseconds ago.
    pub older_than_ms: Option<i64>,
    /// With ids below this one: the next page.
    pub before: Option<SagaId>,
    /// At most so many.
    pub limit: u32,
}

/// A saga in a list. Operators' scripts read it as it is, so its names are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Its id.
    pub id: SagaId,
    /// The digest of its definition.
    pub definition_digest: String,
    /// The stream that its status events go to: the customer that it runs for, as its authenticator
    /// names it; empty: nobody in particular.
    pub customer: String,
    /// When it was started, in milliseconds since 1970.
    pub born_ms: i64,
    /// Its state: `running`, `aborting`, `stuck_forward`, `stuck_back`, `completed` or `compensated`.
    pub state: String,
    /// Why it turned back or is stuck: an object with a `kind`.
    pub reason: Option<Value>,
    /// How many attempts of its current step have failed.
    pub attempts: u32,
    /// How many attempts to compensate have failed.
    pub attempts_back: u32,
    /// When it is tried again, in milliseconds since 1970.
    pub next_at_ms: Option<i64>,
    /// It comes from a restored journal, and may have ended before.
    pub recovering: bool,
}

/// A saga whole.
#[derive(Clone, Debug, PartialEq)]
pub struct SagaDetail {
    /// What a list says of it.
    pub summary: Summary,
    /// Its admitted input.
    pub input: Value,
    /// Its history: attempts, turns, and what people did.
    pub history: Vec<Value>,
}

/// How many sagas are in each state, and how old the oldest unfinished one is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Counts {
    /// Unfinished sagas by state.
    pub unfinished: BTreeMap<String, i64>,
    /// The age of the oldest unfinished one, in milliseconds.
    pub oldest_unfinished_ms: Option<i64>,
}

const SUMMARY: &str = "id, def_digest, stream, born, state, reason, att, att_back, next_at, recovering";

impl Journal {
    /// A page of sagas.
    pub async fn list(&self, filter: Filter) -> Result<Vec<Summary>, Error> {
        let (text, params) = statement(&filter);
        self.read(move |connection| {
            connection
                .prepare_cached(&text)?
                .query_map(rusqlite::params_from_iter(params), summary)?
                .collect()
        })
        .await
    }

    /// One saga whole.
    pub async fn detail(&self, saga: SagaId) -> Result<Option<SagaDetail>, Error> {
        self.read(move |connection| {
            connection
                .prepare_cached(&format!("SELECT {SUMMARY}, input, history FROM saga WHERE id = ?"))?
                .query_row([saga.0.cast_signed()], |row| {
                    let history: String = row.get(11)?;
                    Ok(SagaDetail {
                        summary: summary(row)?,
                        input: json(&row.get::<_, String>(10)?),
                        history: history.lines().map(json).collect(),
                    })
                })
                .optional()
        })
        .await
    }

    /// The counts of unfinished sagas.
    pub async fn counts(&self) -> Result<Counts, Error> {
        self.read(|connection| {
            let mut counts = Counts::default();
            let mut oldest: Option<i64> = None;
            let mut statement = connection.prepare_cached(
                "SELECT state, count(*), min(born) FROM saga INDEXED BY saga_open \
                 WHERE state NOT IN ('completed', 'compensated') GROUP BY state",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                counts.unfinished.insert(row.get(0)?, row.get(1)?);
                let born: i64 = row.get(2)?;
                oldest = Some(oldest.map_or(born, |oldest| oldest.min(born)));
            }
            counts.oldest_unfinished_ms = oldest.map(|born| now_ms() - born);
            Ok(counts)
        })
        .await
    }

    /// The oldest saga that has not ended: its fences and those of younger sagas must not be cleaned
    /// up. Age is by id, as it is for the fences: the row itself is born a little later.
    pub async fn oldest_unfinished(&self) -> Result<Option<SagaId>, Error> {
        self.read(|connection| {
            let oldest: Option<i64> = connection
                .prepare_cached(
                    "SELECT min(id) FROM saga INDEXED BY saga_open WHERE state NOT IN ('completed', 'compensated')",
                )?
                .query_row([], |row| row.get(0))?;
            Ok(oldest.map(|id| SagaId(id.cast_unsigned())))
        })
        .await
    }
}

fn statement(filter: &Filter) -> (String, Vec<Column>) {
    let mut conditions = vec!["1 = 1".to_owned()];
    let mut params = vec![];
    if let Some(states) = &filter.states {
        // The index of unfinished sagas serves a filter only when its own condition is repeated.
        if !states.iter().any(|state| state.is_terminal()) {
            conditions.push("state NOT IN ('completed', 'compensated')".into());
        }
        conditions.push(format!("state IN ({})", vec!["?"; states.len()].join(", ")));
        params.extend(states.iter().map(|state| Column::Text(state.name().into())));
    }
    if let Some(stream) = &filter.stream {
        conditions.push("id IN (SELECT saga FROM event WHERE stream = ?) AND stream = ?".into());
        params.extend([Column::Text(stream.clone()), Column::Text(stream.clone())]);
    }
    if let Some(definitions) = &filter.definitions {
        conditions.push(format!("def_digest IN ({})", vec!["?"; definitions.len()].join(", ")));
        params.extend(definitions.iter().map(|digest| Column::Blob(digest.0.to_vec())));
    }
    if let Some(age) = filter.older_than_ms {
        conditions.push("born <= ?".into());
        params.push(Column::Integer(now_ms() - age));
    }
    if let Some(before) = filter.before {
        conditions.push("id < ?".into());
        params.push(Column::Integer(before.0.cast_signed()));
    }
    params.push(Column::Integer(filter.limit.into()));
    (
        format!(
            "SELECT {SUMMARY} FROM saga WHERE {} ORDER BY id DESC LIMIT ?",
            conditions.join(" AND ")
        ),
        params,
    )
}

fn summary(row: &Row<'_>) -> rusqlite::Result<Summary> {
    Ok(Summary {
        id: SagaId(row.get::<_, i64>(0)?.cast_unsigned()),
        definition_digest: Digest(row.get(1)?).to_string(),
        customer: row.get(2)?,
        born_ms: row.get(3)?,
        state: row.get(4)?,
        reason: row.get::<_, Option<String>>(5)?.map(|text| json(&text)),
        attempts: row.get(6)?,
        attempts_back: row.get(7)?,
        next_at_ms: row.get(8)?,
        recovering: row.get(9)?,
    })
}

/// A JSON text, or the text itself where it is none: a list must not fail because of one row.
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
