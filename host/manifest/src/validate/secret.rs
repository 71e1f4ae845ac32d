//! Secrets by reference, and the keyrings made of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::place::Findings;
use crate::secret::{Key, Keyring, SecretRef};
use crate::table::RawTable;
use crate::words::{VARIABLE_RULE, is_variable};

/// The keyrings by label.
pub fn keyrings(raw: &RawTable, found: &mut Findings<'_>) -> BTreeMap<String, Keyring> {
    let mut keyrings = BTreeMap::new();
    for (label, keyring) in raw.tables_by_name("keyrings") {
        let keys: Vec<_> = keyring.tables("keys").map(|raw| key(raw, found)).collect();
        unique_kids(keyring, found);
        keyrings.insert(label.text.to_owned(), Keyring { keys });
    }
    keyrings
}

fn unique_kids(keyring: &RawTable, found: &mut Findings<'_>) {
    let mut lines = BTreeMap::new();
    for kid in keyring.tables("keys").filter_map(|key| key.word("kid")) {
        let line = found.line(kid.place);
        if let Some(first) = lines.insert(kid.text, line) {
            let message = format!("another key has the kid {:?} (line {first})", kid.text);
            found.add(
                kid.place,
                message,
                "a token names its key by the kid: give each key its own",
            );
        }
    }
}

fn key(raw: &RawTable, found: &mut Findings<'_>) -> Key {
    let secret = reference(raw, found);
    let generate = raw.flag("generate");
    if generate && raw.is_given("env") && !raw.is_given("file") {
        let message = "the host can't write an environment variable";
        found.add(
            raw.place_of("generate"),
            message,
            "leave generate out, or name a file instead of env",
        );
    }
    Key {
        kid: raw.text("kid"),
        secret,
        generate,
    }
}

/// Where a secret is found: in a file or in a variable, not both.
pub fn reference(raw: &RawTable, found: &mut Findings<'_>) -> SecretRef {
    let is_inline = raw.section.refused.iter().any(|(key, _)| raw.faulty.contains(key));
    match (raw.is_given("file"), raw.is_given("env")) {
        (false, false) if !is_inline => {
            found.add(
                &raw.place,
                "the place of the secret is missing",
                "write file = \"…\" or env = \"…\"",
            );
        }
        (true, true) => found.add(raw.place_of("env"), "file and env are both given", "keep one"),
        _ => {}
    }
    if let Some(variable) = raw.word("env") {
        if !is_variable(variable.text) {
            // It isn't repeated: somebody may have put the secret itself here.
            found.add(
                variable.place,
                "this is not the name of an environment variable",
                VARIABLE_RULE,
            );
        }
        return SecretRef::Env(variable.text.to_owned());
    }
    SecretRef::File(PathBuf::from(raw.text("file")))
}
