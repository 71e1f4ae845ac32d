//! What components find after the host was killed.

use serde_json::{Value, json};

use crate::common::api::Api;
use crate::common::gate::Gate;
use crate::common::host::{Home, Host};
use crate::common::sse::PATIENCE;

/// A host of the component that does what a script says.
const SCRIPTED: &str = r#"
manifest = 1
name = "scripted"

[journal]
url = "sqlite:journal.db"

[databases.scripted]
url = "sqlite:scripted.db"

[keyrings.customer]
keys = [{ kid = "1", file = "keys/1.key", generate = true }]

[filters.notes]
kind = "cuckoo"
database = "scripted"
fill = """
    WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number LIMIT 200000)
    SELECT n FROM number UNION ALL SELECT body FROM note"""

[components.scripted]
artifact = "scripted.wasm"
databases = ["scripted"]
keyrings = ["customer"]
passwords = true
cache = ["values"]
locks = true
filters = ["notes"]
publishes = ["told"]
handles = ["told"]
http = ["AUTHORITY"]
config = { gate = "AUTHORITY" }

[[routes]]
match = "POST /script"
component = "scripted"
"#;

fn home(gate: &Gate) -> Home {
    Home::new(&SCRIPTED.replace("AUTHORITY", &gate.authority()))
}

async fn run(host: &Host, script: &Value) -> Value {
    Api::of(host).post("/script", script).await.ok(200)
}

/// Publishes an event whose handler traps unless the gate says otherwise.
fn publish(name: &str) -> Value {
    let script = json!([{ "op": "trap-unless", "name": name }]).to_string();
    json!([{ "op": "publish", "topic": "told", "key": "one", "data": script }])
}

#[tokio::test]
async fn an_event_whose_handler_was_killed_comes_again() {
    let mut gate = Gate::open();
    let host = home(&gate).start();
    run(&host, &publish("first")).await;
    let killed = gate.next("first").await;
    let host = host.kill().start();
    killed.release();
    gate.next("first").await.release();
    run(&host, &publish("second")).await;
    gate.next("second").await.release();
    let host = host.stop().start();
    assert!(gate.is_quiet(), "what was handled doesn't come again");
    let notes = run(&host, &json!([{ "op": "notes" }])).await;
    let ids: Vec<_> = notes[0].as_array().expect("a list").iter().collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert!(ids[0] == ids[1] && ids[1] != ids[2], "{ids:?}");
}

#[tokio::test]
async fn a_filter_denies_nothing_that_was_stored_before() {
    let gate = Gate::open();
    let host = home(&gate).start();
    let store = json!([
        { "op": "add", "filter": "notes", "item": "stored" },
        { "op": "note", "body": "stored" },
    ]);
    run(&host, &store).await;
    let host = host.kill().start();
    let ask = json!([{ "op": "contains", "filter": "notes", "items": ["stored", "never"] }]);
    let first = run(&host, &ask).await;
    assert_eq!(first[0], json!([true, true]), "it is still being filled");
    // However often it is asked meanwhile, what is stored is never denied.
    let filled = async {
        loop {
            let told = run(&host, &ask).await;
            assert_eq!(told[0][0], true, "{told}");
            if told[0][1] == false {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, filled)
        .await
        .expect("it is filled at last");
    let metrics = reqwest::get(format!("http://{}/metrics", host.admin))
        .await
        .expect("an answer");
    let metrics = metrics.text().await.expect("a text");
    assert!(
        metrics.contains("skald_filter_certain{filter=\"notes\"} 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("skald_filter_items{filter=\"notes\"} 200001"),
        "{metrics}"
    );
}
