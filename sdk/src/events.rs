//! Announcements between components, at least once.

pub use crate::bindings::capabilities::skald::events::publisher::{Error, publish};
pub use crate::bindings::subscriber::exports::skald::events::subscriber::{Event, Guest as Subscriber, Unhandled};
