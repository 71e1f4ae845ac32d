//! The states of a saga in the journal, and why one turned back.

use serde::{Deserialize, Serialize};

/// The state of a saga's journal row.
///
/// ```text
///            ┌────────────► completed
///  running ──┼─► aborting ─► compensated
///    ▲ │     │     ▲  │ ▲
///    │ ▼     │     │  ▼ │
///  stuck_forward ──┘  stuck_back
/// ```
/// There are two stuck states so that an operator's retry can't mix up the two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its steps are being run.
    Running,
    /// It turned back: its steps are being compensated.
    Aborting,
    /// A step's budget is spent, and the policy says that an operator decides.
    StuckForward,
    /// A compensation's budget is spent: an operator has to look at it.
    StuckBack,
    /// Every step is done.
    Completed,
    /// Nothing is left of it.
    Compensated,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Running,
        Self::Aborting,
        Self::StuckForward,
        Self::StuckBack,
        Self::Completed,
        Self::Compensated,
    ];

    /// Whether nothing will ever change it again.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Compensated)
    }

    /// Whether it waits for an operator.
    pub fn is_stuck(self) -> bool {
        matches!(self, Self::StuckForward | Self::StuckBack)
    }

    /// Its name in tables, JSON and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Aborting => "aborting",
            Self::StuckForward => "stuck_forward",
            Self::StuckBack => "stuck_back",
            Self::Completed => "completed",
            Self::Compensated => "compensated",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Why a saga turned back or is stuck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// A step was refused; its fence records it.
    Refused {
        /// The refusal's code, such as `insufficient_inventory`.
        code: String,
        /// One sentence for people.
        detail: String,
    },
    /// A step found its fence taken: another orchestrator, or a restore, turned the saga back.
    Fenced,
    /// A step's attempts are used up.
    Exhausted {
        /// What the last attempt ended with.
        detail: String,
    },
    /// The saga's deadline passed.
    Overdue,
    /// Somebody cancelled it.
    Cancelled {
        /// Who, and why.
        detail: String,
    },
    /// A compensation's attempts are used up.
    CompensationExhausted {
        /// What the last attempt ended with.
        detail: String,
    },
    /// A fence bears another nonce, a transaction was broken by its guest, or a fence is behind the horizon.
    Inconsistent {
        /// What was found, and where.
        detail: String,
    },
}

impl Reason {
    /// The code that the FAILED event carries as `reason`.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            Self::Fenced => "fenced",
            Self::Exhausted { .. } => "exhausted",
            Self::Overdue => "overdue",
            Self::Cancelled { .. } => "cancelled",
            Self::CompensationExhausted { .. } => "compensation_exhausted",
            Self::Inconsistent { .. } => "inconsistent",
        }
    }
}
