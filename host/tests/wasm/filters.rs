//! Membership filters: "surely not" is certain, whatever happens.

use serde_json::{Value, json};
use skald_store::fence::Outcome;

use crate::fixture::Host;
use crate::scripted::{host, run, run_step, step};

const BOTH: [&str; 2] = ["bloom", "cuckoo"];

fn contains(filter: &str, item: &str) -> Value {
    json!({ "op": "contains", "filter": filter, "items": [item] })
}

fn add(filter: &str, item: &str) -> Value {
    json!({ "op": "add", "filter": filter, "item": item })
}

fn remove(filter: &str, item: &str) -> Value {
    json!({ "op": "remove", "filter": filter, "item": item })
}

/// Whether the component is told that the item may be there.
async fn perhaps(host: &Host, filter: &str, item: &str) -> bool {
    run(host, &json!([contains(filter, item)])).await[0] == json!([true])
}

fn fill(host: &Host, items: &[&str]) {
    for filter in BOTH {
        let filling = host.cache.filling(filter).expect("it is declared");
        for item in items {
            filling.add(item);
        }
        filling.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_denied_before_everything_is_in_and_nothing_gets_lost_meanwhile() {
    let (host, _gate) = host().await;
    for filter in BOTH {
        run(&host, &json!([add(filter, "meanwhile")])).await;
        assert!(perhaps(&host, filter, "stored").await && perhaps(&host, filter, "never").await);
    }
    fill(&host, &["stored"]);
    for filter in BOTH {
        assert!(perhaps(&host, filter, "stored").await && perhaps(&host, filter, "meanwhile").await);
        assert!(!perhaps(&host, filter, "never").await, "{filter}");
        let told = run(
            &host,
            &json!([{ "op": "contains", "filter": filter, "items": ["never", "stored"] }]),
        )
        .await;
        assert_eq!(told, [json!([false, true])]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_adds_at_once_and_a_rollback_takes_it_back() {
    let (host, _gate) = host().await;
    fill(&host, &[]);
    for (saga, filter) in (1..).step_by(2).zip(BOTH) {
        let told = run_step(&host, saga, &json!([add(filter, "done"), contains(filter, "done")])).await;
        assert_eq!(told[1], json!([true]), "before the commit, or somebody could miss it");
        assert!(perhaps(&host, filter, "done").await);
        let rejected = json!([add(filter, "undone"), { "op": "reject" }]);
        let outcome = host.step(step(&host, saga + 1, &rejected)).await;
        assert!(matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
        assert_eq!(perhaps(&host, filter, "undone").await, filter == "bloom", "{filter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cuckoo_filter_forgets_once_that_is_committed() {
    let (host, _gate) = host().await;
    fill(&host, &["a", "b"]);
    let told = run(&host, &json!([remove("cuckoo", "a"), contains("cuckoo", "a")])).await;
    assert_eq!(told[1], json!([false]));
    let rejected = json!([remove("cuckoo", "b"), { "op": "reject" }]);
    host.step(step(&host, 1, &rejected)).await;
    assert!(perhaps(&host, "cuckoo", "b").await);
    let told = run_step(&host, 2, &json!([remove("cuckoo", "b"), contains("cuckoo", "b")])).await;
    assert_eq!(told[1], json!([true]), "not before the commit");
    assert!(!perhaps(&host, "cuckoo", "b").await);

    let told = run(&host, &json!([remove("bloom", "a")])).await;
    let error = told[0]["error"].as_str().unwrap_or_default();
    assert!(
        error.contains("Unsupported") && error.contains("[filters.bloom]"),
        "{told:?}"
    );
    assert!(perhaps(&host, "bloom", "a").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_is_full_denies_nothing_and_says_so() {
    let (host, _gate) = host().await;
    fill(&host, &[]);
    assert!(!perhaps(&host, "cuckoo", "never").await);
    let more: Vec<_> = (0..200).map(|item| add("cuckoo", &item.to_string())).collect();
    run(&host, &more.into()).await;
    assert!(perhaps(&host, "cuckoo", "never").await);
    let states = host.cache.filter_states();
    let certain: Vec<_> = states.iter().map(|state| (&*state.label, state.certain)).collect();
    assert_eq!(certain, [("bloom", true), ("cuckoo", false)]);
}
