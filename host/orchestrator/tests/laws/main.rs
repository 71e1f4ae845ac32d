//! The laws of sagas, each over all its cases, with real files and no wasm.

#[path = "../common/mod.rs"]
mod common;

mod forward;
mod hazards;
mod keeping;
mod operate;
mod properties;
mod restart;
mod start;
