//! What a component imports and exports, by interface.

use std::collections::BTreeMap;

use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, Type};

/// An interface that a component imports or exports.
pub(super) struct Interface {
    /// Its name with the version, as the component has it.
    pub(super) full: String,
    /// Its functions. One that has none only names types, and needs no grant.
    pub(super) functions: BTreeMap<String, ComponentFunc>,
    /// Whether it has resources.
    pub(super) resources: bool,
}

/// By the name without the version: patch versions don't matter, and the linker sees to the others.
pub(super) type Interfaces = BTreeMap<String, Interface>;

/// The imported interfaces, and what is imported by itself.
pub(super) fn imports(engine: &Engine, component: &Component) -> (Interfaces, Vec<String>) {
    let (mut interfaces, mut bare) = (Interfaces::new(), vec![]);
    for (name, item) in component.component_type().imports(engine) {
        match interface(engine, name, &item.ty) {
            Some(interface) => _ = interfaces.insert(plain(name).to_owned(), interface),
            None => bare.push(name.to_owned()),
        }
    }
    (interfaces, bare)
}

/// The exported interfaces. What else a component exports is its own business.
pub(super) fn exports(engine: &Engine, component: &Component) -> Interfaces {
    let ty = component.component_type();
    let found = ty.exports(engine).filter_map(|(name, item)| {
        let interface = interface(engine, name, &item.ty)?;
        Some((plain(name).to_owned(), interface))
    });
    found.collect()
}

/// The name without its version.
pub(super) fn plain(name: &str) -> &str {
    name.split_once('@').map_or(name, |(plain, _)| plain)
}

fn interface(engine: &Engine, name: &str, item: &ComponentItem) -> Option<Interface> {
    let ComponentItem::ComponentInstance(instance) = item else {
        return None;
    };
    let (mut functions, mut resources) = (BTreeMap::new(), false);
    for (function, item) in instance.exports(engine) {
        match item.ty {
            ComponentItem::ComponentFunc(ty) => _ = functions.insert(function.to_owned(), ty),
            ComponentItem::Resource(_) => resources = true,
            _ => {}
        }
    }
    Some(Interface {
        full: name.to_owned(),
        functions,
        resources,
    })
}

/// Whether a call can go from one to the other: the same names and types, structurally.
pub(super) fn agree(wanted: &ComponentFunc, offered: &ComponentFunc) -> bool {
    let params = |function: &ComponentFunc| -> Vec<(String, Type)> {
        function.params().map(|(name, ty)| (name.to_owned(), ty)).collect()
    };
    params(wanted) == params(offered) && wanted.results().eq(offered.results())
}
