//! Sign-up, log-in, refresh, and the host's question whose token this is.

use crate::rules::{Email, Person, Shipping, new_password, tried_password};
use crate::token::{self, Purpose};
use crate::{Account, not_found, taken};
use skald_sdk::http::{Problem, Response};
use skald_sdk::identity::{Authenticator, Credentials, Denial, Principal, passwords, tokens};
use skald_sdk::ids;
use skald_sdk::json::Object;
use skald_sdk::sql::Connection;

/// A new customer. The tokens are made first: if there can be none, there is no customer either.
pub fn sign_up(body: &Object) -> Result<Response, Problem> {
    let (person, shipping, password) = (Person::read(body)?, Shipping::read(body)?, new_password(body)?);
    let id = ids::next();
    let password_hash = passwords::hash(password)?;
    let response = token::pair(201, id)?;
    Connection::open("account")?
        .execute(
            "INSERT INTO customer (id, email, email_key, password_hash, firstname, lastname, address, phone_number, active) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                id.into(),
                person.email.entered.into(),
                person.email.key.into(),
                password_hash.into(),
                person.firstname.into(),
                person.lastname.into(),
                shipping.address.into(),
                shipping.phone_number.into(),
                true.into(),
            ],
        )
        .map_err(taken)?;
    Ok(response)
}

/// A pair of tokens for a password. A password is checked even where there is no customer, so that
/// the time it takes tells nothing.
pub fn log_in(body: &Object) -> Result<Response, Problem> {
    let (email, password) = (Email::read(body)?, tried_password(body)?);
    let found: Option<(u64, String, bool)> = Connection::open("account")?.find(
        "SELECT id, password_hash, active FROM customer WHERE email_key = ?",
        &[email.key.into()],
    )?;
    let hash = found.as_ref().map(|(_, hash, _)| hash.as_str());
    let right = passwords::verify(password, hash)?;
    match found {
        None => Err(not_found()),
        Some(_) if !right => Err(Problem::new(401, "authentication failed")),
        Some((_, _, false)) => Err(Problem::new(401, "customer inactive")),
        Some((id, _, true)) => token::pair(200, id),
    }
}

/// A new pair of tokens for a refresh token.
pub fn refresh(body: &Object) -> Result<Response, Problem> {
    let token = body.string("refresh_token", 1..=4096)?;
    let id = token::customer(token, Purpose::Refresh).map_err(|error| match error {
        tokens::Error::Forged(_) => Problem::unauthorized("invalid token"),
        tokens::Error::Outlived => Problem::unauthorized("token expired"),
        other => other.into(),
    })?;
    let found: Option<(bool,)> =
        Connection::open("account")?.find("SELECT active FROM customer WHERE id = ?", &[id.into()])?;
    match found {
        None => Err(not_found()),
        Some((false,)) => Err(Problem::new(401, "customer inactive")),
        Some((true,)) => token::pair(200, id),
    }
}

impl Authenticator for Account {
    /// The host asks this before every call that needs a customer, and so it reads no database.
    fn authenticate(credentials: Credentials) -> Result<Principal, Denial> {
        let Credentials::Bearer(token) = credentials else {
            return Err(Denial::Invalid("unauthorized".to_owned()));
        };
        let id = token::customer(&token, Purpose::Access).map_err(|error| match error {
            tokens::Error::Forged(_) => Denial::Invalid("invalid token".to_owned()),
            tokens::Error::Outlived => Denial::Expired("token expired".to_owned()),
            other => other.into(),
        })?;
        Ok(Principal {
            subject: id.to_string(),
            roles: vec!["customer".to_owned()],
            claims: Vec::new(),
        })
    }
}
