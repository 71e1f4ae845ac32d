//! The first stage: artifacts are read and compiled, and what they import and export is held against
//! the manifest.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use skald_manifest::{Component as Description, Manifest};
use skald_saga::Digest;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::fault::{Fault, Problem};
use super::interfaces::{Interface, Interfaces, agree, exports, imports};
use super::roles;
use crate::capability::{Missing, missing};
use crate::engine::CodeCache;

/// A component that is compiled, and nothing else yet: it can't be called.
pub(super) struct Compiled {
    pub(super) name: String,
    pub(super) digest: Digest,
    pub(super) component: Component,
    pub(super) imports: Interfaces,
    pub(super) exports: Interfaces,
    bare_imports: Vec<String>,
}

impl Compiled {
    /// All components of the manifest whose artifacts are components; the others become faults.
    pub(super) fn all(
        manifest: &Manifest,
        artifacts: &Path,
        engine: &Engine,
        cache: &CodeCache,
        faults: &mut Vec<Fault>,
    ) -> BTreeMap<String, Self> {
        let mut compiled = BTreeMap::new();
        for (name, component) in &manifest.components {
            match Self::load(name, &artifacts.join(&component.artifact), engine, cache) {
                Ok(component) => _ = compiled.insert(name.clone(), component),
                Err(problem) => faults.push(Fault {
                    component: Some(name.clone()),
                    problem,
                }),
            }
        }
        compiled
    }

    fn load(name: &str, path: &Path, engine: &Engine, cache: &CodeCache) -> Result<Self, Problem> {
        let wasm = fs::read(path).map_err(|source| Problem::Missing {
            path: path.to_owned(),
            source,
        })?;
        let digest = Digest::of(&wasm);
        let component = cache
            .load(engine, &digest, &wasm)
            .map_err(|error| Problem::NoComponent {
                path: path.to_owned(),
                detail: format!("{error:#}"),
            })?;
        let (imports, bare_imports) = imports(engine, &component);
        let exports = exports(engine, &component);
        Ok(Self {
            name: name.to_owned(),
            digest,
            component,
            imports,
            exports,
            bare_imports,
        })
    }

    /// Everything that keeps the component from doing what the manifest wants of it.
    pub(super) fn faults(&self, manifest: &Manifest, all: &BTreeMap<String, Self>) -> Vec<Fault> {
        let description = &manifest.components[&self.name];
        let bare = self
            .bare_imports
            .iter()
            .map(|import| Problem::Bare { import: import.clone() });
        let imports = self
            .imports
            .iter()
            .filter_map(|(plain, import)| self.ungranted(plain, import, description));
        let calls = description.calls.iter().filter_map(|(plain, exporter)| {
            let import = self.imports.get(plain)?;
            mismatch(plain, import, exporter, all.get(exporter)?)
        });
        let roles = roles::wanted(manifest, &self.name)
            .into_iter()
            .filter(|(interface, _)| !self.exports.contains_key(*interface))
            .map(|(interface, wanted)| Problem::Role { wanted, interface });
        let problems = bare.chain(imports).chain(calls).chain(roles);
        problems
            .map(|problem| Fault {
                component: Some(self.name.clone()),
                problem,
            })
            .collect()
    }

    fn ungranted(&self, plain: &str, import: &Interface, description: &Description) -> Option<Problem> {
        if import.functions.is_empty() && !import.resources {
            return None;
        }
        let (import, component) = (import.full.clone(), self.name.clone());
        Some(match missing(description, plain)? {
            Missing::Grant(line) => Problem::Ungranted {
                import,
                component,
                line: line.to_owned(),
            },
            Missing::Unknown => Problem::Unknown {
                import,
                plain: plain.to_owned(),
                component,
            },
        })
    }
}

/// What an exporter doesn't offer, or offers with another type.
fn mismatch(plain: &str, import: &Interface, exporter: &str, other: &Compiled) -> Option<Problem> {
    let problem = |detail: String| {
        Some(Problem::Mismatch {
            import: import.full.clone(),
            exporter: exporter.to_owned(),
            detail,
        })
    };
    let Some(offered) = other.exports.get(plain) else {
        return problem(format!(
            "does not export it: change `calls` of [components.…], or export {plain}"
        ));
    };
    if import.resources {
        return problem("can't be called with resources: only values go from one component to another".into());
    }
    let wrong = import.functions.iter().find(|(name, wanted)| {
        offered
            .functions
            .get(*name)
            .is_none_or(|offered| !agree(wanted, offered))
    });
    wrong.and_then(|(name, _)| problem(format!("exports {} with another type of `{name}`", offered.full)))
}
