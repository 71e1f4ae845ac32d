//! Calls from one component to another: an import that the host links to whatever version of the
//! exporter is active when it is called.
//!
//! Values travel through the host, so no interface with resources can be linked this way. Each call
//! gets a fresh instance of the exporter, which lives no longer than its caller, and may only read
//! when its caller runs a step: what it wrote would escape the caller's fence.

use std::sync::{Arc, Weak};

use wasmtime::component::{Linker, Val};
use wasmtime::{bail, format_err};

use super::state::{Scope, State};
use super::version::{Version, settle};
use crate::capability::output::Origin;
use crate::capability::sql::Work;

/// How many components may call one another: A calls B calls C and so on. Each has a wasm stack of
/// its own, half a MiB, on the same thread: those that run components have room for so many.
const MAX_DEPTH: u8 = 8;

/// Where the active version of a component is found.
pub(crate) trait Peers: Send + Sync {
    /// The active version of the component with this name.
    fn active(&self, component: &str) -> Option<Arc<Version>>;
}

/// Links one imported interface to a component. `import` is its full name, `interface` the one
/// without a version.
///
/// # Errors
/// When the linker has it already.
pub(crate) fn link_peer(
    linker: &mut Linker<State>,
    import: &str,
    interface: &str,
    functions: &[String],
    exporter: &Arc<str>,
    peers: &Weak<dyn Peers>,
) -> wasmtime::Result<()> {
    let mut instance = linker.instance(import)?;
    for function in functions {
        let key = (interface.to_owned(), function.clone());
        let (exporter, peers) = (exporter.clone(), peers.clone());
        instance.func_new(function, move |store, _, params, results| {
            let active = peers.upgrade().and_then(|peers| peers.active(&exporter));
            let version = active.ok_or_else(|| format_err!("component {exporter} is not loaded"))?;
            version.call_peer(store.data(), &key, params, results)
        })?;
    }
    Ok(())
}

impl Version {
    fn call_peer(
        &self,
        caller: &State,
        key: &(String, String),
        params: &[Val],
        results: &mut [Val],
    ) -> wasmtime::Result<()> {
        let State { scope, work, .. } = caller;
        let in_step = work.is_step() || work.is_read_only();
        let scope = self.scope_below(scope)?;
        let work = Work::outside(in_step, scope.deadline);
        let index = self.offered.get(key).ok_or_else(|| {
            format_err!(
                "the active version of component {} does not export {}",
                self.profile.component,
                key.0
            )
        })?;
        let mut store = self.store(scope, work);
        let answered = self.calls.instantiate(&mut store).and_then(|instance| {
            let function = instance.get_func(&mut store, index);
            let function = function.ok_or_else(|| format_err!("{} is no function", key.1))?;
            function.call(&mut store, params, results)
        });
        settle(&mut store, answered).map_err(Into::into)
    }

    /// The scope of a call below another one: no longer, one deeper, and in the same saga. It counts as
    /// begun when the caller began: what it does may rest on what the caller did.
    fn scope_below(&self, caller: &Scope) -> wasmtime::Result<Scope> {
        let depth = caller.depth + 1;
        if depth > MAX_DEPTH {
            bail!(
                "more than {MAX_DEPTH} components call one another; {} is the next",
                self.profile.component
            );
        }
        let Origin { saga, step, .. } = &caller.origin;
        Ok(Scope {
            origin: self.origin(*saga, step.as_ref()),
            began: caller.began,
            deadline: caller.deadline,
            depth,
        })
    }
}
