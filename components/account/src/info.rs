//! The pages on which customers read and change their data.

use crate::rules::{Person, Shipping};
use crate::{not_found, taken};
use serde_json::json;
use skald_sdk::http::{Problem, Response};
use skald_sdk::json::Object;
use skald_sdk::sql::Connection;

/// What a customer is called.
pub fn person(id: u64) -> Result<Response, Problem> {
    let found: Option<(String, String, String)> = Connection::open("account")?.find(
        "SELECT firstname, lastname, email FROM customer WHERE id = ?",
        &[id.into()],
    )?;
    let (firstname, lastname, email) = found.ok_or_else(not_found)?;
    Ok(Response::json(
        200,
        &json!({ "firstname": firstname, "lastname": lastname, "email": email }),
    ))
}

/// Changes what a customer is called.
pub fn set_person(id: u64, body: &Object) -> Result<Response, Problem> {
    let Person {
        firstname,
        lastname,
        email,
    } = Person::read(body)?;
    let changed = Connection::open("account")?
        .execute(
            "UPDATE customer SET firstname = ?, lastname = ?, email = ?, email_key = ? WHERE id = ?",
            &[
                firstname.into(),
                lastname.into(),
                email.entered.into(),
                email.key.into(),
                id.into(),
            ],
        )
        .map_err(taken)?;
    done(changed)
}

/// Where a customer's goods go.
pub fn shipping(id: u64) -> Result<Response, Problem> {
    let found: Option<(String, String)> =
        Connection::open("account")?.find("SELECT address, phone_number FROM customer WHERE id = ?", &[id.into()])?;
    let (address, phone_number) = found.ok_or_else(not_found)?;
    Ok(Response::json(
        200,
        &json!({ "address": address, "phone_number": phone_number }),
    ))
}

/// Changes where a customer's goods go.
pub fn set_shipping(id: u64, body: &Object) -> Result<Response, Problem> {
    let Shipping { address, phone_number } = Shipping::read(body)?;
    let changed = Connection::open("account")?.execute(
        "UPDATE customer SET address = ?, phone_number = ? WHERE id = ?",
        &[address.into(), phone_number.into(), id.into()],
    )?;
    done(changed)
}

fn done(changed: u32) -> Result<Response, Problem> {
    match changed {
        0 => Err(not_found()),
        _ => Ok(Response::json(200, &json!({ "msg": "ok" }))),
    }
}
