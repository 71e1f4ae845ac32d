//! Fault points: where a test makes something go wrong. Without the feature `faults` all of this is
//! constant, and compiles to nothing.
//!
//! A point is named `LABEL.POINT`, as in `journal.commit`, and set by `fail::cfg`, with an action such
//! as `2*off->1*return(lost)`. The points of every database, in the order in which they are passed:
//!
//! | point | where | faults |
//! |---|---|---|
//! | `ask` | before the orchestrator sends a job | error, crash |
//! | `begin` | before BEGIN | error, crash |
//! | `write` | instead of the host's own statements | error |
//! | `job` | after a job, before its savepoint is released | error, crash |
//! | `commit` | before COMMIT | error, lost, crash |
//! | `committed` | after COMMIT, before anybody is told | crash |
//! | `sync` | before the write-ahead log is synced | crash |
//! | `answered` | after the orchestrator got its answer | lost, crash |

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not done, and reported as failed.
    Error,
    /// It is done, and reported as if nobody knew.
    LostReply,
    /// The process ends here: nothing that comes after is done. Who opens the files next is another.
    Crash,
}

#[cfg(not(feature = "faults"))]
mod switch {
    use super::Fault;

    /// What goes wrong at a point.
    pub const fn at(_: &str, _: &str) -> Option<Fault> {
        None
    }

    /// A process, from the opening of its files to its end.
    pub(crate) struct Life;

    impl Life {
        pub const fn begin() -> Self {
            Self
        }

        #[expect(clippy::unused_self, reason = "the version with fault points looks its life up")]
        pub const fn at(&self, _: &str, _: &str) -> Option<Fault> {
            None
        }
    }
}

#[cfg(feature = "faults")]
mod switch {
    use std::sync::LazyLock;

    use tokio::sync::watch;

    use super::Fault;

    /// How many crashes and how many faults there were.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Count {
        /// Crashes.
        pub crashes: u64,
        /// Faults of all kinds.
        pub faults: u64,
    }

    static COUNT: LazyLock<watch::Sender<Count>> = LazyLock::new(|| watch::channel(Count::default()).0);

    /// Counts crashes and faults, and can be waited on.
    pub fn count() -> watch::Receiver<Count> {
        COUNT.subscribe()
    }

    /// What goes wrong at a point.
    pub fn at(label: &str, point: &str) -> Option<Fault> {
        let fault = configured(&format!("{label}.{point}"))?;
        COUNT.send_modify(|count| {
            count.faults += 1;
            count.crashes += u64::from(fault == Fault::Crash);
        });
        Some(fault)
    }

    fn configured(name: &str) -> Option<Fault> {
        fail::fail_point!(name, |kind| match kind.as_deref() {
            Some("error") => Some(Fault::Error),
            Some("lost") => Some(Fault::LostReply),
            Some("crash") => Some(Fault::Crash),
            other => panic!("{other:?} is no fault: error, lost or crash"),
        });
        None
    }

    /// A process, from the opening of its files to its end.
    pub(crate) struct Life(u64);

    impl Life {
        pub fn begin() -> Self {
            Self(COUNT.borrow().crashes)
        }

        pub fn at(&self, label: &str, point: &str) -> Option<Fault> {
            let over = || COUNT.borrow().crashes != self.0;
            if over() {
                return Some(Fault::Crash);
            }
            at(label, point).or_else(|| over().then_some(Fault::Crash))
        }
    }
}

pub(crate) use switch::Life;
pub use switch::at;
#[cfg(feature = "faults")]
pub use switch::{Count, count};
