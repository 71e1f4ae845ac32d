//! The durable start: one row, and with a key the row that makes it idempotent, in one transaction.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};
use skald_saga::{Digest, Nonce, SagaId};

use super::{Error, Journal};
use crate::clock::now_ms;

/// A saga that is to be started.
#[derive(Clone, Debug)]
pub struct NewSaga {
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
    /// When, in milliseconds since 1970.
    pub born: i64,
    /// What makes the start idempotent, and the answer to give for it again.
    pub key: Option<(StartKey, Arc<str>)>,
}

/// The client's key for a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartKey {
    /// Whose key it is.
    pub principal: Arc<str>,
    /// The route it was used on.
    pub route: Arc<str>,
    /// The `Idempotency-Key`.
    pub key: Arc<str>,
    /// The sha256 of the body.
    pub body_hash: Digest,
}

/// What became of a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// The saga is durable.
    New,
    /// The key was used for the same body before: this was the answer.
    Before {
        /// The saga's id.
        saga: SagaId,
        /// The answer's body.
        response: String,
    },
    /// The key was used for the same body before, and refused: this is what was recorded.
    RefusedBefore(String),
    /// The key was used for another body.
    OtherBody,
    /// Another saga has this id. Make another id, and start again.
    Clash,
}

impl Journal {
    /// Rule "start: look the key up before admit": what a key recorded, if it was used.
    pub async fn look_up(&self, key: StartKey) -> Result<Option<Started>, Error> {
        self.read(move |connection| recorded(connection, &key)).await
    }

    /// Starts a saga. Rule "start: unique key, in the saga's transaction".
    ///
    /// An unknown commit is read back here, by (id, nonce), until it is known.
    pub async fn start(&self, saga: NewSaga) -> Result<Started, Error> {
        let owner = self.owner.clone();
        loop {
            let (saga, owner) = (saga.clone(), owner.clone());
            match self.write(move |connection| insert(connection, &saga, &owner)).await {
                // The insert is if-absent by id and nonce: doing it again is reading it back.
                Err(error) if error.is_unknown() => {
                    tracing::warn!("the outcome of a start is unknown; reading it back");
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                other => return other,
            }
        }
    }

    /// Rule "start: admit's refusal is recorded under the key". It answers what the row says then,
    /// which may be another request's success.
    pub async fn refuse(&self, key: StartKey, refusal: String) -> Result<Started, Error> {
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO start_key (principal, route, key, body_hash, refusal, at) VALUES (?, ?, ?, ?, ?, ?) \
                     ON CONFLICT DO NOTHING",
                )?
                .execute((
                    &key.principal,
                    &key.route,
                    &key.key,
                    key.body_hash.0,
                    &refusal,
                    now_ms(),
                ))?;
            recorded(connection, &key)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
        })
        .await
    }
}

fn recorded(connection: &Connection, key: &StartKey) -> rusqlite::Result<Option<Started>> {
    connection
        .prepare_cached(
            "SELECT body_hash, saga_id, response, refusal FROM start_key WHERE principal = ? AND route = ? AND key = ?",
        )?
        .query_row((&key.principal, &key.route, &key.key), |row| {
            if row.get::<_, [u8; 32]>(0)? != key.body_hash.0 {
                return Ok(Started::OtherBody);
            }
            Ok(match row.get::<_, Option<i64>>(1)? {
                Some(saga) => Started::Before {
                    saga: SagaId(saga.cast_unsigned()),
                    response: row.get(2)?,
                },
                None => Started::RefusedBefore(row.get(3)?),
            })
        })
        .optional()
}

fn insert(connection: &Connection, saga: &NewSaga, owner: &str) -> rusqlite::Result<Started> {
    if let Some((key, response)) = &saga.key {
        let inserted = connection
            .prepare_cached(
                "INSERT INTO start_key (principal, route, key, body_hash, saga_id, response, at) \
                 VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            )?
            .execute((
                &key.principal,
                &key.route,
                &key.key,
                key.body_hash.0,
                saga.id.0.cast_signed(),
                response,
                saga.born,
            ))?;
        if inserted == 0 {
            let before = recorded(connection, key)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            return Ok(match before {
                // This very start, committed by an attempt whose answer was lost.
                Started::Before { saga: id, .. } if id == saga.id && is_ours(connection, saga)? => Started::New,
                other => other,
            });
        }
    }
    let inserted = connection
        .prepare_cached(
            "INSERT INTO saga (id, nonce, def_digest, input, principal, stream, born, state, owner, lease_until) \
             VALUES (?, ?, ?, ?, ?, ?, ?, 'running', ?, ?) ON CONFLICT DO NOTHING",
        )?
        .execute((
            saga.id.0.cast_signed(),
            saga.nonce.0,
            saga.definition.0,
            &saga.input,
            &saga.principal,
            &saga.stream,
            saga.born,
            owner,
            now_ms() + super::change::LEASE_MS,
        ))?;
    if inserted == 1 || is_ours(connection, saga)? {
        return Ok(Started::New);
    }
    if let Some((key, _)) = &saga.key {
        connection.execute(
            "DELETE FROM start_key WHERE principal = ? AND route = ? AND key = ?",
            (&key.principal, &key.route, &key.key),
        )?;
    }
    Ok(Started::Clash)
}

fn is_ours(connection: &Connection, saga: &NewSaga) -> rusqlite::Result<bool> {
    let nonce: Option<[u8; 16]> = connection
        .prepare_cached("SELECT nonce FROM saga WHERE id = ?")?
        .query_row([saga.id.0.cast_signed()], |row| row.get(0))
        .optional()?;
    Ok(nonce == Some(saga.nonce.0))
}
