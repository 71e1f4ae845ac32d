//! Laws of `wit/` that no tool checks.

use std::collections::BTreeSet;
use wit_parser::{Docs, Resolve, Type, TypeDefKind};

/// The contract as it stands in `wit/`.
fn contract() -> Resolve {
    let mut resolve = Resolve::default();
    resolve
        .push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit"))
        .expect("the contract parses");
    resolve
}

/// The name and the docs of each thing that an author may come across.
fn items(contract: &Resolve) -> Vec<(String, &Docs)> {
    let mut items = Vec::new();
    items.extend(
        contract
            .packages
            .iter()
            .map(|(_, package)| (package.name.to_string(), &package.docs)),
    );
    items.extend(
        contract
            .worlds
            .iter()
            .map(|(_, world)| (world.name.clone(), &world.docs)),
    );
    for (_, interface) in &contract.interfaces {
        let name = interface.name.clone().unwrap_or_default();
        items.extend(
            interface
                .functions
                .iter()
                .map(|(f, function)| (format!("{name}.{f}"), &function.docs)),
        );
        for (t, &id) in &interface.types {
            let (name, docs) = (format!("{name}.{t}"), &contract.types[id].docs);
            let part = |part: &str| format!("{name}.{part}");
            match &contract.types[id].kind {
                // What another interface defines is documented there.
                TypeDefKind::Type(Type::Id(_)) => continue,
                TypeDefKind::Record(record) => items.extend(record.fields.iter().map(|f| (part(&f.name), &f.docs))),
                TypeDefKind::Variant(variant) => items.extend(variant.cases.iter().map(|c| (part(&c.name), &c.docs))),
                TypeDefKind::Enum(cases) => items.extend(cases.cases.iter().map(|c| (part(&c.name), &c.docs))),
                _ => {}
            }
            items.push((name, docs));
        }
        items.push((name, &interface.docs));
    }
    items
}

/// The cases of all variants of the contract that are called one of these names.
fn cases<'a>(contract: &'a Resolve, names: &[&str]) -> BTreeSet<&'a str> {
    let found = contract
        .types
        .iter()
        .filter(|(_, ty)| ty.name.as_deref().is_some_and(|name| names.contains(&name)));
    let variants = found.filter_map(|(_, ty)| match &ty.kind {
        TypeDefKind::Variant(variant) => Some(variant),
        _ => None,
    });
    variants
        .flat_map(|variant| variant.cases.iter().map(|case| case.name.as_str()))
        .collect()
}

#[test]
fn everything_in_the_contract_is_documented() {
    let contract = contract();
    let items = items(&contract);
    let gaps: Vec<_> = items
        .iter()
        .filter(|(_, docs)| docs.contents.is_none())
        .map(|(name, _)| name)
        .collect();
    assert!(
        items.len() > 200,
        "the walk over the contract finds {} items",
        items.len()
    );
    assert!(gaps.is_empty(), "without a doc comment: {gaps:?}");
}

/// In JavaScript an error of a capability that nobody caught leaves the export as the export's own
/// error, told apart by the name of its case alone. With a name in common it would be taken for a
/// decision of the component: a rejection that nobody meant.
#[test]
fn no_error_of_a_capability_can_pass_for_a_decision() {
    let contract = contract();
    let decisions = cases(&contract, &["failure", "refusal", "denial", "unhandled"]);
    let errors = cases(&contract, &["error"]);
    assert!(decisions.len() > 8 && errors.len() > 10, "{decisions:?}, {errors:?}");
    let common: Vec<_> = decisions.intersection(&errors).collect();
    assert!(common.is_empty(), "an error and a decision share: {common:?}");
}

/// One tool names a module by the interface alone, until two collide; then it renames both, and a
/// component would have to change every import.
#[test]
fn no_two_interfaces_share_a_name() {
    let contract = contract();
    let mut seen = BTreeSet::new();
    let names = contract
        .interfaces
        .iter()
        .filter_map(|(_, interface)| interface.name.as_deref());
    let twice: Vec<_> = names.filter(|name| !seen.insert(*name) || *name == "types").collect();
    assert!(twice.is_empty(), "{twice:?}");
}
