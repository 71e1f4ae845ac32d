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

    /// So many of what is kept were forgotten, long after their end.
    fn forgot(&self, what: Kept, rows: usize);
}

/// What is kept for a while after it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Fences in the services' databases.
    Fences,
    /// Keys that make starts idempotent.
    Keys,
    /// Sagas, with their histories and events.
    Sagas,
}

impl Kept {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Fences, Self::Keys, Self::Sagas];

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fences => "fences",
            Self::Keys => "keys",
            Self::Sagas => "sagas",
        }
    }
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

    fn forgot(&self, _: Kept, _: usize) {}
}
