//! Running a step: `INSERT fence(pending) if absent; SELECT horizon; SAVEPOINT s; component;
//! RELEASE s | ROLLBACK TO s; UPDATE fence SET outcome …`, and the writer's COMMIT.

use rusqlite::{Connection, OptionalExtension};
use skald_saga::Digest;
use tokio::sync::oneshot;

use super::asked::{Answer, Asked, Attempt, Question};
use super::query::{self, Recorded};
use super::{Guest, GuestAnswer, Key, Outcome, Refusal, Reply, StepSession, name};
use crate::clock::now_ms;
use crate::sqlite::{AfterCommit, Db};

/// What the row of a saga's first step also keeps, so that a lost journal row can be made again.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The digest of the saga's definition.
    pub definition: Digest,
    /// The saga's admitted input.
    pub input: std::sync::Arc<str>,
}

/// A step to be run, or to be asked for: that is the same.
pub struct Action {
    key: Key,
    origin: Option<Origin>,
    guest: Box<dyn Guest>,
}

impl Action {
    /// The job, and where its reply comes once the commit is known. `origin` is given for step 0.
    pub fn new(key: Key, origin: Option<Origin>, guest: Box<dyn Guest>) -> (Asked<Self>, oneshot::Receiver<Reply>) {
        Asked::new(Self { key, origin, guest })
    }

    fn call(&mut self, db: Box<Db>) -> Attempt {
        let guest = &mut self.guest;
        let mut digest = None;
        let (db, called) = call_in_savepoint(db, |session| {
            let (session, answer, version) = guest.step(session);
            digest = Some(version);
            (session, answer)
        });
        let digest = digest.expect("the component was called");
        let answer = called.and_then(|called| match called {
            Called::Retry { detail, after_ms } => Ok(Answer::retry(detail, after_ms)),
            Called::Done { output, effects } => {
                record(db.connection(), &self.key, name::DONE, Some(digest), &output)?;
                Ok(Answer::new(Outcome::Done { output, digest }, effects))
            }
            // Rule "a refusal is recorded in the fence".
            Called::Rejected(refusal) => {
                let text = serde_json::to_string(&refusal).expect("two texts");
                record(db.connection(), &self.key, name::REJECTED, Some(digest), &text)?;
                Ok(Answer::new(Outcome::Rejected(refusal), vec![]))
            }
        });
        (db, answer)
    }
}

impl Question for Action {
    /// Rules "the fence row is in the step's transaction" and "a plain SELECT never decides": the
    /// insert comes first, and only whoever inserted calls the component.
    fn attempt(&mut self, db: Box<Db>) -> Attempt {
        let answer = match take(db.connection(), &self.key, self.origin.as_ref()) {
            Ok(Taken::Fresh) => return self.call(db),
            Ok(Taken::Found(recorded)) => Ok(Answer::found(found(recorded, &self.key))),
            // Rule "clean-up moves a horizon": what is older was ended and cleaned up.
            Ok(Taken::BelowHorizon) => Ok(Answer::found(Outcome::TurnedAway).undone()),
            Err(error) => Err(error),
        };
        (db, answer)
    }

    fn is_slow(&self) -> bool {
        self.guest.is_slow()
    }
}

/// What the first statement found.
enum Taken {
    Fresh,
    BelowHorizon,
    Found(Recorded),
}

fn take(connection: &Connection, key: &Key, origin: Option<&Origin>) -> rusqlite::Result<Taken> {
    let (saga, step) = key.row();
    let inserted = connection
        .prepare_cached(
            "INSERT INTO skald_fence (saga, step, nonce, outcome, at, def_digest, input) \
             VALUES (?, ?, ?, 'pending', ?, ?, ?) ON CONFLICT DO NOTHING",
        )?
        .execute((
            saga,
            step,
            key.nonce.0,
            now_ms(),
            origin.map(|origin| origin.definition.0),
            origin.map(|origin| &*origin.input),
        ))?;
    if inserted == 0 {
        let recorded = query::recorded(connection, key)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        return Ok(Taken::Found(recorded));
    }
    // The horizon is read after the fence: the insert fixed what can be seen.
    Ok(if query::is_below_horizon(connection, key)? {
        Taken::BelowHorizon
    } else {
        Taken::Fresh
    })
}

/// Rule "a repeated action sees `undone`": what was compensated is not done, and never runs again.
fn found(recorded: Recorded, key: &Key) -> Outcome {
    if recorded.nonce != key.nonce {
        return Outcome::Alien(other_nonce(key));
    }
    match (recorded.outcome.as_str(), recorded.digest) {
        (name::DONE, Some(digest)) => Outcome::Done {
            output: recorded.output.unwrap_or_default(),
            digest,
        },
        (name::REJECTED, _) => Outcome::Rejected(recorded.refusal()),
        (name::FENCED | name::UNDONE | name::UNDONE_BY_HAND, _) => Outcome::TurnedAway,
        _ => recorded.unusable(key),
    }
}

pub(super) fn other_nonce(key: &Key) -> String {
    format!(
        "the fence of saga {} step {} bears another nonce: its id was given out twice",
        key.saga,
        key.step + 1
    )
}

/// What a call of a component in its savepoint came to.
pub(super) enum Called {
    Done { output: String, effects: Vec<AfterCommit> },
    Rejected(Refusal),
    Retry { detail: String, after_ms: Option<u32> },
}

/// `SAVEPOINT s; component; RELEASE s`, or `ROLLBACK TO s; RELEASE s` when it refused.
///
/// RELEASE fails if anything ended the transaction. It and the update of exactly one row are the only
/// proof that the transaction is still the one that was begun.
pub(super) fn call_in_savepoint(
    db: Box<Db>,
    component: impl FnOnce(StepSession) -> (StepSession, GuestAnswer),
) -> (Box<Db>, rusqlite::Result<Called>) {
    let session = match StepSession::begin(db) {
        Ok(session) => session,
        Err((db, error)) => return (db, Err(error)),
    };
    let (session, answer) = component(session);
    let (db, ended) = session.finish(matches!(answer, GuestAnswer::Done(_)));
    let called = ended.map(|(poisoned, effects)| match answer {
        // Rule 3: a transient error in the transaction overrides whatever the component returned.
        _ if poisoned => Called::Retry {
            detail: "a statement of the component met a transient error of the database".into(),
            after_ms: None,
        },
        GuestAnswer::Done(output) => Called::Done { output, effects },
        GuestAnswer::Rejected { code, detail } => Called::Rejected(Refusal { code, detail }),
        GuestAnswer::Retry { detail, after_ms } => Called::Retry { detail, after_ms },
    });
    (db, called)
}

/// Outcome is written last, and only over `pending`.
fn record(
    connection: &Connection,
    key: &Key,
    outcome: &str,
    digest: Option<Digest>,
    output: &str,
) -> rusqlite::Result<()> {
    let (saga, step) = key.row();
    let changed = connection
        .prepare_cached(
            "UPDATE skald_fence SET outcome = ?, digest = ?, output = ? \
             WHERE saga = ? AND step = ? AND outcome = 'pending'",
        )?
        .execute((outcome, digest.map(|digest| digest.0), output, saga, step))?;
    if changed == 1 {
        Ok(())
    } else {
        Err(rusqlite::Error::StatementChangedRows(changed))
    }
}

/// The digest in a row, if it is one.
pub(super) fn digest_column(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<Option<Digest>> {
    Ok(row.get::<_, Option<[u8; 32]>>(index)?.map(Digest))
}

/// A row that may be absent.
pub(super) fn optional<T>(found: rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
    found.optional()
}
