//! The protocol as a model, searched exhaustively.
mod base;
mod laws;
mod orchestrator;
mod outside;
mod protocol;
mod service;
mod world;
