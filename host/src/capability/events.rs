//! Announcements. An event is a row in the outbox of the component's database, written with the
//! current transaction where there is one: it goes out once that has committed, and not at all if it
//! does not.

use std::sync::Arc;

use serde::de::IgnoredAny;
use skald_store::sql::{Error, Publication};
use wasmtime::component::{HasData, Linker};

use super::bindings::skald::events::publisher;
use super::sql::{self, Databases, Work};

/// The interface that this module offers.
pub const INTERFACE: &str = "skald:events/publisher";

/// The most bytes of an event's data: a bus later on takes no more than a megabyte with everything
/// around it, and an event is no place for documents.
pub const MAX_BYTES: usize = 256 << 10;

/// The most bytes of a key.
const MAX_KEY: usize = 1024;

/// The topics that the manifest grants.
pub type Grant = Vec<Arc<str>>;

/// What one call lends to this capability.
pub struct View<'a> {
    pub(crate) work: &'a mut Work,
    pub(crate) topics: &'a Grant,
    pub(crate) sql: &'a sql::Grant,
    pub(crate) databases: &'a dyn Databases,
}

struct Has;

impl HasData for Has {
    type Data<'a> = View<'a>;
}

/// Offers the interface to components.
///
/// # Errors
/// When the linker has it already.
pub fn link<T: 'static>(linker: &mut Linker<T>, view: fn(&mut T) -> View<'_>) -> wasmtime::Result<()> {
    publisher::add_to_linker::<T, Has>(linker, view)
}

impl publisher::Host for View<'_> {
    fn publish(
        &mut self,
        topic: String,
        key: Option<String>,
        data: String,
    ) -> wasmtime::Result<Result<(), publisher::Error>> {
        if !self.topics.iter().any(|granted| **granted == *topic) {
            return Ok(Err(publisher::Error::Ungranted(format!(
                "the topic {topic:?}: add it to `publishes` of this component in the manifest"
            ))));
        }
        if data.len() > MAX_BYTES || key.as_ref().is_some_and(|key| key.len() > MAX_KEY) {
            return Ok(Err(publisher::Error::Oversized(format!(
                "an event may have {MAX_BYTES} bytes of data and {MAX_KEY} of key"
            ))));
        }
        // Text that is no JSON is a defect of the component, and no subscriber could read it.
        serde_json::from_str::<IgnoredAny>(&data)
            .map_err(|error| wasmtime::format_err!("the data of an event on {topic:?} is no JSON: {error}"))?;
        let event = Publication { topic, key, data };
        let published = self
            .work
            .publish(&event, self.sql.labels.first(), self.sql.limits, self.databases);
        Ok(published.map_err(|error| match error {
            Error::Ungranted(detail) => publisher::Error::Ungranted(detail),
            error => publisher::Error::Unreachable(error.to_string()),
        }))
    }
}
