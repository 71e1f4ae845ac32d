//! Closing and compensating a step: `SELECT … FROM fence;` absent → `INSERT fence(fenced)`; done →
//! `SAVEPOINT s; component; RELEASE s; UPDATE fence SET outcome = undone`, and the writer's COMMIT.
//!
//! On SQLite there is one writer, so waiting for a running action is waiting for its turn.

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::action::{Called, call_in_savepoint, other_nonce};
use super::asked::{Answer, Asked, Attempt, Question};
use super::query::{self, Recorded};
use super::{Guest, Key, Outcome, Refusal, Reply, name};
use crate::clock::now_ms;
use crate::sqlite::Db;

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// Take the fence if it is absent, and say what it says.
    Only,
    /// And undo what is done.
    AndCompensate,
}

/// A step to be closed or compensated.
pub struct Back {
    key: Key,
    close: Close,
    /// The step reaches outside its database: with no outcome recorded it is compensated all the same.
    external_effects: bool,
    guest: Box<dyn Guest>,
}

impl Back {
    /// The job, and where its reply comes once the commit is known.
    pub fn new(
        key: Key,
        close: Close,
        external_effects: bool,
        guest: Box<dyn Guest>,
    ) -> (Asked<Self>, oneshot::Receiver<Reply>) {
        Asked::new(Self {
            key,
            close,
            external_effects,
            guest,
        })
    }

    /// Rule "null compensation takes the fence".
    fn take(&mut self, db: Box<Db>) -> Attempt {
        if self.external_effects {
            return self.call(db, None);
        }
        let answer = insert_fenced(db.connection(), &self.key).map(|()| Answer::new(Outcome::Fenced, vec![]));
        (db, answer)
    }

    fn found(&mut self, db: Box<Db>, recorded: Recorded) -> Attempt {
        if recorded.nonce != self.key.nonce {
            return (db, Ok(Answer::found(Outcome::Alien(other_nonce(&self.key)))));
        }
        let outcome = match (recorded.outcome.as_str(), recorded.digest) {
            // Rule "a refused step is not compensated".
            (name::REJECTED, _) => Outcome::Rejected(recorded.refusal()),
            (name::FENCED, _) => Outcome::Fenced,
            // Rule "compensation leaves `undone`": twice is once.
            (name::UNDONE | name::UNDONE_BY_HAND, _) => Outcome::Undone,
            (name::DONE, Some(_)) if self.close == Close::AndCompensate => return self.call(db, Some(&recorded)),
            (name::DONE, Some(digest)) => Outcome::Done {
                output: recorded.output.unwrap_or_default(),
                digest,
            },
            _ => recorded.unusable(&self.key),
        };
        (db, Ok(Answer::found(outcome)))
    }

    /// Compensates what is recorded, on the version that ran it (rule "compensation on fence.digest"), or
    /// what may have happened elsewhere although nothing is. A refusal is a failed attempt.
    fn call(&mut self, db: Box<Db>, recorded: Option<&Recorded>) -> Attempt {
        let guest = &mut self.guest;
        let digest = recorded.and_then(|recorded| recorded.digest);
        let output = recorded.and_then(|recorded| recorded.output.as_deref());
        let (db, called) = call_in_savepoint(db, |session| guest.compensate(session, digest, output));
        let answer = called.and_then(|called| match called {
            Called::Done { effects, .. } if recorded.is_some() => {
                mark_undone(db.connection(), &self.key).map(|()| Answer::new(Outcome::Undone, effects))
            }
            Called::Done { effects, .. } => {
                insert_fenced(db.connection(), &self.key).map(|()| Answer::new(Outcome::Fenced, effects))
            }
            Called::Rejected(Refusal { code, detail }) => {
                let detail = format!("the compensation was refused: {code}: {detail}");
                Ok(Answer::retry(detail, None))
            }
            Called::Retry { detail, after_ms } => Ok(Answer::retry(detail, after_ms)),
        });
        (db, answer)
    }
}

impl Question for Back {
    fn attempt(&mut self, db: Box<Db>) -> Attempt {
        let looked = query::recorded(db.connection(), &self.key)
            .and_then(|recorded| Ok((recorded, query::is_below_horizon(db.connection(), &self.key)?)));
        match looked {
            Err(error) => (db, Err(error)),
            // Below the horizon an absent fence proves nothing: never "nothing to compensate".
            Ok((None, true)) => {
                let expired = format!("saga {} is older than the horizon of its database", self.key.saga);
                (db, Ok(Answer::found(Outcome::Alien(expired))))
            }
            Ok((None, false)) => self.take(db),
            Ok((Some(recorded), _)) => self.found(db, recorded),
        }
    }

    fn is_slow(&self) -> bool {
        self.guest.is_slow()
    }
}

fn insert_fenced(connection: &Connection, key: &Key) -> rusqlite::Result<()> {
    let (saga, step) = key.row();
    connection
        .prepare_cached("INSERT INTO skald_fence (saga, step, nonce, outcome, at) VALUES (?, ?, ?, 'fenced', ?)")?
        .execute((saga, step, key.nonce.0, now_ms()))
        .map(drop)
}

fn mark_undone(connection: &Connection, key: &Key) -> rusqlite::Result<()> {
    let (saga, step) = key.row();
    let changed = connection
        .prepare_cached("UPDATE skald_fence SET outcome = 'undone' WHERE saga = ? AND step = ? AND outcome = 'done'")?
        .execute((saga, step))?;
    if changed == 1 {
        Ok(())
    } else {
        Err(rusqlite::Error::StatementChangedRows(changed))
    }
}
