//! What tests of the real program share: a host of their own or a shared one, a client of its public
//! API, a reader of its result streams, and a server that its components ask.

pub mod api;
pub mod chromium;
pub mod gate;
pub mod host;
pub mod manifest;
pub mod program;
pub mod schema;
pub mod sse;
