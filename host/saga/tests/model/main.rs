//! The protocol as a model, searched exhaustively with the real decision.
//!
//! ```text
//!  base, mutations, reach      the searches: it holds · each rule is needed · an end is reachable
//!  start, group                two side models that need no orchestrators
//!  laws                        what must hold in every state, and what must be seen
//!  protocol                    the state machine; deciders: decisions that break a rule each
//!  orchestrator, service, outside      what the moves do
//!  world                       journal row, fences, locks, ghosts
//! ```
//!
//! **In the model.** One saga of two or three steps. Two interchangeable orchestrators without any
//! lease; each holds a real [`skald_saga::Progress`] and does what the real [`skald_saga::decide`]
//! tells it. A call is two moves, its beginning (the fence's lock) and its end (COMMIT or ROLLBACK),
//! and so is what is lost between them: any attempt may be done, refused, rolled back, or answered to
//! nobody; a call may fail; an orchestrator may die or pause anywhere; a pick-up after a dead owner
//! counts one attempt before a component runs. Cancel, operator (retry, abort, repair by hand), the
//! saga's deadline seen by one orchestrator and not by the other, exhaustion that aborts or sticks,
//! late and duplicate deliveries of actions, closes and compensations, a push of a new version,
//! clean-up of one service database after the other behind a horizon, and a journal restored once
//! from a backup made just after the start.
//!
//! **Not in it.** Pauses and leases: being scheduled late is all they can do. Two sagas at once, but
//! for start and group commit. What databases do: `service` takes for granted that a fence and its
//! step commit together, and the tests of the fence's statements show that. That `recovering` is
//! cleared in the journal is one move with the insert that found the fence absent; later would only
//! refuse more. The status events, the versions' garbage collection, clashes of ids. Reachability is
//! not fairness, and a stuck saga needs its operator.
//!
//! The default searches take less than a minute unoptimised. The longer ones:
//! `SKALD_MODEL=full cargo test --release -p skald-saga --test model`.

mod base;
mod deciders;
mod group;
mod laws;
mod mutations;
mod orchestrator;
mod outside;
mod protocol;
mod reach;
mod service;
mod start;
mod world;
