//! How often a component was called, and how its calls failed.

use std::sync::atomic::{AtomicU64, Ordering};

use super::error::CallError;

/// The counts of one version.
#[derive(Debug, Default)]
pub struct Counts {
    calls: AtomicU64,
    traps: AtomicU64,
    deadlines: AtomicU64,
    memory: AtomicU64,
}

impl Counts {
    /// How many calls were begun.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// How many calls a component did not survive, by what ended them.
    pub fn failures(&self) -> [(&'static str, u64); 3] {
        [
            ("trap", &self.traps),
            ("deadline", &self.deadlines),
            ("memory", &self.memory),
        ]
        .map(|(kind, count)| (kind, count.load(Ordering::Relaxed)))
    }

    pub(super) fn call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn failure(&self, error: &CallError) {
        let count = match error {
            CallError::Trap { .. } => &self.traps,
            CallError::Deadline { .. } => &self.deadlines,
            CallError::Memory { .. } => &self.memory,
            _ => return,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}
