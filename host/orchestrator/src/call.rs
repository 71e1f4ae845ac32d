//! How a step's component is called from a fence.

use std::sync::Arc;

use skald_saga::{Digest, SagaId};
use skald_store::fence::{Guest, GuestAnswer, StepSession};

/// What a call of a step or a compensation is told.
#[derive(Clone, Debug)]
pub struct Call {
    /// The saga.
    pub saga: SagaId,
    /// Name of the saga's definition.
    pub definition: Arc<str>,
    /// Name of the step.
    pub step: Arc<str>,
    /// Name of the component.
    pub component: Arc<str>,
    /// The label of the database whose transaction it gets.
    pub database: Arc<str>,
    /// How many times this call has been tried, this time included.
    pub attempt: u32,
    /// How many milliseconds it may take.
    pub deadline_ms: u32,
    /// On whose behalf the saga runs: a principal as JSON text.
    pub principal: Option<Arc<str>>,
    /// The step's input, a JSON text.
    pub input: Arc<str>,
}

/// The components, as the orchestrator knows them. Both calls run on the writer's thread and block it.
pub trait Components: Send + Sync + 'static {
    /// Runs a step on the active version, and says which that was.
    fn step(&self, call: &Call, session: StepSession) -> (StepSession, GuestAnswer, Digest);

    /// Runs a compensation on the version with this digest, or on the active one when no version is
    /// recorded. A version that can't be had is a `Retry`: never another version.
    fn compensate(
        &self,
        call: &Call,
        session: StepSession,
        digest: Option<Digest>,
        output: Option<&str>,
    ) -> (StepSession, GuestAnswer);

    /// Whether the component may wait for something slow in the middle of a step.
    fn is_slow(&self, component: &str) -> bool;
}

/// A call on its way to a fence.
pub(crate) struct Bound {
    pub call: Call,
    pub components: Arc<dyn Components>,
}

impl Guest for Bound {
    fn step(&mut self, session: StepSession) -> (StepSession, GuestAnswer, Digest) {
        self.components.step(&self.call, session)
    }

    fn compensate(
        &mut self,
        session: StepSession,
        digest: Option<Digest>,
        output: Option<&str>,
    ) -> (StepSession, GuestAnswer) {
        self.components.compensate(&self.call, session, digest, output)
    }

    fn is_slow(&self) -> bool {
        self.components.is_slow(&self.call.component)
    }
}
