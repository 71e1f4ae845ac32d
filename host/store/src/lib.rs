//! Where sagas and their effects are kept.
//!
//! ```text
//!  orchestrator ──► journal ──┐
//!               └─► fence ────┼──► sqlite::Writer ──► one thread per file, group commit
//!  components ────► sql ──────┘        ▲
//!                                      └── sqlite::Readers for what only reads
//! ```
//! It knows nothing of wasm: a component is a [`fence::Guest`], and what it may do in a database is
//! a [`sql::Session`].

pub mod sql;

pub mod sqlite;

pub mod fence;

pub mod outbox;

pub mod journal;

pub mod backup;

pub mod verify;

pub mod clock;

pub mod fault;
