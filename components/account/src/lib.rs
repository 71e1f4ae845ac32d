//! Accounts: customers sign up, log in, and look after their data; every other component learns from
//! here who is asking.
//!
//! | file | what for |
//! |---|---|
//! | `auth` | sign-up, log-in, refresh, and the host's question whose token this is |
//! | `info` | the pages on which customers read and change their data |
//! | `rules` | what a customer may be called, and what an e-mail address is |
//! | `token` | pairs of tokens, and what stands in them |

mod auth;
mod info;
mod rules;
mod token;

use skald_sdk::http::{Handler, Problem, Request, Response};
use skald_sdk::schema::{Dialect, Migration, Migrations};
use skald_sdk::sql;

struct Account;

skald_sdk::export!(Account: authenticator, migrations, handler);

impl Handler for Account {
    fn handle(request: &Request) -> Result<Response, Problem> {
        match (request.method.as_str(), &request.segments()[..]) {
            ("POST", ["api", "account", "auth", "signup"]) => auth::sign_up(&request.object()?),
            ("POST", ["api", "account", "auth", "login"]) => auth::log_in(&request.object()?),
            ("POST", ["api", "account", "auth", "refresh"]) => auth::refresh(&request.object()?),
            ("GET", ["api", "account", "info", "person"]) => info::person(request.subject()?),
            ("PUT", ["api", "account", "info", "person"]) => info::set_person(request.subject()?, &request.object()?),
            ("GET", ["api", "account", "info", "shipping"]) => info::shipping(request.subject()?),
            ("PUT", ["api", "account", "info", "shipping"]) => {
                info::set_shipping(request.subject()?, &request.object()?)
            }
            _ => Err(Problem::new(404, "not found")),
        }
    }
}

/// A token may outlive its customer.
fn not_found() -> Problem {
    Problem::new(404, "customer not found")
}

/// The one unique column is the e-mail address: one that is taken is the client's business.
fn taken(error: sql::Error) -> Problem {
    match error {
        sql::Error::Duplicate(_) => Problem::new(409, "duplicate entry"),
        other => other.into(),
    }
}

impl Migrations for Account {
    fn migrations(_label: String, dialect: Dialect) -> Vec<Migration> {
        let (key, exact, table) = (dialect.key(), dialect.exact(), dialect.table());
        vec![Migration::new(
            1,
            "customers",
            [format!(
                "CREATE TABLE customer (id {key} PRIMARY KEY, email VARCHAR(254) NOT NULL, \
                 email_key VARCHAR(768){exact} NOT NULL UNIQUE, password_hash VARCHAR(255) NOT NULL, \
                 firstname VARCHAR(255) NOT NULL, lastname VARCHAR(255) NOT NULL, address VARCHAR(1024) NOT NULL, \
                 phone_number VARCHAR(255) NOT NULL, active BOOLEAN NOT NULL){table}"
            )],
        )]
    }
}
