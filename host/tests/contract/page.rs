//! The page that lists the contract's sentences, against the tests themselves.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const PAGE: &str = include_str!("../../../docs/contract-tests.md");

/// Where the files of a suite are, from this crate's folder.
const SUITES: [(&str, &str); 4] = [
    ("contract", "tests/contract"),
    ("laws", "orchestrator/tests/laws"),
    ("properties", "saga/tests/properties"),
    ("manifest", "manifest/tests/manifest"),
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

#[test]
fn every_test_that_is_named_is_there_and_every_one_of_this_suite_is_named() {
    let there: Vec<BTreeSet<String>> = SUITES.iter().map(|(suite, folder)| tests(suite, folder)).collect();
    let is_name = |text: &&str| SUITES.iter().any(|(suite, _)| text.starts_with(&format!("{suite}::")));
    let named: BTreeSet<String> = PAGE.split('`').filter(is_name).map(str::to_owned).collect();
    let gone: Vec<&String> = named
        .iter()
        .filter(|name| !there.iter().any(|there| there.contains(*name)))
        .collect();
    assert!(gone.is_empty(), "the page names what is not there: {gone:#?}");
    let untold: Vec<&String> = there[0].difference(&named).collect();
    assert!(untold.is_empty(), "the page should name these: {untold:#?}");
}
