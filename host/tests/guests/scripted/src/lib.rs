//! A component that does what it is told: a request, a step's input or an event carries a script, a
//! list of operations, and the answer lists what came of each. So a test says in one place what a
//! component does and what it sees.
//!
//! | file | operations |
//! |---|---|
//! | `cache` | values, leases, locks, filters |
//! | `host` | everything else that the host offers |

mod cache;
mod host;

use serde::Deserialize;
use serde_json::{Value, json};
use skald_sdk::events::{Event, Subscriber, Unhandled};
use skald_sdk::http::{Handler, Problem, Request, Response};
use skald_sdk::identity::{Authenticator, Credentials, Denial, Principal};
use skald_sdk::saga::{Context, Failure, Step};
use skald_sdk::schema::{Dialect, Migration, Migrations};
use std::fmt::Debug;

struct Scripted;

skald_sdk::export!(Scripted: step, migrations, authenticator, subscriber, handler);

/// One operation.
#[derive(Deserialize)]
#[serde(untagged)]
enum Op {
    Cache(cache::Op),
    Host(host::Op),
}

/// Does all of it, in order.
fn run(script: &[Op]) -> Vec<Value> {
    let one = |op: &Op| match op {
        Op::Cache(op) => cache::run(op),
        Op::Host(op) => host::run(op),
    };
    script.iter().map(one).collect()
}

/// What came of an operation that can fail.
fn told<T: Into<Value>, E: Debug>(result: Result<T, E>) -> Value {
    result.map_or_else(|error| json!({ "error": format!("{error:?}") }), Into::into)
}

impl Handler for Scripted {
    fn handle(request: &Request) -> Result<Response, Problem> {
        let script: Vec<Op> = serde_json::from_slice(&request.body)?;
        Ok(Response::json(200, &Value::from(run(&script))))
    }
}

impl Step for Scripted {
    fn step(_ctx: Context, input: String) -> Result<String, Failure> {
        let script: Vec<Op> = serde_json::from_str(&input)?;
        let told = run(&script);
        if told.iter().any(|value| value == "reject") {
            return Err(Failure::rejected("scripted", "the script says so"));
        }
        Ok(Value::from(told).to_string())
    }

    fn compensate(_ctx: Context, _input: String, _output: Option<String>) -> Result<(), Failure> {
        Ok(())
    }
}

impl Subscriber for Scripted {
    /// The event's data is a script. It is kept with the event before it is run, so that each delivery
    /// leaves a row behind.
    fn handle(event: Event) -> Result<(), Unhandled> {
        host::note(&event.id)?;
        let script: Vec<Op> = serde_json::from_str(&event.data)?;
        let told = run(&script);
        if told.iter().any(|value| value == "reject") {
            return Err(Unhandled::Discard("the script says so".to_owned()));
        }
        Ok(())
    }
}

impl Authenticator for Scripted {
    /// Whoever names himself is believed.
    fn authenticate(credentials: Credentials) -> Result<Principal, Denial> {
        match credentials {
            Credentials::Bearer(subject) => Ok(Principal {
                subject,
                roles: vec!["tester".to_owned()],
                claims: vec![],
            }),
            _ => Err(Denial::Invalid("a bearer token is wanted".to_owned())),
        }
    }
}

impl Migrations for Scripted {
    fn migrations(_label: String, _dialect: Dialect) -> Vec<Migration> {
        let tables = "CREATE TABLE note (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL)";
        vec![Migration::new(1, "notes", [tables.to_owned()])]
    }
}
