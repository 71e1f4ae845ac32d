//! What the manifest grants to one component, decoded once into the policies of the capabilities.

use std::collections::BTreeMap;
use std::sync::Arc;

use skald_manifest::Component;
use skald_store::sql::Limits;

use super::identity::Keyrings;
use super::{cache, config, events, http, identity, ids, logging, sql, trace, wasi};

/// What one component is granted.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// Databases.
    pub sql: sql::Grant,
    /// Topics to publish to.
    pub events: events::Grant,
    /// Buckets, locks and filters.
    pub cache: cache::Grant,
    /// Passwords and key rings.
    pub identity: identity::Grant,
    /// Hosts to call.
    pub http: Arc<http::Grant>,
    /// Interfaces of other components: the interface, without a version, and the component.
    pub calls: BTreeMap<String, Arc<str>>,
}

/// What a component imports and wasn't granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A line in the component's table of the manifest would grant it.
    Grant(&'static str),
    /// Nothing that this host knows: another component has to export it.
    Unknown,
}

impl Grants {
    /// Of a component of the manifest. Key rings that failed to load are missing here, and were
    /// reported when they did.
    pub fn new(component: &Component, keyrings: &Keyrings) -> Self {
        let texts = |list: &[String]| {
            list.iter()
                .map(|text| Arc::from(text.as_str()))
                .collect::<Vec<Arc<str>>>()
        };
        let limits = Limits {
            rows: component.limits.rows,
            result_bytes: component.limits.result_bytes,
        };
        let rings = component.keyrings.iter();
        let rings = rings.filter_map(|label| Some((label.as_str().into(), keyrings.get(label)?.clone())));
        Self {
            sql: sql::Grant {
                labels: texts(&component.databases),
                limits,
            },
            events: texts(&component.publishes),
            cache: cache::Grant {
                buckets: texts(&component.cache),
                locks: component.locks,
                filters: texts(&component.filters),
            },
            identity: identity::Grant {
                passwords: component.passwords,
                keyrings: rings.collect(),
            },
            http: Arc::new(texts(&component.http)),
            calls: component
                .calls
                .iter()
                .map(|(name, target)| (name.clone(), target.as_str().into()))
                .collect(),
        }
    }

    /// Whether a call may wait for something other than its own database.
    pub fn is_slow(&self) -> bool {
        !self.http.is_empty() || self.cache.locks || !self.cache.buckets.is_empty() || self.identity.passwords
    }
}

/// What an import of this interface, named without a version, still needs from the manifest.
pub fn missing(component: &Component, interface: &str) -> Option<Missing> {
    let (granted, line) = match interface {
        sql::INTERFACE => (!component.databases.is_empty(), "databases = [\"…\"]"),
        events::INTERFACE => (!component.publishes.is_empty(), "publishes = [\"…\"]"),
        cache::BUCKETS => (!component.cache.is_empty(), "cache = [\"…\"]"),
        cache::LOCKS => (component.locks, "locks = true"),
        cache::FILTERS => (!component.filters.is_empty(), "filters = [\"…\"]"),
        identity::PASSWORDS => (component.passwords, "passwords = true"),
        identity::TOKENS => (!component.keyrings.is_empty(), "keyrings = [\"…\"]"),
        http::INTERFACE => (!component.http.is_empty(), "http = [\"…\"]"),
        ids::INTERFACE | trace::INTERFACE | logging::INTERFACE | config::INTERFACE | http::TYPES => return None,
        other if wasi::PACKAGES.iter().any(|package| other.starts_with(package)) => return None,
        other => return (!component.calls.contains_key(other)).then_some(Missing::Unknown),
    };
    (!granted).then_some(Missing::Grant(line))
}
