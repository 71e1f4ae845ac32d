//! A component that does what none should: the tests of the host ask it to, one `mode` at a time.
//!
//! Whatever it does must end as a failure that can be read, and must not be noticed by anybody else.

mod chain;
mod misdeeds;
mod transactions;

use serde::Deserialize;
use serde_json::json;
use skald_sdk::http::{Handler, Problem, Request, Response};
use skald_sdk::saga::{Admission, Admitted, Context, Failure, Refusal, Step};
use skald_sdk::schema::{Dialect, Migration, Migrations};
use std::cell::Cell;

struct Hostile;

skald_sdk::export!(Hostile: step, admission, migrations, handler);

/// What a call is asked to do.
#[derive(Deserialize)]
struct Order {
    mode: String,
    #[serde(default)]
    n: u32,
}

thread_local! {
    /// How many calls this instance has served.
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

impl Step for Hostile {
    fn step(ctx: Context, input: String) -> Result<String, Failure> {
        let Order { mode, n } = serde_json::from_str(&input)?;
        match mode.as_str() {
            "count" => {
                CALLS.set(CALLS.get() + 1);
                Ok(CALLS.get().to_string())
            }
            "context" => Ok(json!({ "key": ctx.idempotency_key, "attempt": ctx.attempt }).to_string()),
            "reject" => Err(Failure::rejected("out-of-stock", "there is none left")),
            "postpone" => Err(Failure::retry("not now")),
            "garbage" => Ok("{\"rubbish\":".to_owned()),
            "huge" => Ok(format!("\"{}\"", "x".repeat(n as usize))),
            "chain" => Ok(chain::descend(n).to_string()),
            _ => match transactions::act(&ctx, &mode, n) {
                Some(done) => done,
                None => Ok(misdeeds::commit(&mode, n)),
            },
        }
    }

    fn compensate(_ctx: Context, input: String, _output: Option<String>) -> Result<(), Failure> {
        let Order { mode, n } = serde_json::from_str(&input)?;
        if mode == "reject" {
            return Err(Failure::rejected("never", "a compensation can't refuse"));
        }
        misdeeds::commit(&mode, n);
        Ok(())
    }
}

impl Admission for Hostile {
    fn admit(
        _principal: Option<skald_sdk::identity::Principal>,
        request: skald_sdk::saga::Request,
    ) -> Result<Admitted, Refusal> {
        let Order { mode, n } = serde_json::from_str(&request.body)?;
        let input = if mode == "garbage" {
            "{".to_owned()
        } else {
            misdeeds::commit(&mode, n)
        };
        Ok(Admitted {
            input,
            response: "null".to_owned(),
        })
    }
}

impl Handler for Hostile {
    fn handle(request: &Request) -> Result<Response, Problem> {
        let n = request.query.number("n", 0, 0..=i64::from(u32::MAX))?;
        let n = u32::try_from(n).unwrap_or_default();
        let done = match request.segments()[0] {
            "whoami" => {
                let subject: String = request.subject()?;
                json!({ "subject": subject, "body": request.body.len() })
            }
            "chain" => chain::descend(n).into(),
            mode => misdeeds::commit(mode, n).into(),
        };
        Ok(Response::json(200, &done))
    }
}

impl Migrations for Hostile {
    fn migrations(label: String, _dialect: Dialect) -> Vec<Migration> {
        if label == "forbidden" {
            let statements = ["CREATE TABLE note (id INTEGER)", "COMMIT"].map(str::to_owned);
            return vec![Migration::new(1, "escape", statements)];
        }
        vec![Migration::new(
            1,
            "notes",
            ["CREATE TABLE note (id INTEGER PRIMARY KEY, body TEXT NOT NULL)".to_owned()],
        )]
    }
}
