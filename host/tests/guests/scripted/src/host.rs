//! Settings, ids, spans, log lines, passwords, tokens, statements, events, and requests to a server
//! of the test's, which answers when the test wants the component to go on.

/// The standard's interface for log lines.
mod logging {
    wit_bindgen::generate!({
        inline: "
            package wasi:logging@0.1.0-draft;

            interface logging {
                enum level { trace, debug, info, warn, error, critical }

                log: func(level: level, context: string, message: string);
            }

            world imports {
                import logging;
            }
        ",
    });
}

use crate::told;
use logging::wasi::logging::logging::{Level, log};
use serde::Deserialize;
use serde_json::{Value, json};
use skald_sdk::identity::{passwords, tokens};
use skald_sdk::sql::{self, Connection};
use skald_sdk::trace::{Attribute, Span, traceparent};
use skald_sdk::{config, events, ids};
use wasip2::http::outgoing_handler;
use wasip2::http::types::{Fields, OutgoingRequest, Scheme};

/// The label of the component's own database.
const DATABASE: &str = "scripted";

/// An operation on anything but the cache.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum Op {
    Config {
        name: String,
    },
    Id,
    Log {
        message: String,
    },
    /// Opens a span, does `script` within it, and marks it as failed.
    Span {
        name: String,
        script: Vec<crate::Op>,
    },
    Traceparent,
    Hash {
        password: String,
    },
    Verify {
        password: String,
        hash: Option<String>,
    },
    Sign {
        keyring: String,
        claims: String,
        ttl: u32,
    },
    Check {
        keyring: String,
        token: String,
    },
    Note {
        body: String,
    },
    Notes,
    Publish {
        topic: String,
        key: Option<String>,
        data: String,
    },
    /// Asks the test's server, and goes on once it has answered.
    Gate {
        name: String,
    },
    /// Traps unless the test's server answers with 200.
    TrapUnless {
        name: String,
    },
    Reject,
    Trap,
}

/// Does it.
pub fn run(op: &Op) -> Value {
    match op {
        Op::Config { name } => told(config::get(name)),
        Op::Id => ids::next().into(),
        Op::Log { message } => write(message),
        Op::Span { name, script } => span(name, script),
        Op::Traceparent => traceparent().into(),
        Op::Hash { password } => told(passwords::hash(password)),
        Op::Verify { password, hash } => told(passwords::verify(password, hash.as_deref())),
        Op::Sign { keyring, claims, ttl } => told(tokens::sign(keyring, claims, *ttl)),
        Op::Check { keyring, token } => told(tokens::verify(keyring, token)),
        Op::Note { body } => told(note(body).map(|()| "noted")),
        Op::Notes => told(notes()),
        Op::Publish { topic, key, data } => told(events::publish(topic, key.as_deref(), data).map(|()| "published")),
        Op::Gate { name } => ask(name).into(),
        Op::TrapUnless { name } => {
            assert_eq!(ask(name), 200, "the test's server says so");
            "alive".into()
        }
        Op::Reject => "reject".into(),
        Op::Trap => panic!("the script says so"),
    }
}

/// A line for each level.
fn write(message: &str) -> Value {
    let levels = [
        Level::Trace,
        Level::Debug,
        Level::Info,
        Level::Warn,
        Level::Error,
        Level::Critical,
    ];
    for level in levels {
        log(level, "scripted", message);
    }
    levels.len().into()
}

fn span(name: &str, script: &[crate::Op]) -> Value {
    let span = Span::new(name);
    span.set("number", &Attribute::Integer(7));
    span.event("happened", &[("real".to_owned(), Attribute::Real(0.5))]);
    let done = crate::run(script);
    span.fail("on purpose");
    done.into()
}

/// Keeps a text in the database.
pub fn note(body: &str) -> Result<(), sql::Error> {
    Connection::open(DATABASE)?.execute("INSERT INTO note (body) VALUES (?)", &[body.into()])?;
    Ok(())
}

/// All texts that were kept, in order.
fn notes() -> Result<Value, sql::Error> {
    let rows: Vec<(String,)> = Connection::open(DATABASE)?.list("SELECT body FROM note ORDER BY id", &[])?;
    Ok(json!(rows.into_iter().map(|(body,)| body).collect::<Vec<_>>()))
}

/// The status that the test's server answers with.
fn ask(name: &str) -> u16 {
    let authority = config::get("gate")
        .expect("settings can be read")
        .expect("the manifest names the server");
    let request = OutgoingRequest::new(Fields::new());
    let prepared = request
        .set_scheme(Some(&Scheme::Http))
        .and(request.set_authority(Some(&authority)))
        .and(request.set_path_with_query(Some(&format!("/{name}"))));
    prepared.expect("a good address");
    let answer = outgoing_handler::handle(request, None).expect("it is granted");
    answer.subscribe().block();
    let answer = answer.get().expect("it is there").expect("it is taken once");
    answer.expect("an answer").status()
}
