//! The part of WASI that every component gets: clocks, random numbers, and an output that ends up in
//! the log. No arguments, no environment, no files, no sockets: those interfaces are there, since
//! many languages import them whatever they need, and have nothing to give.

use std::future::Future;
use std::time::Instant;

use wasmtime::Trap;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::{io::poll as waiting, sync::io::poll};
use wasmtime_wasi::p2::{DynPollable, add_to_linker_async, add_to_linker_sync};
use wasmtime_wasi::runtime::in_tokio;
use wasmtime_wasi::{WasiCtx, WasiView};

use super::output::Output;

/// The packages that this module offers, whatever the version.
pub const PACKAGES: [&str; 6] = [
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];

/// What WASI keeps for one instance.
pub fn context(output: &Output) -> WasiCtx {
    WasiCtx::builder()
        .stdout(output.clone())
        .stderr(output.clone())
        .allow_tcp(false)
        .allow_udp(false)
        .build()
}

/// What one call lends to `wasi:io/poll`.
pub struct View<'a> {
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) deadline: Instant,
}

struct Has;

impl HasData for Has {
    type Data<'a> = View<'a>;
}

/// Offers it to components that are called on a thread which they may block.
///
/// The engine's clock ends a loop, but no wait within the host. A component that sleeps is bounded
/// here; one that waits for HTTP is bounded by the time-outs of its requests.
///
/// # Errors
/// When the linker has it already.
pub fn link<T: WasiView>(linker: &mut Linker<T>, view: fn(&mut T) -> View<'_>) -> wasmtime::Result<()> {
    add_to_linker_sync(linker)?;
    linker.allow_shadowing(true);
    poll::add_to_linker::<T, Has>(linker, view)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Offers it to components that are called asynchronously. Whoever calls bounds all of the call.
///
/// # Errors
/// When the linker has it already.
pub fn link_async<T: WasiView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    add_to_linker_async(linker)
}

/// Waits, but not beyond the deadline: then the call ends as if its own code had taken too long.
fn wait<T>(deadline: Instant, what: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    in_tokio(async { tokio::time::timeout_at(deadline.into(), what).await })
        .unwrap_or_else(|_| Err(Trap::Interrupt.into()))
}

impl poll::Host for View<'_> {
    fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        wait(self.deadline, waiting::Host::poll(self.table, pollables))
    }
}

impl poll::HostPollable for View<'_> {
    fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        wait(self.deadline, waiting::HostPollable::ready(self.table, pollable))
    }

    fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        wait(self.deadline, waiting::HostPollable::block(self.table, pollable))
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        waiting::HostPollable::drop(self.table, pollable)
    }
}
