//! Purchases, while a component that has nothing to do with them misbehaves: all of them complete, with
//! the right results, and none waits for it.

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::common::api::{Answer, Api, Customer};
use crate::common::host::Host;
use crate::common::manifest::SHOP;
use crate::stream::{SUCCESS, briefs};

/// What is added to the shop. A call of the hostile component may take a minute; no test waits for one.
const HOSTILE: &str = r#"
[databases.hostile]
url = "sqlite:hostile.db"

[components.hostile]
artifact = "hostile.wasm"
databases = ["hostile"]
http = ["127.0.0.1:9"]
calls = { "test:hostile/link" = "twin" }
limits = { deadline = "1m" }

[components.twin]
artifact = "hostile.wasm"
databases = ["hostile"]
http = ["127.0.0.1:9"]
calls = { "test:hostile/link" = "hostile" }

[sagas.mischief]
retry = { attempts = 1000, initial = "1ms", factor = 1.0, max = "1ms", jitter = 0.0 }

[[sagas.mischief.steps]]
name = "MISCHIEF"
component = "hostile"
database = "hostile"
deadline = "1m"

[[routes]]
match = "POST /api/mischief"
saga = "mischief"
auth = "account"

[[routes]]
match = "GET /{mode}"
component = "hostile"
timeout = "1m"
"#;

/// How many purchases there are, at the same time.
const PURCHASES: i64 = 6;

fn shop() -> Host {
    Host::start(&format!("{SHOP}{HOSTILE}"))
}

/// A call of the hostile component, on its way.
fn call(api: &Api, mode: &str, n: u32) -> JoinHandle<Answer> {
    let (api, path) = (api.clone(), format!("/{mode}?n={n}"));
    tokio::spawn(async move { api.get(&path).await })
}

/// Calls it again and again until told to stop: how often it has answered, always with this status.
async fn keep_failing(api: Api, mode: &str, n: u32, status: u16, stopped: watch::Receiver<bool>) -> usize {
    let mut failures = 0;
    while failures == 0 || !*stopped.borrow() {
        let answer = api.get(&format!("/{mode}?n={n}")).await;
        assert_eq!(answer.status, status, "{mode}: {}", answer.text());
        failures += 1;
    }
    failures
}

/// Starts a saga whose step does this.
async fn mischief(api: &Api, customer: &Customer, mode: &str, n: u32) -> u64 {
    let body = json!({ "mode": mode, "n": n });
    let started = api
        .ask("POST", "/api/mischief")
        .by(customer)
        .json(&body)
        .send()
        .await
        .ok(201);
    started["saga_id"].as_u64().expect("an id")
}

/// Purchases by several customers at once: each tells what a purchase tells that nothing disturbs.
async fn purchases(api: &Api, customers: &[Customer], product: u64) {
    let before = api.inventory(product).await;
    let bought = customers.iter().map(|customer| async move {
        let mut stream = api.stream(customer).await;
        let id = api.buy(customer, product, 2).await;
        assert_eq!(briefs(&stream.until_the_end().await), SUCCESS);
        let payment = api
            .ask("GET", &format!("/api/payment/{id}"))
            .by(customer)
            .send()
            .await
            .ok(200);
        assert_eq!(payment["amount"], 240);
    });
    futures::future::join_all(bought).await;
    assert_eq!(api.inventory(product).await, before - 2 * PURCHASES);
}

/// The customers, and a product that there is enough of.
async fn market(api: &Api) -> (Vec<Customer>, u64) {
    let mut customers = vec![];
    for _ in 0..PURCHASES {
        customers.push(api.customer().await);
    }
    (customers, api.product(120, 1000).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn purchases_do_not_wait_for_calls_that_never_end() {
    let host = shop();
    let api = Api::of(&host);
    let (customers, product) = market(&api).await;
    // More of them than there are threads for components.
    let endless: Vec<_> = ["loop", "sleep"]
        .repeat(12)
        .iter()
        .map(|mode| call(&api, mode, 0))
        .collect();
    let vandal = api.customer().await;
    mischief(&api, &vandal, "loop", 0).await;
    purchases(&api, &customers, product).await;
    assert!(
        endless.iter().all(|call| !call.is_finished()),
        "the purchases were complete before a minute was over"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn purchases_complete_while_calls_and_steps_fail_one_after_another() {
    let host = shop();
    let api = Api::of(&host);
    let (customers, product) = market(&api).await;
    let vandal = api.customer().await;
    for mode in [
        "panic",
        "write-and-trap",
        "memory",
        "recursion",
        "garbage",
        "commit-by-hand",
    ] {
        mischief(&api, &vandal, mode, 0).await;
    }
    mischief(&api, &vandal, "huge", 2_000_000).await;
    let cases = [
        ("memory", 0, 500),
        ("recursion", 0, 500),
        ("panic", 0, 500),
        ("exit", 0, 500),
        ("flood", 100_000, 200),
        ("rows", 5_000_000, 200),
    ];
    for (mode, n, status) in cases {
        let (stop, stopped) = watch::channel(false);
        let failing = tokio::spawn(keep_failing(api.clone(), mode, n, status, stopped));
        purchases(&api, &customers, product).await;
        stop.send_replace(true);
        let failures = failing.await.expect("each call ends the same way");
        assert!(failures > 0, "{mode}");
    }
}
