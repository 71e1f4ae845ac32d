//! Many faults at once, faults as data, and texts that are no manifests at all.

use proptest::prelude::*;
use skald_manifest::parse;

use crate::base::{BASE, add, with};

const SHOP: &str = include_str!("../../../../skald.toml");

#[test]
fn ten_faults_are_reported_at_once() {
    let text = r#"manifest = 1
nmae = "shop"

[journal]
url = "postgres://localhost/journal"
retention = "30 days"

[databases.left]
url = "sqlite:left.db"

[components.alpha]
databases = ["lefft"]
passwords = "yes"

[sagas.buy]
retry = { attempts = 0 }

[[sagas.buy.steps]]
name = "ONE"
component = "beta"
database = "left"

[[routes]]
match = "GET /buy"
saga = "buy"
auth = "alhpa"
"#;
    let faults = parse(text).expect_err("ten faults");
    assert_eq!(
        faults.in_file("skald.toml").to_string(),
        r#"skald.toml:2:1: nmae: there is no key "nmae"; did you mean "name"?
skald.toml:5:7: journal.url: this version runs on SQLite only, not on postgres; write "sqlite:journal.db"
skald.toml:6:13: journal.retention: "30 days" is not a duration; write a whole number and ms, s, m, h or d, such as "30d"
skald.toml:11:1: components.alpha.artifact: this key is missing; write artifact = "alpha.wasm"
skald.toml:12:14: components.alpha.databases[0]: there is no database "lefft"; did you mean "left"?
skald.toml:13:13: components.alpha.passwords: expected true or false, found a text; write passwords = true
skald.toml:16:22: sagas.buy.retry.attempts: out of bounds; write 1 to 1000
skald.toml:20:13: sagas.buy.steps[0].component: there is no component "beta"; the components here are alpha
skald.toml:24:9: routes[0].match: a saga is started by POST alone; write "POST /path"
skald.toml:26:8: routes[0].auth: there is no component "alhpa"; did you mean "alpha"?"#,
    );
}

#[test]
fn faults_are_data_too() {
    let as_json = |text: String| serde_json::to_value(parse(&text).expect_err("a fault")).expect("plain data");
    let fault = |line, column, path: &str, message: &str, suggestion: Option<&str>| {
        serde_json::json!([{
            "line": line, "column": column, "path": path, "message": message, "suggestion": suggestion,
        }])
    };
    assert_eq!(
        as_json(with("\"shop\"", "5")),
        fault(
            2,
            8,
            "name",
            "expected a text, found a whole number",
            Some("write name = \"shop\"")
        ),
    );
    assert_eq!(
        as_json(with("[journal]", "[journal")),
        fault(4, 9, "", "not TOML: unclosed table, expected `]`", None)
    );
}

/// Whoever mistakes the manifest for the place of a secret must not find it in a log afterwards.
#[test]
fn no_fault_repeats_a_secret() {
    for wrong in [
        "[databases.x]\nurl = 'mysql://skald:hunter2@localhost/x'",
        "[databases.x]\nurl = 'hunter2'",
        "[keyrings.x]\nkeys = [{ kid = '1', secret = 'hunter2' }]",
        "[keyrings.x]\nkeys = ['hunter2']",
        "[keyrings.x]\nkeys = 'hunter2'",
        "[keyrings]\nx = 'hunter2'",
        "[admin]\ntoken = 'hunter2'",
        "[admin]\ntoken = { env = 'hunter2!' }",
        "[admin]\ntoken = hunter2",
        "[admin]\ntoken = 'hunter2",
        "[components.x]\nartifact = 'x.wasm'\nconfig = { token = { value = 'hunter2' } }",
        "[components.x]\nartifact = 'x.wasm'\nconfig = { token = ['hunter2'] }",
        "[components.x]\nartifact = 'x.wasm'\nconfig = 'hunter2'",
    ] {
        let faults = parse(&add(wrong)).expect_err("it is wrong");
        assert!(!format!("{faults} {faults:?}").contains("hunter2"), "{faults}");
    }
}

#[test]
fn a_saga_has_at_most_64_steps() {
    let step = |n| format!("[[sagas.long.steps]]\nname = 'S{n}'\ncomponent = 'alpha'\ndatabase = 'left'\n");
    let saga = |steps| add(&(1..=steps).map(step).collect::<String>());
    parse(&saga(64)).expect("as many as there may be");
    let faults = parse(&saga(65)).expect_err("one too many").to_string();
    assert_eq!(
        faults,
        "41:1: sagas.long.steps: 65 steps are more than a saga may have; write at most 64"
    );
}

#[test]
fn nesting_without_end_is_a_fault() {
    for (open, close) in [("[", "]"), ("{ a = ", "}")] {
        let deep = format!("deep = {}1{}", open.repeat(50_000), close.repeat(50_000));
        parse(&format!("{deep}\n{BASE}")).expect_err("no stack is that deep");
    }
}

/// A change to a text: what an editor, a merge or a full disk leaves behind.
fn mutation() -> impl Strategy<Value = (usize, usize, u8)> {
    (any::<usize>(), 0..40_usize, 0..4_u8)
}

fn mutate(text: &str, (at, length, kind): (usize, usize, u8)) -> String {
    let chars: Vec<_> = text.chars().collect();
    let at = at % (chars.len() + 1);
    let end = (at + length).min(chars.len());
    let lines: Vec<_> = text.lines().collect();
    let line = at % (lines.len() + 1);
    match kind {
        0 => chars[..at].iter().collect(),
        1 => chars[..at].iter().chain(&chars[end..]).collect(),
        2 => chars[..end].iter().chain(&chars[at..]).collect(),
        _ => lines
            .iter()
            .enumerate()
            .filter(|(n, _)| *n != line)
            .flat_map(|(_, line)| [*line, "\n"])
            .collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_damage_to_a_manifest_is_more_than_a_fault(damage in prop::collection::vec(mutation(), 1..6)) {
        let text = damage.into_iter().fold(SHOP.to_owned(), |text, change| mutate(&text, change));
        if let Err(faults) = parse(&text) {
            prop_assert!(!faults.faults.is_empty());
            for fault in faults.faults {
                prop_assert!((1..=text.lines().count() + 1).contains(&fault.line), "{fault}");
                prop_assert!(fault.column >= 1 && !fault.message.is_empty());
            }
        }
    }

    #[test]
    fn no_text_is_more_than_a_fault(text in any::<String>()) {
        let _ = parse(&text);
    }
}
