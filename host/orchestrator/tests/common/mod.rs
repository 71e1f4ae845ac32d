//! A world for sagas without wasm: real database files in a folder of their own, an orchestrator that
//! can be ended at any instant, and components that follow a script.
//!
//! ```text
//!  World: the folder and the script ──opens──► Host: runtime, journal, files, orchestrator
//!  Script: answers each call; writes into `effect`, which has no key, so that doubles show
//!  ledger: what the effects, the fences and the events must add up to
//! ```
//! Nothing here sleeps: a test waits for an event of the stream, or at a gate in a component.

pub mod ledger;
pub mod script;
pub mod world;

pub use script::{Say, Seen};
pub use world::{Host, World, definition, request};
