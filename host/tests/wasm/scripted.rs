//! The component that does what a script says, in a host of its own.

use axum::body::{Body, to_bytes};
use http::Request;
use serde_json::Value;
use skald_host::invoke::{CallError, Version};
use skald_store::fence::Outcome;
use std::sync::Arc;

use crate::fixture::{Call, Host, load, soon};
use crate::gate::Gate;

/// What the component is given.
const MANIFEST: &str = r#"
    manifest = 1
    name = "test"

    [journal]
    url = "sqlite:journal.db"

    [databases.scripted]
    url = "sqlite:scripted.db"

    [keyrings.customer]
    keys = [{ kid = "1", file = "keys/1.key", generate = true }]

    [filters.bloom]
    database = "scripted"
    fill = "SELECT body FROM note"

    [filters.cuckoo]
    kind = "cuckoo"
    items = 100
    database = "scripted"
    fill = "SELECT body FROM note"

    [components.scripted]
    artifact = "scripted.wasm"
    databases = ["scripted"]
    cache = ["values"]
    locks = true
    filters = ["bloom", "cuckoo"]
    publishes = ["told"]
    handles = ["told"]
    keyrings = ["customer"]
    passwords = true
    http = ["AUTHORITY"]
    config = { gate = "AUTHORITY", greeting = "hello" }
    limits = { deadline = "20s", log-bytes-per-call = "1KiB" }
"#;

/// A host with the component, and the server that it asks.
pub async fn host() -> (Host, Gate) {
    let gate = Gate::open();
    let host = load(&MANIFEST.replace("AUTHORITY", &gate.authority())).unwrap_or_else(|faults| panic!("{faults:?}"));
    host.migrate("scripted", "scripted").await;
    (host, gate)
}

/// A call outside sagas, on its way.
pub type Running = tokio::task::JoinHandle<Result<Vec<Value>, CallError>>;

/// Has the component do all of it, in one call that this doesn't wait for.
pub fn begin(host: &Host, script: &Value) -> Running {
    tokio::spawn(call(host.version("scripted"), script.to_string()))
}

/// What came of each operation of such a call.
#[track_caller]
pub fn done(called: Result<Vec<Value>, CallError>) -> Vec<Value> {
    called.unwrap_or_else(|error| panic!("{error}"))
}

/// Has the component do all of it, in one call: what came of each operation.
pub async fn run(host: &Host, script: &Value) -> Vec<Value> {
    done(finish(begin(host, script)).await)
}

/// The end of a call.
pub async fn finish(running: Running) -> Result<Vec<Value>, CallError> {
    soon(running).await.expect("no panic")
}

async fn call(version: Arc<Version>, script: String) -> Result<Vec<Value>, CallError> {
    let request = Request::builder()
        .uri("http://host/")
        .body(Body::from(script))
        .expect("a request");
    let answer = version.http(request, None).await?;
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    Ok(serde_json::from_slice(&body).expect("a list"))
}

/// A step with this script as its input.
pub fn step(host: &Host, saga_id: u64, script: &Value) -> Call {
    let mut call = Call::new(host.version("scripted"), saga_id, "scripted", script.to_string());
    call.context.deadline_ms = 20_000;
    call
}

/// Runs a step that is done: what came of each operation.
pub async fn run_step(host: &Host, saga_id: u64, script: &Value) -> Vec<Value> {
    match soon(host.step(step(host, saga_id, script))).await {
        Outcome::Done { output, .. } => serde_json::from_str(&output).expect("a list"),
        other => panic!("{other:?}"),
    }
}
