//! What keeps the host from starting, and what it says then.

use std::fs;

use tempfile::TempDir;

use crate::fixture::{artifacts, load, load_from};

const SHOP: &str = include_str!("../../../skald.toml");

/// What is said of the shop with this changed.
fn faults(change: &[(&str, &str)]) -> Vec<String> {
    let mut manifest = SHOP.to_owned();
    for (from, to) in change {
        assert!(manifest.contains(from), "the shop's manifest says {from}");
        manifest = manifest.replace(from, to);
    }
    let found = load(&manifest).err().unwrap_or_default();
    found.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_imported_and_not_granted_is_told_by_name_and_place() {
    let cases = [
        (
            ("passwords = true", "passwords = false"),
            "component account imports skald:identity/passwords@0.1.0, which is not granted: \
             add `passwords = true` to [components.account]",
        ),
        (
            ("calls = { \"shop:product/catalog\" = \"product\" }", ""),
            "component order imports shop:product/catalog@0.1.0, which this host does not have: if another component \
             exports it, add `calls = { \"shop:product/catalog\" = \"…\" }` to [components.order]",
        ),
        (
            (
                "\"shop:product/catalog\" = \"product\"",
                "\"shop:product/catalog\" = \"payment\"",
            ),
            "component order imports shop:product/catalog@0.1.0 from component payment, which does not export it",
        ),
        (
            ("publishes = [\"product.created\"]", "publishes = []"),
            "component product imports skald:events/publisher@0.1.0, which is not granted: \
             add `publishes = [\"…\"]` to [components.product]",
        ),
        (
            (
                "match = \"POST /api/purchase\"\nsaga = \"purchase\"\nauth = \"account\"",
                "match = \"POST /api/purchase\"\nsaga = \"purchase\"\nauth = \"payment\"",
            ),
            "component payment authenticates POST /api/purchase, but it does not export skald:identity/authenticator",
        ),
        (
            ("artifact = \"order.wasm\"", "artifact = \"nowhere.wasm\""),
            "component order has no artifact at ",
        ),
    ];
    for (change, expected) in cases {
        let found = faults(&[change]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(expected), "{}\nbut expected\n{expected}", found[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_from_elsewhere_is_told_what_it_is_not_granted() {
    let foreign = "\n[components.foreign]\nartifact = \"foreign.wasm\"\n";
    let found = load(&format!("{SHOP}{foreign}")).err().unwrap_or_default();
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    let [fault] = &found[..] else { panic!("{found:?}") };
    assert!(
        fault.starts_with("component foreign imports wasi:http/outgoing-handler@0.2.")
            && fault.ends_with(", which is not granted: add `http = [\"…\"]` to [components.foreign]"),
        "{fault}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_are_told_at_once() {
    let found = faults(&[
        ("passwords = true", "passwords = false"),
        ("publishes = [\"product.created\"]", "publishes = []"),
        ("artifact = \"payment.wasm\"", "artifact = \"nowhere.wasm\""),
    ]);
    let about: Vec<_> = found.iter().filter_map(|fault| fault.split(' ').nth(1)).collect();
    assert_eq!(about, ["payment", "account", "product"], "{found:?}");
}

/// A manifest with one component, which runs a step.
const ONE: &str = r#"
    manifest = 1
    name = "test"

    [journal]
    url = "sqlite:journal.db"

    [databases.one]
    url = "sqlite:one.db"

    [components.one]
    artifact = "one.wasm"
    databases = ["one"]

    [sagas.only]
    steps = [{ name = "STEP", component = "one", database = "one" }]
"#;

/// What is said of this artifact.
fn fault_of(artifact: &[u8]) -> String {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("one.wasm"), artifact).expect("written");
    let faults = load_from(ONE, folder.path(), TempDir::new().expect("a folder"))
        .err()
        .expect("a fault");
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults[0].to_string()
}

fn fault_of_text(text: &str) -> String {
    fault_of(&wat::parse_str(text).expect("a component's text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_component_or_has_the_wrong_types_is_told() {
    assert!(fault_of(b"rubbish").contains("has an artifact that is no component"));
    assert!(fault_of_text("(module)").contains("has an artifact that is no component"));
    let idle = fault_of_text("(component)");
    assert_eq!(
        idle,
        "component one runs step STEP of saga only, but it does not export skald:saga/step"
    );
    let bare = fault_of_text(
        r#"(component
            (import "f" (func))
            (instance $step)
            (export "skald:saga/step@0.1.0" (instance $step)))"#,
    );
    assert!(bare.contains("imports f by itself"), "{bare}");

    let wrong = fault_of_text(
        r#"(component
            (core module $m (func (export "f") (result i32) i32.const 0))
            (core instance $i (instantiate $m))
            (func $f (result u32) (canon lift (core func $i "f")))
            (instance $step (export "step" (func $f)) (export "compensate" (func $f)))
            (export "skald:saga/step@0.1.0" (instance $step)))"#,
    );
    assert!(
        wrong.starts_with("component one can't be linked: skald:saga/step: "),
        "{wrong}"
    );
    assert!(wrong.contains("type mismatch"), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_compiled_code_is_found_again() {
    let data = TempDir::new().expect("a folder");
    let cache = data.path().join("cache");
    let host = load_from(SHOP, &artifacts(), data).unwrap_or_else(|faults| panic!("{faults:?}"));
    let kept = fs::read_dir(&cache).expect("a folder").count();
    assert_eq!(
        kept,
        2 * host.registry.components().count(),
        "the code of each, and its digest"
    );
}
