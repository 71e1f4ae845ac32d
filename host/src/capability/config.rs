//! Settings by name (`wasi:config`), as the manifest gives them to a component.

use wasmtime::component::Linker;
use wasmtime_wasi_config::WasiConfig;

pub use wasmtime_wasi_config::WasiConfigVariables as Settings;

/// The interface that this module offers. It needs no grant: there are no settings but those that
/// the manifest gives.
pub const INTERFACE: &str = "wasi:config/store";

/// Offers the interface to components.
///
/// # Errors
/// When the linker has it already.
pub fn link<T: 'static>(linker: &mut Linker<T>, view: fn(&mut T) -> WasiConfig<'_>) -> wasmtime::Result<()> {
    wasmtime_wasi_config::add_to_linker(linker, view)
}
