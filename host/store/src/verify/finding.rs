//! The kinds of disagreement. What an operator does about each stands in `docs/operations.md`.

/// What disagrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// A completed saga has a step without a fence.
    FenceMissing,
    /// A completed saga has a step that is not done.
    NotDone,
    /// A compensated saga has a step that is done.
    StillDone,
    /// A compensated saga has a step that a late call could still do.
    FrontierOpen,
    /// A fence is of a saga that the journal does not know.
    SagaMissing,
    /// A fence is of another saga with the same id.
    Nonce,
    /// A fence was committed half.
    Pending,
    /// The last event of a saga does not tell its state.
    LastEvent,
    /// The events of an ended saga leave a step out.
    EventsMissing,
    /// A stream has lost an event, or has one too many.
    StreamGap,
    /// A saga's definition is not in the journal.
    DefinitionMissing,
    /// A saga's definition names a database that the manifest has not.
    DatabaseUnknown,
    /// A saga's state is none.
    StateUnknown,
}

impl Finding {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::FenceMissing,
        Self::NotDone,
        Self::StillDone,
        Self::FrontierOpen,
        Self::SagaMissing,
        Self::Nonce,
        Self::Pending,
        Self::LastEvent,
        Self::EventsMissing,
        Self::StreamGap,
        Self::DefinitionMissing,
        Self::DatabaseUnknown,
        Self::StateUnknown,
    ];

    /// Its name in reports: a word for scripts.
    pub fn name(self) -> &'static str {
        match self {
            Self::FenceMissing => "fence_missing",
            Self::NotDone => "not_done",
            Self::StillDone => "still_done",
            Self::FrontierOpen => "frontier_open",
            Self::SagaMissing => "saga_missing",
            Self::Nonce => "nonce",
            Self::Pending => "pending",
            Self::LastEvent => "last_event",
            Self::EventsMissing => "events_missing",
            Self::StreamGap => "stream_gap",
            Self::DefinitionMissing => "definition_missing",
            Self::DatabaseUnknown => "database_unknown",
            Self::StateUnknown => "state_unknown",
        }
    }
}
