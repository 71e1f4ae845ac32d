//! The pure logic of a saga.
//!
//! Everything here is a function of its arguments: no I/O, no clock, no random numbers, no wasm.
//! That is what lets the decision be tested over all cases, checked exhaustively as a model, and
//! still be the very code that the orchestrator runs.
//!
//! ```text
//!  definition ──┐
//!  budget ──────┼─► decide ──► Action ──► the orchestrator does it ──► Fact ──┐
//!  progress ────┘                                                            │
//!      ▲─────────────────────────────────────────────────────────────────────┘
//! ```

pub mod definition;

pub mod state;

pub mod decide;

pub mod retry;

pub mod mapping;

pub mod status;

pub mod id;

pub use decide::{Action, Fact, Progress, decide};
pub use definition::{Definition, Exhausted, Step};
pub use id::{Digest, Nonce, SagaId};
pub use retry::Retry;
pub use state::{Reason, State};
