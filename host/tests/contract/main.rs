//! The shop's public API, sentence by sentence, asked of the real program with the real components.
//!
//! | file | what of the contract |
//! |---|---|
//! | `stream` | the result stream: exact events for every way a purchase can end |
//! | `resume` | what a client gets that comes back |

#[path = "../common/mod.rs"]
mod common;

mod resume;
mod stream;
