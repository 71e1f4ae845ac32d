//! The contract in other languages: one step, written in JavaScript and in Python, in this host.
//!
//! The tools for it come from other registries than cargo's, so these tests run when they are asked for.

use serde_json::{Value, json};
use skald_store::fence::Outcome;

use crate::fixture::{Call, Host, load, soon};

/// The components, by the name of their files.
const LANGUAGES: [&str; 2] = ["javascript", "python"];

const MANIFEST: &str = r#"
    manifest = 1
    name = "test"

    [journal]
    url = "sqlite:journal.db"

    [databases.stock]
    url = "sqlite:stock.db"

    [components.stock]
    artifact = "LANGUAGE.wasm"
    databases = ["stock"]
    publishes = ["stock.taken"]
    instances = "INSTANCES"
    limits = { memory = "64MiB" }
"#;

async fn host(language: &str, instances: &str) -> Host {
    let manifest = MANIFEST.replace("LANGUAGE", language).replace("INSTANCES", instances);
    let host = load(&manifest).unwrap_or_else(|faults| panic!("{faults:?}"));
    host.migrate("stock", "stock").await;
    host
}

fn call(host: &Host, saga_id: u64, input: &Value) -> Call {
    let mut call = Call::new(host.version("stock"), saga_id, "stock", input.to_string());
    call.context.deadline_ms = 10_000;
    call
}

async fn step(host: &Host, saga_id: u64, input: &Value) -> Outcome {
    soon(host.step(call(host, saga_id, input))).await
}

async fn left(host: &Host) -> i64 {
    host.number("stock", "SELECT inventory FROM stock WHERE id = 1").await
}

async fn announced(host: &Host) -> i64 {
    host.number("stock", "SELECT count(*) FROM skald_outbox").await
}

fn take(amount: i64) -> Value {
    json!({ "product_id": 1, "amount": amount })
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs tools for other languages: run `cargo xtask test --all --only languages`"]
async fn a_step_is_done_refused_and_undone_in_every_language() {
    for language in LANGUAGES {
        let host = host(language, "group").await;
        let Outcome::Done { output, .. } = step(&host, 7, &take(3)).await else {
            panic!("{language}: not done")
        };
        let output: Value = serde_json::from_str(&output).expect("JSON");
        assert_eq!(
            output,
            json!({ "saga": 7, "left": 7, "key": "7.STEP.forward", "customer": "7" }),
            "{language}"
        );
        assert_eq!(
            (left(&host).await, announced(&host).await),
            (7, 1),
            "{language}: the savepoint was undone"
        );

        let refused = step(&host, 8, &take(8)).await;
        assert!(
            matches!(&refused, Outcome::Rejected(refusal) if refusal.code == "out-of-stock" && refusal.detail == "there are fewer than 8"),
            "{language}: {refused:?}"
        );
        assert_eq!((left(&host).await, announced(&host).await), (7, 1), "{language}");

        let undone = soon(host.compensate(call(&host, 7, &take(3)))).await;
        assert_eq!((undone, left(&host).await), (Outcome::Undone, 10), "{language}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs tools for other languages: run `cargo xtask test --all --only languages`"]
async fn what_goes_wrong_is_asked_for_again_in_every_language() {
    let cases = [
        ("wait", "not now"),
        ("crash", "a defect, on purpose"),
        // An error of an import that nobody has caught is no decision of the component's.
        ("forget", "trapped"),
    ];
    for language in LANGUAGES {
        let host = host(language, "fresh").await;
        for (saga, (mode, expected)) in (1..).zip(cases) {
            let outcome = step(&host, saga, &json!({ "mode": mode, "product_id": 1, "amount": 1 })).await;
            let Outcome::Retry { detail, after_ms } = outcome else {
                panic!("{language}: {mode}: {outcome:?}")
            };
            assert!(detail.contains(expected), "{language}: {mode}: {detail}");
            assert_eq!(after_ms, (mode == "wait").then_some(250), "{language}: {mode}");
        }
        assert_eq!((left(&host).await, announced(&host).await), (10, 0), "{language}");
    }
}
