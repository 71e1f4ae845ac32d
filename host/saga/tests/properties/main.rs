//! Random sagas, run to their end with the real decision, against what must come out of them.
//!
//! `plan` makes them up, `host` runs them with one orchestrator at a time that is killed and started
//! again, `reference` says by itself how they must end. Two orchestrators at once are the business of
//! the model in `tests/model`.

mod decision;
mod endings;
mod events;
mod host;
mod plan;
mod reference;
