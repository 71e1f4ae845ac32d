//! Mutual exclusion between calls.

use std::time::Duration;

use serde_json::{Value, json};

use crate::scripted::{begin, done, finish, host, run};

fn lock(wait: u32, script: &Value) -> Value {
    json!([{ "op": "lock", "name": "till", "ttl": 60_000, "wait": wait, "script": script }])
}

fn held_at(name: &str) -> Value {
    lock(0, &json!([{ "op": "gate", "name": name }]))
}

fn token(told: &[Value]) -> u64 {
    told[0]["token"].as_u64().unwrap_or_else(|| panic!("no lock: {told:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_holds_it_and_the_next_has_a_greater_number() {
    let (host, mut gate) = host().await;
    let first = begin(&host, &held_at("first"));
    let held = gate.next("first").await;
    assert_eq!(run(&host, &lock(0, &json!([]))).await, [Value::Null], "it is held");
    let second = begin(&host, &lock(20_000, &json!([{ "op": "gate", "name": "second" }])));
    held.release();
    let (first, held) = (done(finish(first).await), gate.next("second").await);
    assert_eq!(
        run(&host, &lock(0, &json!([]))).await,
        [Value::Null],
        "now the second holds it"
    );
    held.release();
    let second = done(finish(second).await);
    assert!(token(&second) > token(&first), "{first:?} {second:?}");
    assert!(token(&second) < 1 << 53);
    assert_eq!(first[0]["renew"], "renewed");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_held_it_for_too_long_has_lost_it() {
    let (host, mut gate) = host().await;
    let slow = begin(&host, &held_at("slow"));
    let held = gate.next("slow").await;
    host.clock.advance(Duration::from_secs(30));
    assert_eq!(run(&host, &lock(0, &json!([]))).await, [Value::Null]);
    host.clock.advance(Duration::from_secs(30));
    let quick = begin(&host, &held_at("quick"));
    let quick_held = gate.next("quick").await;
    held.release();
    let slow = done(finish(slow).await);
    assert!(
        slow[0]["renew"]["error"]
            .as_str()
            .is_some_and(|error| error.contains("Lost")),
        "{slow:?}"
    );
    assert_eq!(
        run(&host, &lock(0, &json!([]))).await,
        [Value::Null],
        "it can't release what is not its own"
    );
    quick_held.release();
    assert!(token(&done(finish(quick).await)) > token(&slow));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_traps_lets_go_of_it() {
    let (host, _gate) = host().await;
    let doomed = begin(&host, &lock(0, &json!([{ "op": "trap" }])));
    assert!(finish(doomed).await.is_err());
    token(&run(&host, &lock(0, &json!([]))).await);
}
