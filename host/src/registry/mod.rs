//! Which version of which component is called.
//!
//! ```text
//!  artifact ──► Compiled ──► Linked ──► Version ──► active
//!               is it a      only what   instantiated   one pointer per component; older
//!               component?   is granted  once, types    versions stay for compensations
//! ```
//! A version is named by its artifact's digest. Nothing is called that has not gone all the way.

mod fault;

mod interfaces;

mod compile;

mod link;

mod roles;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arc_swap::ArcSwapOption;
use skald_manifest::Manifest;
use skald_saga::Digest;
use tokio::sync::Semaphore;

use crate::capability::Backends;
use crate::capability::identity::Keyring;
use crate::engine::CodeCache;
use crate::invoke::{GuestThreads, Peers, Version};
use compile::Compiled;
use link::Parts;

pub use fault::{Fault, Problem};

/// Where things lie.
#[derive(Clone, Copy, Debug)]
pub struct Places<'p> {
    /// The folder of artifacts.
    pub artifacts: &'p Path,
    /// The folder of compiled code.
    pub cache: &'p Path,
    /// The data folder, where the files of secrets are.
    pub data: &'p Path,
}

/// The components of the manifest, ready to be called.
pub struct Registry {
    slots: Arc<Slots>,
}

/// The components by name.
struct Slots(BTreeMap<String, Slot>);

/// One component: the version that new calls go to, and all versions that are loaded.
struct Slot {
    active: ArcSwapOption<Version>,
    versions: Mutex<BTreeMap<Digest, Arc<Version>>>,
    permits: Arc<Semaphore>,
}

impl Peers for Slots {
    fn active(&self, component: &str) -> Option<Arc<Version>> {
        self.0.get(component)?.active.load_full()
    }
}

impl Slot {
    fn new(concurrency: usize) -> Self {
        let permits = Arc::new(Semaphore::new(concurrency.clamp(1, Semaphore::MAX_PERMITS)));
        Self {
            active: ArcSwapOption::empty(),
            versions: Mutex::default(),
            permits,
        }
    }

    fn activate(&self, version: Arc<Version>) {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        versions.insert(version.digest(), version.clone());
        self.active.store(Some(version));
    }
}

impl Registry {
    /// Compiles every component of the manifest (or loads its code from the cache) and links it with
    /// what it is granted.
    ///
    /// # Errors
    /// Every fault of every component.
    pub fn load(manifest: &Manifest, places: Places<'_>, backends: Backends) -> Result<Self, Vec<Fault>> {
        let host = |error: String| {
            vec![Fault {
                component: None,
                problem: Problem::Host(error),
            }]
        };
        let engine = crate::engine::start().map_err(|error| host(format!("{error:#}")))?;
        let cache = CodeCache::open(places.cache).map_err(|error| {
            host(format!(
                "the folder of compiled code, {}, can't be made: {error}",
                places.cache.display()
            ))
        })?;
        let threads = GuestThreads::start(manifest.server.guest_threads, &backends.handle)
            .map_err(|error| host(format!("threads for components can't be started: {error}")))?;

        let mut faults = vec![];
        let keyrings = Keyring::load_all(&manifest.keyrings, places.data).unwrap_or_else(|errors| {
            faults.extend(errors.into_iter().map(|error| Fault {
                component: None,
                problem: error.into(),
            }));
            BTreeMap::new()
        });
        let compiled = Compiled::all(manifest, places.artifacts, &engine, &cache, &mut faults);
        faults.extend(
            compiled
                .values()
                .flat_map(|component| component.faults(manifest, &compiled)),
        );
        if !faults.is_empty() {
            return Err(faults);
        }
        let slots = slots(manifest);
        let peers: Weak<dyn Peers> = Arc::<Slots>::downgrade(&slots);
        let threads = Arc::new(threads);
        let parts = Parts {
            manifest,
            keyrings: &keyrings,
            data: places.data,
            backends,
            peers: &peers,
        };
        for (name, component) in compiled {
            let slot = &slots.0[&name];
            match parts
                .link(&component)
                .and_then(|linked| linked.prove(&threads, &slot.permits))
            {
                Ok(version) => slot.activate(version),
                Err(problem) => faults.push(Fault {
                    component: Some(name),
                    problem,
                }),
            }
        }
        if faults.is_empty() {
            Ok(Self { slots })
        } else {
            Err(faults)
        }
    }

    /// The version of a component that new calls go to.
    pub fn active(&self, component: &str) -> Option<Arc<Version>> {
        self.slots.active(component)
    }

    /// The version with this digest: a compensation runs on the one that ran its step.
    pub fn version(&self, component: &str, digest: &Digest) -> Option<Arc<Version>> {
        let versions = self.slots.0.get(component)?.versions.lock();
        versions.unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    /// All components with the version that new calls go to, in the order of their names.
    pub fn components(&self) -> impl Iterator<Item = (&str, Arc<Version>)> {
        self.slots
            .0
            .iter()
            .filter_map(|(name, slot)| Some((name.as_str(), slot.active.load_full()?)))
    }
}

fn slots(manifest: &Manifest) -> Arc<Slots> {
    // A component whose calls never end must not take every thread there is.
    let share = manifest.server.guest_threads.div_ceil(2);
    let slot = |(name, component): (&String, &skald_manifest::Component)| {
        (name.clone(), Slot::new(component.limits.concurrency.min(share)))
    };
    Arc::new(Slots(manifest.components.iter().map(slot).collect()))
}
