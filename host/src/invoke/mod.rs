//! Calls of components: instances, limits, deadlines.
//!
//! ```text
//!  orchestrator ──► step, compensate ─────► on the writer's thread, in its transaction
//!  http ──────────► http ──────────────┐
//!  orchestrator ──► admit, authenticate├──► on a guest thread, which may block
//!  bus ───────────► handle ────────────┘
//! ```
//! Every call gets an instance of its own, made for it and dropped after it; only the steps of one
//! group commit may share one, where the manifest says so. A call that trapped, was cut off or
//! refused takes its instance with it. Nothing here decides about sagas.

mod types;

mod error;

mod counts;

mod memory;

mod state;

mod threads;

mod version;

mod step;

mod peer;

mod calls;

mod http;

pub use counts::Counts;
pub use error::CallError;
pub use state::{Profile, State};
pub use types::{Admitted, CallContext, Denial, Event, Migration, Principal, Refusal, Unhandled};
pub use version::{Offered, Version};

pub(crate) use peer::{Peers, link_peer};
pub(crate) use threads::GuestThreads;
pub(crate) use version::interface;
