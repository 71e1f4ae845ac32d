//! The fence: one row per (saga, step) in the service's own database, written in the step's own
//! transaction. Its outcome only moves, and that is the whole argument for exactly-once effects:
//! `absent → done, rejected or fenced; done → undone or undone_by_hand`. One that a component has
//! broken off, `pending`, is closed by an operator: `pending → fenced`.
//!
//! `action` and `back` hold the statements in the order that the protocol fixes (its section 3),
//! each rule named where it is kept; `asked` makes jobs of them. They don't know what a component is:
//! that is a [`Guest`].

mod action;
mod asked;
mod back;
mod query;
mod schema;

pub use action::{Action, Origin};
pub use asked::Asked;
pub use back::{Back, Close};
pub use query::{ByHand, FenceRow, clean_up, of_saga, peek, resolve_by_hand, sagas_of};
pub(crate) use schema::VERSION;
pub use schema::{MigrateError, Migrated, Migration, migrate, prepare};

use skald_saga::{Digest, Nonce, SagaId};

pub use crate::sqlite::StepSession;

/// Which fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The saga.
    pub saga: SagaId,
    /// The step's place in the definition, from 0. Tables count from 1.
    pub step: usize,
    /// The saga's nonce.
    pub nonce: Nonce,
}

impl Key {
    pub(crate) fn row(&self) -> (i64, i64) {
        (
            self.saga.0.cast_signed(),
            skald_saga::definition::step_number(self.step),
        )
    }
}

/// What a component says to a step or a compensation. A trap, a time-out and a broken answer are all
/// `Retry`: an unknown outcome is never a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestAnswer {
    /// It is done; the output is a JSON text (empty from a compensation).
    Done(String),
    /// It is refused.
    Rejected {
        /// The refusal's code.
        code: String,
        /// One sentence for people.
        detail: String,
    },
    /// It is to be asked again.
    Retry {
        /// What was in the way.
        detail: String,
        /// How many milliseconds to wait at least.
        after_ms: Option<u32>,
    },
}

/// A component that serves one step of one saga.
pub trait Guest: Send {
    /// Runs the step in this transaction, and says which version of the component ran.
    fn step(&mut self, session: StepSession) -> (StepSession, GuestAnswer, Digest);

    /// Runs the compensation on the version with this digest: the one in the fence. None when no
    /// outcome was recorded, with no output then.
    fn compensate(
        &mut self,
        session: StepSession,
        digest: Option<Digest>,
        output: Option<&str>,
    ) -> (StepSession, GuestAnswer);

    /// Whether a call may wait for something slow, so that it must not hold up a group commit.
    fn is_slow(&self) -> bool {
        false
    }
}

/// A refusal, as a fence records it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refusal {
    /// The refusal's code.
    pub code: String,
    /// One sentence for people.
    pub detail: String,
}

/// What became of a step, or of an attempt to close or compensate it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The step is done.
    Done {
        /// Its output, a JSON text.
        output: String,
        /// The version that ran it.
        digest: Digest,
    },
    /// The step is refused.
    Rejected(Refusal),
    /// The action was turned away: its fence is taken.
    TurnedAway,
    /// The fence is closed: the step was never done, and never will be.
    Fenced,
    /// The step is compensated.
    Undone,
    /// Nothing is recorded; ask again.
    Retry {
        /// What was in the way.
        detail: String,
        /// How many milliseconds to wait at least.
        after_ms: Option<u32>,
    },
    /// The component ended the transaction under the host: the fence is `pending` for good, and half
    /// of the step may be done. An operator has to look.
    Broken(String),
    /// The fence contradicts the journal. An operator has to look.
    Alien(String),
}

/// An outcome, and how it was come by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What became of it.
    pub outcome: Outcome,
    /// The fence was there before: the component was not called.
    pub found: bool,
}

/// The names of outcomes in the table.
pub(crate) mod name {
    pub const PENDING: &str = "pending";
    pub const DONE: &str = "done";
    pub const REJECTED: &str = "rejected";
    pub const FENCED: &str = "fenced";
    pub const UNDONE: &str = "undone";
    pub const UNDONE_BY_HAND: &str = "undone_by_hand";
}
