//! Closing and compensating a step: `SELECT … FROM fence;` absent → `INSERT fence(fenced)`; done →
//! `SAVEPOINT s; component; RELEASE s; UPDATE fence SET outcome = undone`, and the writer's COMMIT.
//!
//! On SQLite there is one writer, so waiting for a running action is waiting for its turn.

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::action::{Called, call_in_savepoint, failed, other_nonce, unknown};
use super::query::{self, Recorded};
use super::{Guest, Key, Outcome, Reply, name};
use crate::clock::now_ms;
use crate::sqlite::{AfterCommit, Db, Fate, Job, Verdict};

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
    reply: Option<Reply>,
    effects: Vec<AfterCommit>,
    told: oneshot::Sender<Reply>,
}

type Attempt = rusqlite::Result<(Reply, Verdict)>;

impl Back {
    /// The job, and where its reply comes once the commit is known.
    pub fn new(
        key: Key,
        close: Close,
        external_effects: bool,
        guest: Box<dyn Guest>,
    ) -> (Self, oneshot::Receiver<Reply>) {
        let (told, answer) = oneshot::channel();
        (
            Self {
                key,
                close,
                external_effects,
                guest,
                reply: None,
                effects: vec![],
                told,
            },
            answer,
        )
    }

    fn attempt(&mut self, db: Box<Db>) -> (Box<Db>, Attempt) {
        let looked = query::recorded(db.connection(), &self.key)
            .and_then(|recorded| Ok((recorded, query::is_below_horizon(db.connection(), &self.key)?)));
        match looked {
            Err(error) => (db, Err(error)),
            // Below the horizon an absent fence proves nothing: never "nothing to compensate".
            Ok((None, true)) => {
                let expired = format!("saga {} is older than the horizon of its database", self.key.saga);
                (db, Ok(keep(Outcome::Alien(expired), true)))
            }
            Ok((None, false)) => self.take(db),
            Ok((Some(recorded), _)) => self.found(db, recorded),
        }
    }

    /// Rule "null compensation takes the fence".
    fn take(&mut self, db: Box<Db>) -> (Box<Db>, Attempt) {
        let (db, undone) = if self.external_effects {
            self.call(db, None)
        } else {
            (db, Ok(None))
        };
        let attempt = match undone {
            Err(error) => Err(error),
            Ok(Some(retry)) => Ok((retry, Verdict::Undo)),
            Ok(None) => insert_fenced(db.connection(), &self.key).map(|()| keep(Outcome::Fenced, false)),
        };
        (db, attempt)
    }

    fn found(&mut self, db: Box<Db>, recorded: Recorded) -> (Box<Db>, Attempt) {
        if recorded.nonce != self.key.nonce {
            return (db, Ok(keep(Outcome::Alien(other_nonce(&self.key)), true)));
        }
        let outcome = match (recorded.outcome.as_str(), recorded.digest) {
            // Rule "a refused step is not compensated".
            (name::REJECTED, _) => Outcome::Rejected(recorded.refusal()),
            (name::FENCED, _) => Outcome::Fenced,
            // Rule "compensation leaves `undone`": twice is once.
            (name::UNDONE | name::UNDONE_BY_HAND, _) => Outcome::Undone,
            (name::DONE, Some(_)) if self.close == Close::AndCompensate => return self.undo(db, &recorded),
            (name::DONE, Some(digest)) => Outcome::Done {
                output: recorded.output.unwrap_or_default(),
                digest,
            },
            _ => recorded.unusable(&self.key),
        };
        (db, Ok(keep(outcome, true)))
    }

    /// Rule "compensation on fence.digest".
    fn undo(&mut self, db: Box<Db>, recorded: &Recorded) -> (Box<Db>, Attempt) {
        let (db, undone) = self.call(db, Some(recorded));
        let attempt = match undone {
            Err(error) => Err(error),
            Ok(Some(retry)) => Ok((retry, Verdict::Undo)),
            Ok(None) => mark_undone(db.connection(), &self.key).map(|()| keep(Outcome::Undone, false)),
        };
        (db, attempt)
    }

    /// None: the component has compensated. A refusal from a compensation is a failed attempt.
    fn call(&mut self, db: Box<Db>, recorded: Option<&Recorded>) -> (Box<Db>, rusqlite::Result<Option<Reply>>) {
        let guest = &mut self.guest;
        let digest = recorded.and_then(|recorded| recorded.digest);
        let output = recorded.and_then(|recorded| recorded.output.as_deref());
        let (db, called) = call_in_savepoint(db, |session| guest.compensate(session, digest, output));
        let retry = |detail, after_ms| {
            Some(Reply {
                outcome: Outcome::Retry { detail, after_ms },
                found: false,
            })
        };
        let undone = called.map(|called| match called {
            Called::Done { effects, .. } => {
                self.effects = effects;
                None
            }
            Called::Rejected(refusal) => retry(
                format!("the compensation was refused: {}: {}", refusal.code, refusal.detail),
                None,
            ),
            Called::Retry { detail, after_ms } => retry(detail, after_ms),
        });
        (db, undone)
    }
}

impl Job for Back {
    fn run(&mut self, db: Box<Db>) -> (Box<Db>, Verdict) {
        self.effects.clear();
        let (db, attempted) = self.attempt(db);
        let (reply, verdict) = attempted.unwrap_or_else(|error| (failed(&error), Verdict::Undo));
        self.reply = Some(reply);
        (db, verdict)
    }

    fn settle(mut self: Box<Self>, fate: Fate) {
        let known = fate == Fate::Known;
        self.effects.drain(..).for_each(|effect| effect(known));
        let reply = self.reply.take().filter(|_| known).unwrap_or_else(unknown);
        let _ = self.told.send(reply);
    }

    fn alone(&self) -> bool {
        self.guest.is_slow()
    }
}

fn keep(outcome: Outcome, found: bool) -> (Reply, Verdict) {
    (Reply { outcome, found }, Verdict::Keep)
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
