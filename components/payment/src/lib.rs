//! Payments: the last step of a purchase, and the page that shows one.
//!
//! This is the example to read first. A component is a type without fields; what it implements is
//! what it offers, and the line with `export!` says so to the host. It keeps nothing between calls:
//! whatever lasts is in the database, which it knows by a label of the manifest.

use serde::Deserialize;
use serde_json::json;
use skald_sdk::http::{self, Handler, Problem, Request, Response};
use skald_sdk::saga::{Context, Failure, Step};
use skald_sdk::schema::{Dialect, Migration, Migrations};
use skald_sdk::sql::Connection;

struct Payment;

skald_sdk::export!(Payment: step, migrations, handler);

/// What the manifest maps to the step: a part of what was admitted.
#[derive(Deserialize)]
struct Input {
    currency_code: String,
    amount: i64,
}

impl Step for Payment {
    /// Writes the payment down. The connection is the step's own transaction, which the host commits
    /// together with the outcome: the row is written once, however often the step is asked for.
    fn step(ctx: Context, input: String) -> Result<String, Failure> {
        let Input { currency_code, amount } = serde_json::from_str(&input)?;
        let customer: u64 = ctx.subject()?;
        Connection::open("payment")?.execute(
            "INSERT INTO payment (id, customer_id, currency_code, amount) VALUES (?, ?, ?, ?)",
            &[ctx.saga_id.into(), customer.into(), currency_code.into(), amount.into()],
        )?;
        Ok("null".to_owned())
    }

    /// Undoes exactly what `step` did.
    fn compensate(ctx: Context, _input: String, _output: Option<String>) -> Result<(), Failure> {
        Connection::open("payment")?.execute("DELETE FROM payment WHERE id = ?", &[ctx.saga_id.into()])?;
        Ok(())
    }
}

impl Handler for Payment {
    fn handle(request: &Request) -> Result<Response, Problem> {
        match (request.method.as_str(), &request.segments()[..]) {
            ("GET", ["api", "payment", id]) => show(request.subject()?, http::id(id)?),
            _ => Err(Problem::new(404, "not found")),
        }
    }
}

/// Another customer's payment looks like none at all.
fn show(customer: u64, id: u64) -> Result<Response, Problem> {
    let found = Connection::open("payment")?.find(
        "SELECT currency_code, amount FROM payment WHERE id = ? AND customer_id = ?",
        &[id.into(), customer.into()],
    )?;
    let (currency_code, amount): (String, i64) = found.ok_or_else(|| Problem::new(404, "payment not found"))?;
    Ok(Response::json(
        200,
        &json!({ "id": id, "currency_code": currency_code, "amount": amount }),
    ))
}

impl Migrations for Payment {
    fn migrations(_label: String, dialect: Dialect) -> Vec<Migration> {
        let (key, table) = (dialect.key(), dialect.table());
        vec![Migration::new(
            1,
            "payments, by the id of their purchase",
            [format!(
                "CREATE TABLE payment (id {key} PRIMARY KEY, customer_id BIGINT NOT NULL, \
                 currency_code VARCHAR(8) NOT NULL, amount BIGINT NOT NULL){table}"
            )],
        )]
    }
}
