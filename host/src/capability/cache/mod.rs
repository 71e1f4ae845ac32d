//! What is shared between calls and may be lost at any time: values, locks, filters. In process:
//! the embedded profile needs no server for it.
//!
//! All of it is bounded in memory. A wait blocks the calling thread, which runs components and
//! nothing else, and ends with the call's deadline at the latest.

mod clock;
mod cuckoo;
mod fill;
mod filters;
mod host;
mod locks;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::{Linker, ResourceTable};

use super::bindings::skald::cache::{buckets, errors, filters as filters_interface, locks as locks_interface};
use super::sql::Work;
use errors::Error;
use host::Has;
use values::Lent;

pub use clock::Clock;
pub use fill::{Filling, FilterState};

/// The interface for values by key.
pub const BUCKETS: &str = "skald:cache/buckets";

/// The interface for mutual exclusion.
pub const LOCKS: &str = "skald:cache/locks";

/// The interface for membership filters.
pub const FILTERS: &str = "skald:cache/filters";

/// The most bytes of a key, an item, or the name of a lock.
const MAX_KEY: usize = 1024;

/// The most bytes of a value: a cache of documents this large still holds dozens of them.
const MAX_VALUE: usize = 1 << 20;

/// The longest time to live.
const MAX_TTL: Duration = Duration::from_hours(7 * 24);

/// The cache of this host.
pub struct Cache {
    values: values::Values,
    locks: locks::Locks,
    filters: filters::Filters,
    clock: Clock,
}

impl Cache {
    /// An empty cache that holds at most so many bytes of keys and values, and has no filters.
    pub fn new(bytes: u64) -> Arc<Self> {
        Self::with(bytes, &BTreeMap::new(), Clock::default())
    }

    /// The same with filters, which wait to be filled, and with a clock of one's own.
    pub fn with(bytes: u64, filters: &BTreeMap<String, skald_manifest::Filter>, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            values: values::Values::new(bytes),
            locks: locks::Locks::default(),
            filters: filters::Filters::new(filters),
            clock,
        })
    }
}

/// What the manifest grants.
#[derive(Clone, Debug, Default)]
pub struct Grant {
    /// The labels of buckets.
    pub buckets: Vec<Arc<str>>,
    /// Whether locks may be taken.
    pub locks: bool,
    /// The labels of filters.
    pub filters: Vec<Arc<str>>,
}

/// A bucket that a component has opened.
pub struct Bucket(Arc<str>);

/// The duty to supply one value. Dropping it hands the duty on.
pub struct Lease(Option<Lent>);

/// A lock that is held. Dropping it releases it.
pub struct Lock(locks::Held);

/// A filter that a component has opened.
pub struct Filter(Arc<filters::Filter>);

/// What one call lends to this capability.
pub struct View<'a> {
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) work: &'a mut Work,
    pub(crate) grant: &'a Grant,
    pub(crate) cache: &'a Arc<Cache>,
    pub(crate) began: Instant,
    pub(crate) deadline: Instant,
}

/// Offers the interface for values.
///
/// # Errors
/// When the linker has it already.
pub fn link_buckets<T: 'static>(linker: &mut Linker<T>, view: fn(&mut T) -> View<'_>) -> wasmtime::Result<()> {
    buckets::add_to_linker::<T, Has>(linker, view)
}

/// Offers the interface for locks.
///
/// # Errors
/// When the linker has it already.
pub fn link_locks<T: 'static>(linker: &mut Linker<T>, view: fn(&mut T) -> View<'_>) -> wasmtime::Result<()> {
    locks_interface::add_to_linker::<T, Has>(linker, view)
}

/// Offers the interface for filters.
///
/// # Errors
/// When the linker has it already.
pub fn link_filters<T: 'static>(linker: &mut Linker<T>, view: fn(&mut T) -> View<'_>) -> wasmtime::Result<()> {
    filters_interface::add_to_linker::<T, Has>(linker, view)
}

fn ttl(ms: u32) -> Result<Duration, Error> {
    let ttl = Duration::from_millis(ms.into());
    if ttl > MAX_TTL {
        Err(Error::Oversized("a time to live may be seven days".into()))
    } else {
        Ok(ttl)
    }
}

fn key(text: &str) -> Result<(), Error> {
    if text.len() > MAX_KEY {
        Err(Error::Oversized(format!("a key may have {MAX_KEY} bytes")))
    } else {
        Ok(())
    }
}

fn value(bytes: &[u8]) -> Result<(), Error> {
    if bytes.len() > MAX_VALUE {
        return Err(Error::Oversized(format!("a value may have {MAX_VALUE} bytes")));
    }
    Ok(())
}

fn ungranted(what: &str, label: &str, key: &str) -> Error {
    Error::Ungranted(format!(
        "the {what} {label:?}: add it to `{key}` of this component in the manifest"
    ))
}

/// The moment until which a call may wait that would wait for so long.
fn until(wait_ms: u32, deadline: Instant) -> Instant {
    deadline.min(Instant::now() + Duration::from_millis(wait_ms.into()))
}
