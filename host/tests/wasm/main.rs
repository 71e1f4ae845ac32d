//! Components in the host, without sagas: real ones, and one that does what none should.
//!
//! The components are built by `cargo xtask test guests`, which puts them in a folder; the variable
//! `SKALD_COMPONENTS` names it.

mod fixture;

mod faults;

mod limits;

mod outside;

mod shop;

mod steps;
