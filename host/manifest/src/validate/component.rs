//! Components and their grants.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::component::{Component, ConfigValue, Instances, Limits};
use crate::place::{Findings, Word, suggest};
use crate::table::RawTable;
use crate::validate::{Names, refer, secret};
use crate::words::{HOST_RULE, INTERFACE_RULE, NAME_RULE, TOPIC_RULE, is_host, is_interface, is_name, is_topic};

/// The components by name.
pub fn all(raw: &RawTable, names: &Names<'_>, found: &mut Findings<'_>) -> BTreeMap<String, Component> {
    let components = raw.tables_by_name("components");
    components
        .map(|(name, raw)| (name.text.to_owned(), component(name, raw, names, found)))
        .collect()
}

fn component(name: Word<'_>, raw: &RawTable, names: &Names<'_>, found: &mut Findings<'_>) -> Component {
    Component {
        artifact: PathBuf::from(raw.text("artifact")),
        databases: references(raw, "databases", "database", &names.databases, found),
        keyrings: references(raw, "keyrings", "keyring", &names.keyrings, found),
        passwords: raw.flag("passwords"),
        cache: shaped(raw, "cache", (is_name, "a name", NAME_RULE), found),
        locks: raw.flag("locks"),
        filters: references(raw, "filters", "filter", &names.filters, found),
        publishes: shaped(raw, "publishes", (is_topic, "a topic", TOPIC_RULE), found),
        handles: handles(raw, names, found),
        http: shaped(raw, "http", (is_host, "a host", HOST_RULE), found),
        calls: calls(name, raw, names, found),
        config: config(raw, found),
        instances: match raw.word("instances").map(|word| word.text) {
            Some("group") => Instances::Group,
            _ => Instances::Fresh,
        },
        limits: raw.table("limits").map(limits).unwrap_or_default(),
    }
}

fn references(raw: &RawTable, key: &str, kind: &str, known: &[&str], found: &mut Findings<'_>) -> Vec<String> {
    raw.words(key)
        .into_iter()
        .map(|name| refer(name, kind, known, found))
        .collect()
}

/// A list of texts that all have the same shape: whether one has it, what it is called, and what to
/// do about one that hasn't.
fn shaped(
    raw: &RawTable,
    key: &str,
    (is_right, what, rule): (fn(&str) -> bool, &str, &str),
    found: &mut Findings<'_>,
) -> Vec<String> {
    let words = raw.words(key);
    for word in words.iter().filter(|word| !is_right(word.text)) {
        found.add(word.place, format!("{:?} is not {what}", word.text), rule);
    }
    words.iter().map(|word| word.text.to_owned()).collect()
}

/// A topic that nobody publishes is a slip: its subscriber would wait for ever.
fn handles(raw: &RawTable, names: &Names<'_>, found: &mut Findings<'_>) -> Vec<String> {
    let topics = raw.words("handles");
    for topic in topics.iter().filter(|topic| !names.topics.contains(topic.text)) {
        let suggestion = if names.topics.is_empty() {
            "list it in the publishes of the component that does".to_owned()
        } else {
            suggest(topic.text, "topics published", names.topics.iter().copied())
        };
        found.add(topic.place, format!("nobody publishes {:?}", topic.text), suggestion);
    }
    topics.iter().map(|topic| topic.text.to_owned()).collect()
}

fn calls(own: Word<'_>, raw: &RawTable, names: &Names<'_>, found: &mut Findings<'_>) -> BTreeMap<String, String> {
    let mut calls = BTreeMap::new();
    for call in raw.named("calls") {
        if !is_interface(&call.name) {
            found.add(
                &call.place,
                format!("{:?} is not an interface", call.name),
                INTERFACE_RULE,
            );
        }
        let Some(callee) = call.as_word() else { continue };
        if callee.text == own.text {
            found.add(
                callee.place,
                "a component can't call itself",
                "leave it out, and call the function directly",
            );
        }
        calls.insert(call.name.clone(), names.component(callee, found));
    }
    calls
}

fn config(raw: &RawTable, found: &mut Findings<'_>) -> BTreeMap<String, ConfigValue> {
    let mut config = BTreeMap::new();
    for setting in raw.named("config") {
        let value = match (setting.as_word(), setting.as_table()) {
            (Some(text), _) => ConfigValue::Text(text.text.to_owned()),
            (_, Some(secret)) => ConfigValue::Secret(secret::reference(secret, found)),
            _ => continue,
        };
        config.insert(setting.name.clone(), value);
    }
    config
}

fn limits(raw: &RawTable) -> Limits {
    let default = Limits::default();
    Limits {
        memory: raw.size("memory").unwrap_or(default.memory),
        deadline: raw.duration("deadline").unwrap_or(default.deadline),
        output: raw.size("output").unwrap_or(default.output),
        rows: raw.count("rows").unwrap_or(default.rows),
        result_bytes: raw.size("result-bytes").unwrap_or(default.result_bytes),
        log_bytes_per_call: raw.size("log-bytes-per-call").unwrap_or(default.log_bytes_per_call),
        concurrency: raw.count("concurrency").unwrap_or(default.concurrency),
    }
}
