//! The laws of sagas, each over all its cases, with real files and no wasm.

#[path = "../common/mod.rs"]
mod common;
mod double;
mod scene;

mod forward;
mod hazards;
mod keeping;
mod operate;
mod properties;
mod restart;
mod rivals;
mod start;
