//! Why a call gave no answer. What a component decides (a refusal, a denial) is an answer.

use wasmtime::{PoolConcurrencyLimitError, Trap};

use super::state::State;

/// How much of what a component printed before it trapped is told with the trap.
const TOLD: usize = 400;

/// Why a call gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Its own code failed: a panic, an uncaught exception, a defect.
    #[error("component {component} trapped: {detail}")]
    Trap {
        /// Which component.
        component: String,
        /// What wasm says, and what the component printed last.
        detail: String,
    },
    /// It took too long, and was cut off.
    #[error("component {component} was cut off at its deadline")]
    Deadline {
        /// Which component.
        component: String,
    },
    /// It wanted more memory than it may have.
    #[error("component {component} wanted more than its {limit} bytes of memory")]
    Memory {
        /// Which component.
        component: String,
        /// How much it may have.
        limit: usize,
    },
    /// Its answer is larger than it may be.
    #[error("component {component} answered with {bytes} bytes, and may answer with {limit}")]
    Oversized {
        /// Which component.
        component: String,
        /// How large the answer is.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
    /// Its answer should be a JSON text and is none.
    #[error("component {component} answered with something that is no JSON: {detail}")]
    Garbage {
        /// Which component.
        component: String,
        /// What is wrong with it, without quoting it.
        detail: String,
    },
    /// It does not export what is asked of it.
    #[error("component {component} does not export {interface}")]
    NotExported {
        /// Which component.
        component: String,
        /// What it should export.
        interface: &'static str,
    },
    /// As many calls are running or waiting as may.
    #[error("component {component} has no room for another call")]
    Overloaded {
        /// Which component.
        component: String,
    },
}

impl CallError {
    /// Whether the same call may well succeed a little later.
    pub fn is_overload(&self) -> bool {
        matches!(self, Self::Overloaded { .. })
    }
}

/// What an error of wasmtime means. `printed` is what the component printed last.
pub(super) fn classify(error: &wasmtime::Error, state: &State, printed: &str) -> CallError {
    let component = state.profile.component.to_string();
    if let Some(limit) = state.memory.refused() {
        return CallError::Memory { component, limit };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => return CallError::Deadline { component },
        Some(Trap::StackOverflow) => {
            return CallError::Trap {
                component,
                detail: "its stack is used up: a recursion that goes too deep".into(),
            };
        }
        _ => {}
    }
    if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
        return CallError::Overloaded { component };
    }
    // A component that failed below another one has told all there is to tell.
    if let Some(nested) = error.downcast_ref::<CallError>() {
        return CallError::Trap {
            component,
            detail: nested.to_string(),
        };
    }
    CallError::Trap {
        component,
        detail: detail(error, printed),
    }
}

fn detail(error: &wasmtime::Error, printed: &str) -> String {
    let cause = error.root_cause().to_string();
    let printed: String = printed.chars().take(TOLD).collect();
    if printed.is_empty() {
        cause
    } else {
        format!("{cause}; it printed: {printed}")
    }
}
