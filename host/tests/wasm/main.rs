//! Components in the host, without sagas: real ones, one that does what none should, and one that does
//! what a test tells it.
//!
//! The components are built by `cargo xtask test guests`, which puts them in a folder; the variable
//! `SKALD_COMPONENTS` names it.

mod fixture;

#[path = "../common/gate.rs"]
mod gate;

mod log;

mod scripted;

mod faults;

mod events;

mod filters;

mod leases;

mod languages;

mod limits;

mod locks;

mod others;

mod outside;

mod shop;

mod steps;
