//! The host: it loads components, gives them what the manifest grants, and runs sagas over them.
//!
//! Modules stand in the order of the way down; imports point downwards only, and [`run`] is the one
//! place that sees everything.
//!
//! ```text
//!  cli ─► run ─► http, admin ─► steps, bus, filling ─► registry ─► invoke ─► capability ─► engine
//!   └─► admin API of another process   └─► skald-orchestrator ─► skald-store ─► skald-saga
//! ```

pub mod cli;

pub mod run;

pub mod admin;

pub mod backup;

pub mod metrics;

pub mod http;

pub mod bus;

pub mod steps;

mod filling;

pub mod databases;

pub mod registry;

pub mod invoke;

pub mod capability;

pub mod engine;

mod half;

mod memory;
