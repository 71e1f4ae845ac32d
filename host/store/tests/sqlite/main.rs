//! What the protocol's section 3 says of `SQLite`: the fence's statements, the walls around a
//! component, and group commit. Real files, one thread each that writes.

mod fences;
mod group;
mod guests;
mod migrations;
mod service;
