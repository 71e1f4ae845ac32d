//! Spans of a component, under the one that the host has open for its call.

use tracing::{Span as Open, info, info_span};
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

use super::bindings::skald::trace::spans;
use super::output::Origin;
use spans::Attribute;

/// The interface that this module offers. It needs no grant: a span is a line in the log.
pub const INTERFACE: &str = "skald:trace/spans";

/// The most spans of one call that are open at the same time.
const MAX_OPEN: usize = 64;

/// A span that a component has opened. Dropping it ends it.
pub struct Span {
    span: Open,
    id: u64,
}

/// The spans of one call.
#[derive(Debug, Default)]
pub struct Spans {
    /// Those that are open, outermost first.
    open: Vec<(u64, Open)>,
    trace: Option<u128>,
}

impl Spans {
    /// The call has ended, and with it whatever the component left open.
    pub fn end(&mut self) {
        self.open.clear();
        self.trace = None;
    }
}

/// What one call lends to this capability.
pub struct View<'a> {
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) spans: &'a mut Spans,
    pub(crate) origin: &'a Origin,
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
    spans::add_to_linker::<T, Has>(linker, view)
}

impl View<'_> {
    fn get(&self, span: &Resource<Span>) -> wasmtime::Result<&Open> {
        Ok(&self.table.get(span)?.span)
    }
}

impl spans::Host for View<'_> {
    fn traceparent(&mut self) -> wasmtime::Result<String> {
        let fresh = || u128::from(getrandom::u64().unwrap_or(1)) << 64 | u128::from(getrandom::u64().unwrap_or(1));
        let trace = *self.spans.trace.get_or_insert_with(fresh);
        let parent = self.spans.open.last().map_or(1, |(id, _)| *id);
        Ok(format!("00-{trace:032x}-{parent:016x}-01"))
    }
}

impl spans::HostSpan for View<'_> {
    fn new(&mut self, name: String) -> wasmtime::Result<Resource<Span>> {
        if self.spans.open.len() >= MAX_OPEN {
            wasmtime::bail!("a call may have {MAX_OPEN} spans open, and this one opens another: {name:?}");
        }
        let parent = self
            .spans
            .open
            .last()
            .map_or_else(Open::current, |(_, span)| span.clone());
        let Origin {
            component, saga, step, ..
        } = self.origin;
        let span = info_span!(target: "guest", parent: &parent, "span", name, %component, saga, step = step.as_deref());
        let id = getrandom::u64().unwrap_or_default() | 1;
        self.spans.open.push((id, span.clone()));
        Ok(self.table.push(Span { span, id })?)
    }

    fn set(&mut self, this: Resource<Span>, name: String, value: Attribute) -> wasmtime::Result<()> {
        let span = self.get(&this)?;
        info!(target: "guest", parent: span, attribute = name, value = text(&value), "attribute");
        Ok(())
    }

    fn event(
        &mut self,
        this: Resource<Span>,
        name: String,
        attributes: Vec<(String, Attribute)>,
    ) -> wasmtime::Result<()> {
        let attributes: Vec<_> = attributes
            .iter()
            .map(|(name, value)| format!("{name}={}", text(value)))
            .collect();
        let span = self.get(&this)?;
        info!(target: "guest", parent: span, attributes = attributes.join(" "), "{name}");
        Ok(())
    }

    fn fail(&mut self, this: Resource<Span>, description: String) -> wasmtime::Result<()> {
        let span = self.get(&this)?;
        info!(target: "guest", parent: span, failed = true, "{description}");
        Ok(())
    }

    fn drop(&mut self, this: Resource<Span>) -> wasmtime::Result<()> {
        let ended = self.table.delete(this)?;
        self.spans.open.retain(|(id, _)| *id != ended.id);
        Ok(())
    }
}

fn text(value: &Attribute) -> String {
    match value {
        Attribute::Boolean(truth) => truth.to_string(),
        Attribute::Integer(number) => number.to_string(),
        Attribute::Real(number) => number.to_string(),
        Attribute::Text(text) => text.clone(),
    }
}
