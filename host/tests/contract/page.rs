//! The pages that list the contract's sentences and the protocol's rules, against the tests themselves.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const CONTRACT: &str = include_str!("../../../docs/contract-tests.md");

const PROTOCOL: &str = include_str!("../../../docs/protocol-rules.md");

/// Where the files of a suite are, from this crate's folder.
const SUITES: [(&str, &str); 6] = [
    ("contract", "tests/contract"),
    ("laws", "orchestrator/tests/laws"),
    ("properties", "saga/tests/properties"),
    ("manifest", "manifest/tests/manifest"),
    ("sqlite", "store/tests/sqlite"),
    ("faults", "orchestrator/tests/faults"),
];

/// The names of the tests of a suite: `suite::file::test`.
fn tests(suite: &str, folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut names = BTreeSet::new();
    for file in fs::read_dir(folder).expect("the folder") {
        let path = file.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a source file");
        let module = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let mut attribute = "";
        for line in text.lines().map(str::trim_start) {
            let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
            let name = function.and_then(|rest| rest.split_once('('));
            if let (true, Some((name, _))) = (attribute.starts_with("#[") && attribute.contains("test"), name) {
                names.insert(format!("{suite}::{module}::{name}"));
            }
            attribute = line;
        }
    }
    names
}

/// The tests that a page names.
fn named(page: &str) -> BTreeSet<String> {
    let is_test = |text: &&str| SUITES.iter().any(|(suite, _)| text.starts_with(&format!("{suite}::")));
    // `laws::` alone is said of the whole suite.
    let is_whole = |text: &&str| text.split("::").count() == 3;
    page.split('`')
        .filter(is_test)
        .filter(is_whole)
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_test_that_is_named_is_there_and_every_one_of_this_suite_is_named() {
    let there: Vec<BTreeSet<String>> = SUITES.iter().map(|(suite, folder)| tests(suite, folder)).collect();
    for page in [CONTRACT, PROTOCOL] {
        let named = named(page);
        let gone: Vec<&String> = named
            .iter()
            .filter(|name| !there.iter().any(|there| there.contains(*name)))
            .collect();
        assert!(
            !named.is_empty() && gone.is_empty(),
            "the page names what is not there: {gone:#?}"
        );
    }
    let named = named(CONTRACT);
    let untold: Vec<&String> = there[0].difference(&named).collect();
    assert!(
        untold.is_empty(),
        "docs/contract-tests.md should name these: {untold:#?}"
    );
}
