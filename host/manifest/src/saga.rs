//! A saga as the manifest describes it: its definition, and how the public API leads to it.

use std::sync::Arc;

use skald_saga::Definition;

/// A saga.
#[derive(Clone, Debug, PartialEq)]
pub struct Saga {
    /// Its steps and policies: what is pinned when it starts.
    pub definition: Arc<Definition>,
    /// The component whose `admit` export checks a request before the saga starts. None: every
    /// JSON object is admitted as it is.
    pub admit: Option<String>,
    /// Who sees its events.
    pub stream: Stream,
}

/// Who sees a saga's events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stream {
    /// The principal on whose behalf it runs, in one stream for all of that principal's sagas.
    #[default]
    Principal,
}
