//! The protocol as a model, searched exhaustively.
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
