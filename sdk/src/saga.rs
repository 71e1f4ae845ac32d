//! Steps, their compensations, and the gate before them.

pub use crate::bindings::admission::exports::skald::saga::admission::{Admitted, Guest as Admission, Refusal, Request};
pub use crate::bindings::capabilities::skald::saga::calls::{Context, Direction, Failure, Postponement, Rejection};
pub use crate::bindings::step::exports::skald::saga::step::Guest as Step;

use std::str::FromStr;

impl Failure {
    /// A business refusal: a short name for programs, a sentence for people. It is final.
    pub fn rejected(code: &str, detail: impl Into<String>) -> Self {
        Self::Rejected(Rejection {
            code: code.to_owned(),
            detail: detail.into(),
        })
    }

    /// A wish to be asked again, at a time that the retry policy chooses.
    pub fn retry(detail: impl Into<String>) -> Self {
        Self::Retry(Postponement {
            detail: detail.into(),
            after_ms: None,
        })
    }
}

impl Context {
    /// The subject of the principal on whose behalf the saga runs, read as a number or whatever else
    /// the component keeps it as. A saga without such a subject is a defect: it is asked again.
    pub fn subject<T: FromStr>(&self) -> Result<T, Failure> {
        self.principal
            .as_ref()
            .and_then(|principal| principal.subject.parse().ok())
            .ok_or_else(|| Failure::retry("the saga has no principal with a subject that this step can read"))
    }
}
