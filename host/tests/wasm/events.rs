//! Events, from the one who publishes to the one who handles them: at least once, in order for a key.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use skald_host::bus;
use skald_store::fence::Outcome;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::fixture::{Host, soon};
use crate::scripted::{host, run, run_step, step};

/// Publishes an event whose handler does this.
fn publish(script: &Value) -> Value {
    json!({ "op": "publish", "topic": "told", "key": "one", "data": script.to_string() })
}

/// What its handler does: it asks the gate, and traps unless that says 200.
fn asking(name: &str) -> Value {
    json!([{ "op": "trap-unless", "name": name }])
}

/// The bus of a host.
struct Bus {
    stop: CancellationToken,
    delivering: JoinHandle<()>,
}

impl Bus {
    fn start(host: &Host) -> Self {
        let subscribers = BTreeMap::from([("told".to_owned(), vec!["scripted".to_owned()])]);
        let stop = CancellationToken::new();
        let file = host.file("scripted").clone();
        let delivery = bus::deliver(file, host.registry.clone(), Arc::new(subscribers), stop.clone());
        Self {
            stop,
            delivering: tokio::spawn(delivery),
        }
    }

    /// It has recorded by then what it has delivered.
    async fn stop(self) {
        self.stop.cancel();
        soon(self.delivering).await.expect("no panic");
    }
}

/// The ids of the events that were delivered, each as often as it was.
async fn deliveries(host: &Host) -> Vec<String> {
    let told = run(host, &json!([{ "op": "notes" }])).await.remove(0);
    serde_json::from_value(told).expect("texts")
}

async fn waiting(host: &Host) -> i64 {
    host.number("scripted", "SELECT count(*) FROM skald_outbox").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_comes_again_after_a_trap_and_those_behind_it_wait() {
    let (host, mut gate) = host().await;
    let bus = Bus::start(&host);
    run(&host, &json!([publish(&asking("first")), publish(&asking("second"))])).await;
    gate.next("first").await.answer(500);
    // Of one key, nothing overtakes.
    gate.next("first").await.release();
    gate.next("second").await.release();
    bus.stop().await;
    let delivered = deliveries(&host).await;
    assert_eq!(delivered.len(), 3, "{delivered:?}");
    assert_eq!(delivered[0], delivered[1], "it is the same event");
    assert_ne!(delivered[1], delivered[2]);
    assert_eq!(waiting(&host).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_nobody_was_done_with_comes_again_from_the_next_bus() {
    let (host, mut gate) = host().await;
    run(&host, &json!([publish(&asking("first"))])).await;
    let bus = Bus::start(&host);
    let held = gate.next("first").await;
    bus.stop.cancel();
    held.answer(500);
    bus.stop().await;
    assert_eq!(waiting(&host).await, 1);
    let bus = Bus::start(&host);
    gate.next("first").await.release();
    bus.stop().await;
    assert_eq!((deliveries(&host).await.len(), waiting(&host).await), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_handler_gives_up_is_kept_with_the_dead_letters() {
    let (host, mut gate) = host().await;
    let bus = Bus::start(&host);
    run(
        &host,
        &json!([publish(&json!([{ "op": "reject" }])), publish(&asking("next"))]),
    )
    .await;
    gate.next("next").await.release();
    bus.stop().await;
    let dead = "SELECT count(*) FROM skald_dead_letter WHERE reason = 'the script says so'";
    assert_eq!((host.number("scripted", dead).await, waiting(&host).await), (1, 0));
    assert_eq!(deliveries(&host).await.len(), 2, "it came once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_publishes_exactly_when_it_is_done() {
    let (host, mut gate) = host().await;
    let undone = json!([publish(&asking("undone")), { "op": "reject" }]);
    let outcome = host.step(step(&host, 1, &undone)).await;
    assert!(matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
    assert_eq!(waiting(&host).await, 0);
    run_step(&host, 2, &json!([publish(&asking("done"))])).await;
    let bus = Bus::start(&host);
    gate.next("done").await.release();
    bus.stop().await;
    assert!(gate.is_quiet());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_granted_topics_and_moderate_texts_are_taken() {
    let (host, _gate) = host().await;
    let mut others = publish(&json!([]));
    others["topic"] = "others".into();
    let large = publish(&"x".repeat(256 << 10).into());
    let told = run(&host, &json!([others, large])).await;
    for (told, expected) in told.iter().zip(["Ungranted", "Oversized"]) {
        assert!(
            told["error"].as_str().is_some_and(|error| error.contains(expected)),
            "{told}"
        );
    }
    assert_eq!(waiting(&host).await, 0);
}
