//! Operating the real program: its admin API, its commands, backups, checks, and what it says when it
//! can't start.

mod host;
#[path = "../common/program.rs"]
mod program;

mod actions;
mod admin;
mod docs;
mod keeping;
mod secrets;
mod start;
