//! What is told to whoever counts: nothing here decides anything.

use std::time::Duration;

use skald_saga::{Definition, State};

/// Whoever counts. It is called on the way of every saga, so it must be quick and must not block.
pub trait Observer: Send + Sync + 'static {
    /// A saga is durable, and runs.
    fn started(&self, definition: &Definition);

    /// A saga has ended, or is stuck: this is its state now.
    fn ended(&self, definition: &Definition, state: State);

    /// A fence has answered.
    fn attempted(&self, attempt: &Attempt<'_>);
}

/// An answered call of a step, a closing or a compensation.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The component.
    pub component: &'a str,
    /// `forward`, `close` or `backward`.
    pub direction: &'static str,
    /// What came of it, as the history has it.
    pub outcome: &'static str,
    /// How long it took, waiting for its turn included.
    pub took: Duration,
}

/// Nobody counts.
impl Observer for () {
    fn started(&self, _: &Definition) {}

    fn ended(&self, _: &Definition, _: State) {}

    fn attempted(&self, _: &Attempt<'_>) {}
}
