//! The second stage: a component gets a linker with what it is granted and nothing else, and is
//! instantiated once.

use std::path::Path;
use std::sync::{Arc, Weak};

use skald_manifest::{ConfigValue, Manifest};
use tokio::sync::Semaphore;
use wasmtime::component::{Component, InstancePre, Linker};

use super::compile::Compiled;
use super::fault::Problem;
use super::interfaces::{Interface, Interfaces};
use crate::capability::config::Settings;
use crate::capability::identity::Keyrings;
use crate::capability::output::Origin;
use crate::capability::{Backends, Grants, link, link_async, secret};
use crate::invoke::{Counts, GuestThreads, Offered, Peers, Profile, State, Version, interface, link_peer};

/// What linking takes besides the component.
pub(super) struct Parts<'p> {
    pub(super) manifest: &'p Manifest,
    pub(super) keyrings: &'p Keyrings,
    pub(super) data: &'p Path,
    pub(super) backends: Backends,
    pub(super) peers: &'p Weak<dyn Peers>,
}

/// A component that is linked. It can't be called before it was instantiated once.
pub(super) struct Linked {
    profile: Arc<Profile>,
    calls: InstancePre<State>,
    proxy: Option<InstancePre<State>>,
    offered: Offered,
}

impl Parts<'_> {
    /// Links a component: once for calls that block, and once for HTTP if it answers that.
    pub(super) fn link(&self, compiled: &Compiled) -> Result<Linked, Problem> {
        let profile = Arc::new(self.profile(compiled)?);
        let unlinkable = |error: wasmtime::Error| Problem::Unlinkable(format!("{error:#}"));
        let engine = compiled.component.engine();
        let mut linker = Linker::new(engine);
        link(&mut linker, &profile.grants).map_err(unlinkable)?;
        self.link_peers(&mut linker, &profile.grants, &compiled.imports)
            .map_err(unlinkable)?;
        let calls = linker.instantiate_pre(&compiled.component).map_err(unlinkable)?;

        let proxy = compiled.exports.contains_key(interface::HANDLER).then(|| {
            let mut linker = Linker::new(engine);
            link_async(&mut linker, &profile.grants)?;
            self.link_peers(&mut linker, &profile.grants, &compiled.imports)?;
            linker.instantiate_pre(&compiled.component)
        });
        let proxy = proxy.transpose().map_err(unlinkable)?;
        let offered = offered(&compiled.component, &compiled.exports);
        Ok(Linked {
            profile,
            calls,
            proxy,
            offered,
        })
    }

    fn link_peers(&self, linker: &mut Linker<State>, grants: &Grants, imports: &Interfaces) -> wasmtime::Result<()> {
        for (plain, exporter) in &grants.calls {
            if let Some(Interface { full, functions, .. }) = imports.get(plain) {
                let functions: Vec<_> = functions.keys().cloned().collect();
                link_peer(linker, full, plain, &functions, exporter, self.peers)?;
            }
        }
        Ok(())
    }

    fn profile(&self, compiled: &Compiled) -> Result<Profile, Problem> {
        let description = &self.manifest.components[&compiled.name];
        let component: Arc<str> = compiled.name.as_str().into();
        let mut settings = Settings::new();
        for (key, value) in &description.config {
            settings.insert(key, self.setting(key, value)?);
        }
        Ok(Profile {
            counts: Counts::default(),
            origin: Origin::new(&component, &compiled.digest),
            component,
            digest: compiled.digest,
            grants: Grants::new(description, self.keyrings),
            settings,
            limits: description.limits.clone(),
            instances: description.instances,
            backends: self.backends.clone(),
        })
    }

    fn setting(&self, key: &str, value: &ConfigValue) -> Result<String, Problem> {
        match value {
            ConfigValue::Text(text) => Ok(text.clone()),
            ConfigValue::Secret(reference) => match secret::read(reference, self.data) {
                Ok(secret) => Ok(String::from_utf8_lossy(secret.expose()).into_owned()),
                Err(source) => Err(Problem::Setting {
                    key: key.to_owned(),
                    source,
                }),
            },
        }
    }
}

impl Linked {
    /// The last stage: makes an instance, and becomes a version that can be called.
    pub(super) fn prove(self, threads: &Arc<GuestThreads>, permits: &Arc<Semaphore>) -> Result<Arc<Version>, Problem> {
        let Self {
            profile,
            calls,
            proxy,
            offered,
        } = self;
        let version = Version::new(profile, calls, proxy, offered, threads.clone(), permits.clone());
        version
            .map(Arc::new)
            .map_err(|error| Problem::Unlinkable(format!("{error:#}")))
    }
}

/// The functions that other components may call, looked up once.
fn offered(component: &Component, exports: &Interfaces) -> Offered {
    let mut offered = Offered::new();
    for (plain, Interface { full, functions, .. }) in exports {
        let Some(instance) = component.get_export_index(None, full.as_str()) else {
            continue;
        };
        for name in functions.keys() {
            if let Some(index) = component.get_export_index(Some(&instance), name.as_str()) {
                offered.insert((plain.clone(), name.clone()), index);
            }
        }
    }
    offered
}
