//! A version of a component that is linked and can be called.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use skald_saga::Digest;
use tokio::sync::Semaphore;
use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, Instance, InstancePre};
use wasmtime::error::Context;
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use super::counts::Counts;
use super::error::{CallError, classify};
use super::state::{Profile, Scope, State};
use super::threads::GuestThreads;
use crate::capability::bindings::exports::skald as roles;
use crate::capability::output::Origin;
use crate::capability::sql::Work;
use crate::engine::TICK;

/// A version of a component: its code, linked with what it is granted.
pub struct Version {
    pub(super) profile: Arc<Profile>,
    pub(super) calls: InstancePre<State>,
    pub(super) proxy: Option<ProxyPre<State>>,
    pub(super) roles: Roles,
    pub(super) threads: Arc<GuestThreads>,
    /// Permits for calls outside steps; those of all versions of a component are the same ones.
    pub(super) permits: Arc<Semaphore>,
    /// The functions that other components may call: by interface, without a version, and name.
    pub(super) offered: Offered,
}

/// The functions of interfaces that only other components know.
pub type Offered = HashMap<(String, String), ComponentExportIndex>;

/// Which roles the component has: where its exports are, looked up once.
#[derive(Default)]
pub(super) struct Roles {
    pub(super) step: Option<roles::saga::step::GuestIndices>,
    pub(super) admission: Option<roles::saga::admission::GuestIndices>,
    pub(super) migrations: Option<roles::schema::migrations::GuestIndices>,
    pub(super) authenticator: Option<roles::identity::authenticator::GuestIndices>,
    pub(super) subscriber: Option<roles::events::subscriber::GuestIndices>,
}

impl Version {
    /// The artifact's digest.
    pub fn digest(&self) -> Digest {
        self.profile.digest
    }

    /// The component's name in the manifest.
    pub fn component(&self) -> &Arc<str> {
        &self.profile.component
    }

    /// How often it was called, and how that failed.
    pub fn counts(&self) -> &Counts {
        &self.profile.counts
    }

    /// Whether a step may wait for something other than its own database, so that it must not hold up
    /// a group commit.
    pub fn is_slow(&self) -> bool {
        self.profile.grants.is_slow()
    }

    /// The roles that it exports, by the names of their interfaces.
    pub fn roles(&self) -> Vec<&'static str> {
        let Roles {
            step,
            admission,
            migrations,
            authenticator,
            subscriber,
        } = &self.roles;
        let exported = [
            (step.is_some(), interface::STEP),
            (admission.is_some(), interface::ADMISSION),
            (migrations.is_some(), interface::MIGRATIONS),
            (authenticator.is_some(), interface::AUTHENTICATOR),
            (subscriber.is_some(), interface::SUBSCRIBER),
            (self.proxy.is_some(), interface::HANDLER),
        ];
        exported
            .into_iter()
            .filter_map(|(has, name)| has.then_some(name))
            .collect()
    }

    /// Links the exports of a version whose imports are linked, and makes an instance of it to see
    /// that they have the right types.
    ///
    /// # Errors
    /// What the component exports with another type, or why it can't be instantiated.
    pub(crate) fn new(
        profile: Arc<Profile>,
        calls: InstancePre<State>,
        proxy: Option<InstancePre<State>>,
        offered: Offered,
        threads: Arc<GuestThreads>,
        permits: Arc<Semaphore>,
    ) -> wasmtime::Result<Self> {
        let proxy = proxy.map(ProxyPre::new).transpose()?;
        let roles = Roles::find(&calls);
        let version = Self {
            profile,
            calls,
            proxy,
            roles,
            threads,
            permits,
            offered,
        };
        version.prove()?;
        Ok(version)
    }

    fn prove(&self) -> wasmtime::Result<()> {
        let scope = self.scope();
        let work = Work::outside(true, scope.deadline);
        let mut store = self.store(scope, work);
        let instance = self.calls.instantiate(&mut store)?;
        self.roles.prove(&mut store, &instance)
    }

    /// The scope of a call outside sagas that begins now.
    pub(super) fn scope(&self) -> Scope {
        let began = Instant::now();
        Scope {
            origin: self.profile.origin.clone(),
            began,
            deadline: began + self.profile.limits.deadline,
            depth: 0,
        }
    }

    pub(super) fn origin(&self, saga: Option<u64>, step: Option<&Arc<str>>) -> Origin {
        Origin {
            saga,
            step: step.cloned(),
            ..self.profile.origin.clone()
        }
    }

    /// A store for one call, which ends at the scope's deadline.
    pub(super) fn store(&self, scope: Scope, work: Work) -> Store<State> {
        let deadline = scope.deadline;
        let mut store = Store::new(self.calls.engine(), State::new(&self.profile, scope, work));
        store.limiter(|state| &mut state.memory);
        store.set_epoch_deadline(ticks_until(deadline));
        store
    }

    pub(super) fn missing(&self, interface: &'static str) -> CallError {
        CallError::NotExported {
            component: self.profile.component.to_string(),
            interface,
        }
    }

    pub(super) fn overloaded(&self) -> CallError {
        CallError::Overloaded {
            component: self.profile.component.to_string(),
        }
    }
}

/// Ends a call: what it left open is closed, and an error of wasmtime becomes one that says what
/// happened.
pub(super) fn settle<T>(store: &mut Store<State>, result: wasmtime::Result<T>) -> Result<T, CallError> {
    let printed = store.data_mut().end();
    result.map_err(|error| {
        let error = classify(&error, store.data(), &printed);
        store.data().profile.counts.failure(&error);
        error
    })
}

/// How many ticks of the engine's clock a call has: at least one, and one more for the tick that is
/// under way.
pub(super) fn ticks_until(deadline: Instant) -> u64 {
    let left = deadline.saturating_duration_since(Instant::now());
    let ticks = left.as_micros() / Duration::as_micros(&TICK);
    u64::try_from(ticks).unwrap_or(u64::MAX / 2) + 1
}

/// The interfaces of roles, without their versions.
pub(crate) mod interface {
    pub const STEP: &str = "skald:saga/step";
    pub const ADMISSION: &str = "skald:saga/admission";
    pub const MIGRATIONS: &str = "skald:schema/migrations";
    pub const AUTHENTICATOR: &str = "skald:identity/authenticator";
    pub const SUBSCRIBER: &str = "skald:events/subscriber";
    pub const HANDLER: &str = "wasi:http/incoming-handler";
}

impl Roles {
    /// What is not exported is no role of the component.
    fn find(pre: &InstancePre<State>) -> Self {
        Self {
            step: roles::saga::step::GuestIndices::new(pre).ok(),
            admission: roles::saga::admission::GuestIndices::new(pre).ok(),
            migrations: roles::schema::migrations::GuestIndices::new(pre).ok(),
            authenticator: roles::identity::authenticator::GuestIndices::new(pre).ok(),
            subscriber: roles::events::subscriber::GuestIndices::new(pre).ok(),
        }
    }

    /// Looking a function up checks its type.
    fn prove(&self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<()> {
        if let Some(step) = &self.step {
            step.load(&mut *store, instance).context(interface::STEP)?;
        }
        if let Some(admission) = &self.admission {
            admission.load(&mut *store, instance).context(interface::ADMISSION)?;
        }
        if let Some(migrations) = &self.migrations {
            migrations.load(&mut *store, instance).context(interface::MIGRATIONS)?;
        }
        if let Some(authenticator) = &self.authenticator {
            authenticator
                .load(&mut *store, instance)
                .context(interface::AUTHENTICATOR)?;
        }
        if let Some(subscriber) = &self.subscriber {
            subscriber.load(&mut *store, instance).context(interface::SUBSCRIBER)?;
        }
        Ok(())
    }
}
