//! Faults at every durable write and every boundary: `cargo test -p skald-orchestrator --features
//! faults --test faults`. The points and their names are listed in `skald_store::fault`.

#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "the laws use the rest of it")]
mod common;

mod budget;
mod effects;
mod hazards;
mod sweep;
