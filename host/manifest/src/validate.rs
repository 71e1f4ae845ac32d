//! The second stage: what the values mean together. Names refer to something, nothing is there
//! twice, and what excludes each other isn't said at once.
//!
//! A value that the first stage refused is missing here. The functions put something empty in its
//! place and say nothing more about it: with one fault, there is no manifest anyway.

mod component;
mod database;
mod filter;
mod path;
mod retry;
mod route;
mod saga;
mod secret;
mod settings;

use std::collections::BTreeSet;

use crate::manifest::Manifest;
use crate::place::{Findings, Word, suggest};
use crate::table::RawTable;
use crate::words::{NAME_RULE, is_name};

/// Makes a manifest of a table, as far as it goes.
pub fn validate(raw: &RawTable, found: &mut Findings<'_>) -> Manifest {
    let names = Names::of(raw);
    if let Some(name) = raw.word("name").filter(|name| !is_name(name.text)) {
        found.add(name.place, format!("{:?} is not a name", name.text), NAME_RULE);
    }
    let (journal, databases) = database::all(raw, found);
    let admin = settings::admin(raw.table("admin"), found);
    let components = component::all(raw, &names, found);
    Manifest {
        name: raw.text("name"),
        journal,
        databases,
        keyrings: secret::keyrings(raw, found),
        filters: filter::all(raw, &names, found),
        sagas: saga::all(raw, &names, &components, found),
        routes: route::all(raw, &names, admin.token.is_some(), found),
        components,
        server: raw
            .table("server")
            .map(|server| settings::server(server, found))
            .unwrap_or_default(),
        orchestrator: raw
            .table("orchestrator")
            .map(settings::orchestrator)
            .unwrap_or_default(),
        admin,
    }
}

/// The names that others may refer to. Something with a fault in it has a name all the same.
struct Names<'r> {
    databases: Vec<&'r str>,
    keyrings: Vec<&'r str>,
    filters: Vec<&'r str>,
    components: Vec<&'r str>,
    sagas: Vec<&'r str>,
    topics: BTreeSet<&'r str>,
}

impl<'r> Names<'r> {
    fn of(raw: &'r RawTable) -> Self {
        let names = |key| raw.names(key).map(|name| name.text).collect();
        let components = raw.tables_by_name("components");
        let topics = components.flat_map(|(_, component)| component.words("publishes"));
        Self {
            databases: names("databases"),
            keyrings: names("keyrings"),
            filters: names("filters"),
            components: names("components"),
            sagas: names("sagas"),
            topics: topics.map(|topic| topic.text).collect(),
        }
    }

    /// The component of this name.
    fn component(&self, name: Word<'_>, found: &mut Findings<'_>) -> String {
        refer(name, "component", &self.components, found)
    }

    /// The saga of this name.
    fn saga(&self, name: Word<'_>, found: &mut Findings<'_>) -> String {
        refer(name, "saga", &self.sagas, found)
    }
}

/// Takes a name that has to be known.
fn refer(name: Word<'_>, kind: &str, known: &[&str], found: &mut Findings<'_>) -> String {
    if !known.contains(&name.text) {
        let suggestion = if known.is_empty() {
            format!("declare it: [{kind}s.{}]", name.text)
        } else {
            suggest(name.text, &format!("{kind}s"), known.iter().copied())
        };
        found.add(name.place, format!("there is no {kind} {:?}", name.text), suggestion);
    }
    name.text.to_owned()
}
