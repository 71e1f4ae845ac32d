//! What the host can do for components: one module for each WIT package, each with the same three
//! verbs.
//!
//! | verb | when | here |
//! |---|---|---|
//! | link | once per version | `link`: puts the interface into a linker |
//! | grant | once per component | `Grant`: the manifest's policy, decoded |
//! | prepare | once per call | `View`: what the call lends to the interface |
//!
//! Nothing here knows which data a call keeps: whoever runs components implements [`Lend`]. What is
//! not granted is not linked, and each function checks the grant again.

#[expect(missing_docs, reason = "generated, and documented in wit/")]
pub mod bindings;

pub mod output;

pub mod secret;

pub mod wasi;

pub mod sql;

pub mod events;

pub mod cache;

pub mod identity;

pub mod ids;

pub mod trace;

pub mod logging;

pub mod config;

pub mod http;

mod grants;

use std::sync::Arc;

use wasmtime::component::Linker;
use wasmtime_wasi::WasiView;
use wasmtime_wasi_config::WasiConfig;
use wasmtime_wasi_http::p2::bindings as wasi_http;
use wasmtime_wasi_http::{WasiHttp, WasiHttpView};

pub use grants::{Grants, Missing, missing};

/// What capabilities reach out to. The composition root makes it.
#[derive(Clone)]
pub struct Backends {
    /// The databases, for calls outside steps.
    pub databases: Arc<dyn sql::Databases>,
    /// The cache of this host.
    pub cache: Arc<cache::Cache>,
    /// What hashes passwords.
    pub hasher: Arc<identity::Hasher>,
    /// What gives out unique numbers.
    pub ids: Arc<ids::Ids>,
    /// The runtime for what waits: timers and outgoing connections.
    pub handle: tokio::runtime::Handle,
}

/// What a store's data lends to each capability.
pub trait Lend: WasiView + WasiHttpView + 'static {
    /// For `skald:sql`.
    fn sql(&mut self) -> sql::View<'_>;
    /// For `skald:events`.
    fn events(&mut self) -> events::View<'_>;
    /// For `skald:cache`.
    fn cache(&mut self) -> cache::View<'_>;
    /// For `skald:identity`.
    fn identity(&mut self) -> identity::View<'_>;
    /// For `skald:ids`.
    fn ids(&mut self) -> ids::View<'_>;
    /// For `skald:trace`.
    fn trace(&mut self) -> trace::View<'_>;
    /// For `wasi:logging`.
    fn logging(&mut self) -> logging::View<'_>;
    /// For `wasi:config`.
    fn config(&mut self) -> WasiConfig<'_>;
    /// For `wasi:io/poll`, where a call may block its thread.
    fn waiting(&mut self) -> wasi::View<'_>;
}

/// Links what is granted, for calls that block their thread.
///
/// # Errors
/// Never, unless two capabilities offer the same interface.
pub fn link<T: Lend>(linker: &mut Linker<T>, grants: &Grants) -> wasmtime::Result<()> {
    wasi::link(linker, T::waiting)?;
    let options = wasi_http::LinkOptions::default();
    wasi_http::sync::http::types::add_to_linker::<_, WasiHttp>(linker, &(&options).into(), T::http)?;
    if !grants.http.is_empty() {
        wasi_http::sync::http::outgoing_handler::add_to_linker::<_, WasiHttp>(linker, T::http)?;
    }
    link_own(linker, grants)
}

/// Links what is granted, for calls that are asynchronous: those of `wasi:http`.
///
/// # Errors
/// Never, unless two capabilities offer the same interface.
pub fn link_async<T: Lend>(linker: &mut Linker<T>, grants: &Grants) -> wasmtime::Result<()> {
    wasi::link_async(linker)?;
    let options = wasi_http::LinkOptions::default();
    wasi_http::http::types::add_to_linker::<_, WasiHttp>(linker, &(&options).into(), T::http)?;
    if !grants.http.is_empty() {
        wasi_http::http::outgoing_handler::add_to_linker::<_, WasiHttp>(linker, T::http)?;
    }
    link_own(linker, grants)
}

/// Our own interfaces are the same for both.
fn link_own<T: Lend>(linker: &mut Linker<T>, grants: &Grants) -> wasmtime::Result<()> {
    ids::link(linker, T::ids)?;
    trace::link(linker, T::trace)?;
    logging::link(linker, T::logging)?;
    config::link(linker, T::config)?;
    if !grants.sql.labels.is_empty() {
        sql::link(linker, T::sql)?;
    }
    if !grants.events.is_empty() {
        events::link(linker, T::events)?;
    }
    if !grants.cache.buckets.is_empty() {
        cache::link_buckets(linker, T::cache)?;
    }
    if grants.cache.locks {
        cache::link_locks(linker, T::cache)?;
    }
    if !grants.cache.filters.is_empty() {
        cache::link_filters(linker, T::cache)?;
    }
    if grants.identity.passwords {
        identity::link_passwords(linker, T::identity)?;
    }
    if !grants.identity.keyrings.is_empty() {
        identity::link_tokens(linker, T::identity)?;
    }
    Ok(())
}
