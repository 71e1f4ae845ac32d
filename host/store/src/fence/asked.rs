//! What is asked of a fence, as a job for the writer: the half that an action and a compensation share.
//!
//! What the component wants done after the commit is done by whoever knows how that went. When it is not
//! known, or the job is run again and finds its own fence, what was to be forgotten is forgotten all the
//! same: else a commit that nobody heard of would leave a stale value behind. The cache is in this
//! process, so a crash takes it along; one that outlives the process needs a row in the outbox for that.

use tokio::sync::oneshot;

use super::{Outcome, Reply};
use crate::sqlite::{AfterCommit, Db, Fate, Job, Verdict};

/// An action, or a closing and compensation.
pub(super) trait Question: Send {
    /// Asks the fence, and calls the component if it is to act.
    fn attempt(&mut self, db: Box<Db>) -> Attempt;

    /// Whether the component may wait for something slow.
    fn is_slow(&self) -> bool;
}

/// The connection on its way back, and what was found.
pub(super) type Attempt = (Box<Db>, rusqlite::Result<Answer>);

/// What was found, to be told once its commit is known.
pub(super) struct Answer {
    reply: Reply,
    verdict: Verdict,
    effects: Vec<AfterCommit>,
}

impl Answer {
    /// What has just come about, with what is to be done after its commit.
    pub fn new(outcome: Outcome, effects: Vec<AfterCommit>) -> Self {
        Self {
            reply: Reply { outcome, found: false },
            verdict: Verdict::Keep,
            effects,
        }
    }

    /// What the fence said before.
    pub fn found(outcome: Outcome) -> Self {
        let mut answer = Self::new(outcome, vec![]);
        answer.reply.found = true;
        answer
    }

    /// Nothing is recorded: it is to be asked again.
    pub fn retry(detail: String, after_ms: Option<u32>) -> Self {
        Self::new(Outcome::Retry { detail, after_ms }, vec![]).undone()
    }

    /// The same, with whatever was written rolled back.
    pub fn undone(self) -> Self {
        Self {
            verdict: Verdict::Undo,
            ..self
        }
    }
}

/// A question on its way to the writer.
pub struct Asked<Q> {
    question: Q,
    answer: Option<Answer>,
    told: oneshot::Sender<Reply>,
}

impl<Q> Asked<Q> {
    pub(super) fn new(question: Q) -> (Self, oneshot::Receiver<Reply>) {
        let (told, reply) = oneshot::channel();
        let asked = Self {
            question,
            answer: None,
            told,
        };
        (asked, reply)
    }
}

impl<Q: Question> Job for Asked<Q> {
    fn run(&mut self, db: Box<Db>) -> (Box<Db>, Verdict) {
        // It was run before: rolled back, or committed without anybody's knowing.
        for effect in self.answer.take().map_or_else(Vec::new, |answer| answer.effects) {
            effect(false);
        }
        let (db, attempted) = self.question.attempt(db);
        // An error of the database is never a refusal.
        let answer = attempted.unwrap_or_else(|error| Answer::retry(format!("the database failed: {error}"), None));
        let verdict = answer.verdict;
        self.answer = Some(answer);
        (db, verdict)
    }

    /// Rule "no reply before COMMIT".
    fn settle(self: Box<Self>, fate: Fate) {
        let known = fate == Fate::Known;
        let unknown = || Answer::retry("the database did not say whether it committed".into(), None);
        let answer = self.answer.unwrap_or_else(unknown);
        for effect in answer.effects {
            effect(known);
        }
        let reply = if known { answer.reply } else { unknown().reply };
        // Whoever asked may have gone: the fence keeps the outcome for whoever asks next.
        let _ = self.told.send(reply);
    }

    fn alone(&self) -> bool {
        self.question.is_slow()
    }
}
