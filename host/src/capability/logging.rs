//! Log lines of components (`wasi:logging`), on their way to the host's log.
//!
//! They share the bound of what a component writes to its standard error.

use wasmtime::component::{HasData, Linker};

use super::output::{Level, Output};
use bindings::wasi::logging::logging;

/// The interface that this module offers. It needs no grant: its volume is bounded.
pub const INTERFACE: &str = "wasi:logging/logging";

/// No crate has this draft, which is all of it.
mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package wasi:logging@0.1.0-draft;

            interface logging {
                enum level { trace, debug, info, warn, error, critical }

                log: func(level: level, context: string, message: string);
            }

            world imports {
                import logging;
            }
        ",
        imports: { default: trappable },
    });
}

/// What one call lends to this capability.
pub struct View<'a>(pub(crate) &'a mut Output);

struct Has;

impl HasData for Has {
    type Data<'a> = View<'a>;
}

/// Offers the interface to components.
///
/// # Errors
/// When the linker has it already.
pub fn link<T: 'static>(linker: &mut Linker<T>, view: fn(&mut T) -> View<'_>) -> wasmtime::Result<()> {
    logging::add_to_linker::<T, Has>(linker, view)
}

impl logging::Host for View<'_> {
    fn log(&mut self, level: logging::Level, context: String, message: String) -> wasmtime::Result<()> {
        let level = match level {
            logging::Level::Trace => Level::TRACE,
            logging::Level::Debug => Level::DEBUG,
            logging::Level::Info => Level::INFO,
            logging::Level::Warn => Level::WARN,
            logging::Level::Error | logging::Level::Critical => Level::ERROR,
        };
        self.0.line(level, &context, &message);
        Ok(())
    }
}
