//! The host.

pub mod engine;

pub mod capability;

pub mod invoke;

pub mod registry;
