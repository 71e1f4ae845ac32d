//! What becomes of an error that a component doesn't handle itself.

use crate::bindings::capabilities::skald;
use crate::bindings::capabilities::wasi::config::store;
use crate::events::Unhandled;
use crate::http::Problem;
use crate::identity::Denial;
use crate::saga::{Failure, Refusal};
use crate::sql::Report;
use std::error::Error;

/// An error that `?` may pass on.
///
/// - In a step or a compensation it becomes [`Failure::Retry`]: whether the work was done is not
///   known, so it is a wish to be asked again, never a refusal.
/// - In a handler it becomes 503 if it is [`passing`](Trouble::passing), else 500. The text goes to
///   the log and never to the client.
/// - At the gate before a saga, and where credentials are checked, it means that there is no answer
///   now; where an event is handled, that it is to be delivered again. Here, too, the text is logged.
///
/// Every error of a capability is one. Implement it for the errors of interfaces that your component
/// imports from other components.
pub trait Trouble: Error {
    /// Whether the same call may succeed in a moment.
    fn passing(&self) -> bool {
        false
    }

    /// What happened, for people: it stands in the saga's history, or in the log.
    fn explain(&self) -> String {
        self.to_string()
    }
}

impl<E: Trouble> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::retry(error.explain())
    }
}

impl<E: Trouble> From<E> for Problem {
    fn from(error: E) -> Self {
        let problem = if error.passing() {
            Self::new(503, "server error").header("retry-after", "1")
        } else {
            Self::new(500, "server error")
        };
        problem.cause(error.explain())
    }
}

/// How long to wait after something that a client or the bus may try again.
const PAUSE_MS: u32 = 1000;

impl<E: Trouble> From<E> for Refusal {
    fn from(error: E) -> Self {
        eprintln!("no admission now: {}", error.explain());
        Self::Unavailable(PAUSE_MS)
    }
}

impl<E: Trouble> From<E> for Denial {
    fn from(error: E) -> Self {
        eprintln!("no authentication now: {}", error.explain());
        Self::Unavailable("server error".to_owned())
    }
}

impl<E: Trouble> From<E> for Unhandled {
    fn from(error: E) -> Self {
        eprintln!("an event is not handled now: {}", error.explain());
        Self::Redeliver(PAUSE_MS)
    }
}

impl Trouble for skald::sql::values::Error {
    fn passing(&self) -> bool {
        matches!(self, Self::Contention(_) | Self::Unreachable(_) | Self::Ended)
    }

    fn explain(&self) -> String {
        match self {
            Self::Duplicate(report) => format!("the database has it already: {}", text(report)),
            Self::Constraint(report) => format!("the database refuses it: {}", text(report)),
            Self::Contention(report) => format!("another transaction is in the way: {}", text(report)),
            Self::Faulty(report) => format!("the statement is wrong: {}", text(report)),
            Self::Unreachable(why) => format!("the database can't be reached: {why}"),
            Self::Ungranted(what) => format!("the manifest does not grant the database: {what}"),
            Self::Ended => "the transaction has ended before".to_owned(),
        }
    }
}

fn text(report: &Report) -> String {
    format!("{} ({})", report.message, report.sqlstate)
}

impl Trouble for skald::events::publisher::Error {
    fn passing(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}

impl Trouble for skald::cache::errors::Error {
    fn passing(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Lost)
    }
}

impl Trouble for skald::identity::passwords::Error {
    fn passing(&self) -> bool {
        matches!(self, Self::Overloaded)
    }
}

impl Trouble for skald::identity::tokens::Error {}

impl Trouble for store::Error {
    fn passing(&self) -> bool {
        true
    }
}

/// JSON from another part of the system that can't be read: a defect of either side. What clients
/// send is read with [`json::Object`](crate::json::Object), and answered with 400.
impl Trouble for serde_json::Error {}
