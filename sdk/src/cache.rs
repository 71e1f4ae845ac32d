//! What is shared between calls and may be lost at any time: values, locks, membership filters.

pub use crate::bindings::capabilities::skald::cache::buckets::{Bucket, Lease, Lookup};
pub use crate::bindings::capabilities::skald::cache::errors::Error;
pub use crate::bindings::capabilities::skald::cache::filters::Filter;
pub use crate::bindings::capabilities::skald::cache::locks::{Lock, acquire};
