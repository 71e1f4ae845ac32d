//! Values with a time to live, and the leases that keep a stampede from a slow source.

use std::time::Duration;

use serde_json::{Value, json};
use skald_store::fence::Outcome;

use crate::fixture::{Host, soon};
use crate::scripted::{begin, done, finish, host, run, run_step, step};

/// Operations on the key "k" of the one bucket.
fn get() -> Value {
    json!({ "op": "get", "bucket": "values", "key": "k" })
}

fn set(value: &str) -> Value {
    json!({ "op": "set", "bucket": "values", "key": "k", "value": value, "ttl": 60_000 })
}

fn delete() -> Value {
    json!({ "op": "delete", "bucket": "values", "key": "k" })
}

/// With the lease it does `script`, and then supplies `value`.
fn fetch(value: &str, script: &Value) -> Value {
    json!({ "op": "fetch", "bucket": "values", "key": "k", "wait": 20_000, "value": value, "ttl": 60_000, "script": script })
}

fn gate(name: &str) -> Value {
    json!({ "op": "gate", "name": name })
}

async fn found(host: &Host) -> Value {
    run(host, &json!([get()])).await.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_there_until_its_time_is_over() {
    let (host, _gate) = host().await;
    assert_eq!(
        run(&host, &json!([get(), set("new"), get()])).await,
        [Value::Null, "set".into(), "new".into()]
    );
    host.clock.advance(Duration::from_secs(30));
    assert_eq!(found(&host).await, "new", "another call finds it");
    host.clock.advance(Duration::from_secs(30));
    assert_eq!(found(&host).await, Value::Null);
    run(&host, &json!([set("newer"), delete()])).await;
    assert_eq!(found(&host).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn within_a_step_values_change_once_it_is_committed() {
    let (host, _gate) = host().await;
    assert_eq!(
        run_step(&host, 1, &json!([set("kept"), get()])).await,
        ["set".into(), Value::Null]
    );
    assert_eq!(found(&host).await, "kept");
    let undone = json!([delete(), set("never"), { "op": "reject" }]);
    let outcome = host.step(step(&host, 2, &undone)).await;
    assert!(matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
    assert_eq!(found(&host).await, "kept");
    let filled = run_step(&host, 3, &json!([delete()])).await;
    assert_eq!((filled[0].as_str(), found(&host).await), (Some("deleted"), Value::Null));
    run_step(&host, 4, &json!([fetch("supplied", &json!([]))])).await;
    assert_eq!(found(&host).await, "supplied");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_all_who_miss_a_value_one_supplies_it_and_the_others_get_that() {
    let (host, mut gate_server) = host().await;
    let script = json!([gate("start"), fetch("dear", &json!([gate("source")]))]);
    let callers: Vec<_> = (0..6).map(|_| begin(&host, &script)).collect();
    let mut started = vec![];
    for _ in &callers {
        started.push(gate_server.next("start").await);
    }
    for call in started {
        call.release();
    }
    gate_server.next("source").await.release();
    let mut found = vec![];
    for caller in callers {
        found.push(done(finish(caller).await)[1].clone());
    }
    assert!(gate_server.is_quiet(), "the source was asked once");
    let (supplied, waited): (Vec<_>, Vec<_>) = found.iter().partition(|value| value["filled"] == "dear");
    assert_eq!(supplied.len(), 1, "{found:?}");
    assert!(waited.iter().all(|value| value["hit"] == "dear"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_out_of_date_serves_the_others_while_one_renews_it() {
    let (host, mut gate_server) = host().await;
    run(&host, &json!([set("old")])).await;
    host.clock.advance(Duration::from_mins(1));
    let renewing = begin(&host, &json!([fetch("new", &json!([gate("source")]))]));
    let held = gate_server.next("source").await;
    let meanwhile = run(&host, &json!([get(), fetch("nobody's", &json!([]))])).await;
    assert_eq!(meanwhile, [Value::Null, json!({ "stale": "old" })]);
    held.release();
    assert_eq!(done(finish(renewing).await)[0]["filled"], "new");
    assert_eq!(found(&host).await, "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_passes_on_when_its_holder_traps() {
    let (host, mut gate_server) = host().await;
    let doomed = begin(
        &host,
        &json!([fetch("never", &json!([gate("source"), { "op": "trap" }]))]),
    );
    let held = gate_server.next("source").await;
    let next = begin(&host, &json!([fetch("better", &json!([]))]));
    held.release();
    assert!(finish(doomed).await.is_err());
    assert_eq!(done(finish(next).await)[0]["filled"], "better");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_was_deleted_meanwhile_is_not_supplied() {
    let (host, mut gate_server) = host().await;
    let slow = begin(&host, &json!([fetch("old", &json!([gate("source")]))]));
    let held = gate_server.next("source").await;
    run(&host, &json!([delete()])).await;
    held.release();
    let told = done(finish(slow).await);
    assert!(
        told[0]["filled"]["error"]
            .as_str()
            .is_some_and(|error| error.contains("Lost")),
        "{told:?}"
    );
    assert_eq!(found(&host).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_granted_or_too_large_is_refused() {
    let (host, _gate) = host().await;
    let long = "x".repeat(1025);
    let script = json!([
        { "op": "get", "bucket": "others", "key": "k" },
        { "op": "get", "bucket": "values", "key": long },
        { "op": "set", "bucket": "values", "key": "k", "value": "v", "ttl": 7 * 24 * 3600 * 1000 + 1 },
        { "op": "set", "bucket": "values", "key": "k", "value": "x".repeat((1 << 20) + 1), "ttl": 1 },
    ]);
    let told = soon(run(&host, &script)).await;
    for (told, expected) in told.iter().zip(["Ungranted", "Oversized", "Oversized", "Oversized"]) {
        assert!(
            told["error"].as_str().is_some_and(|error| error.contains(expected)),
            "{told}"
        );
    }
}
