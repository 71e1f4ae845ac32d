//! Spans under the one that the host has open for the call.

pub use crate::bindings::capabilities::skald::trace::spans::{Attribute, Span, traceparent};
