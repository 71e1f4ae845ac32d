//! What a saga consists of. Definitions come from the manifest, are pinned by their digest when a
//! saga starts, and are kept in the journal: a saga ends by the definition it started with.

use serde::{Deserialize, Serialize};

use crate::id::Digest;
use crate::mapping::Mapping;
use crate::retry::Retry;

/// A saga's definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Its name in the manifest.
    pub name: String,
    /// Its steps, in order; never empty.
    pub steps: Vec<Step>,
    /// How many milliseconds after its start it turns back by itself; none: never.
    pub deadline_ms: Option<u64>,
    /// How often a failed compensation is tried.
    pub compensation: Retry,
}

/// One step of a saga.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name, unique within the saga. Events carry it.
    pub name: String,
    /// The component that runs it. One component may serve several steps.
    pub component: String,
    /// The label of the database that holds its fence: the one its transaction is opened in.
    pub database: String,
    /// How often it is tried.
    pub retry: Retry,
    /// What happens once those attempts are used up.
    pub on_exhausted: Exhausted,
    /// How many milliseconds one call may take, of the step or of its compensation.
    pub deadline_ms: u32,
    /// Whether it reaches outside its database. Only such a step is compensated with no output.
    pub external_effects: bool,
    /// What input it gets.
    pub input: Mapping,
}

/// What happens to a saga when a step's attempts are used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exhausted {
    /// It turns back.
    #[default]
    Abort,
    /// It is kept for an operator (`stuck_forward`).
    Stick,
}

/// A step's number in tables: its place in the definition, from 1.
pub fn step_number(step: usize) -> i64 {
    i64::try_from(step).map_or(i64::MAX, |step| step.saturating_add(1))
}

/// The place in the definition, from 0, of the step with this number.
pub fn step_place(number: i64) -> Option<usize> {
    usize::try_from(number.checked_sub(1)?).ok()
}

impl Definition {
    /// The text that is stored and digested.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a definition is plain data with text keys")
    }

    /// The digest that a saga is pinned to.
    pub fn digest(&self) -> Digest {
        Digest::of(self.to_json().as_bytes())
    }
}
