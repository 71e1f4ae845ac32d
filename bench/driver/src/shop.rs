//! The contract's requests.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use serde::Deserialize;

use crate::http::{Connection, Request, Response};

/// Products and how many of each.
pub type Cart = BTreeMap<u64, u64>;

/// What a purchase was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 201: the purchase runs.
    Started(u64),
    /// 503: the host sheds load, and nothing was started.
    Shed,
    /// Anything else: what it was.
    Wrong(String),
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
}

#[derive(Deserialize)]
struct Created {
    id: u64,
}

#[derive(Deserialize)]
struct Purchased {
    purchase_id: u64,
}

#[derive(Deserialize)]
struct Product {
    inventory: u64,
}

#[derive(Deserialize)]
struct Order {
    purchased_items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    product_id: u64,
    amount: u64,
    price: u64,
}

#[derive(Deserialize)]
struct Payment {
    amount: u64,
}

/// Signs a customer up, and gives back the access token.
pub async fn sign_up(shop: &mut Connection, name: &str) -> io::Result<String> {
    let body = format!(
        r#"{{"password":"correct horse {name}","firstname":"{name}","lastname":"Doe","email":"{name}@example.org","address":"1 Main Street","phone_number":"0123456789"}}"#
    );
    let answer = shop
        .ask(Request::post("/api/account/auth/signup", &[], body.as_bytes()))
        .await?;
    Ok(expect::<Tokens>(&answer, 201)?.access_token)
}

/// Adds a product, and gives back its id.
pub async fn add_product(shop: &mut Connection, name: &str, price: u64, inventory: u64) -> io::Result<u64> {
    let body = format!(
        r#"{{"name":"{name}","description":"for tests","brand_name":"Acme","price":{price},"inventory":{inventory}}}"#
    );
    let answer = shop.ask(Request::post("/api/product", &[], body.as_bytes())).await?;
    Ok(expect::<Created>(&answer, 201)?.id)
}

/// How many of a product there are.
pub async fn inventory(shop: &mut Connection, product: u64) -> io::Result<u64> {
    let answer = shop.ask(Request::get(&format!("/api/product/{product}"), &[])).await?;
    Ok(expect::<Product>(&answer, 200)?.inventory)
}

/// A purchase's body.
pub fn purchase_body(cart: &Cart) -> String {
    let mut items = String::new();
    for (product, amount) in cart {
        let comma = if items.is_empty() { "" } else { "," };
        write!(items, r#"{comma}{{"product_id":{product},"amount":{amount}}}"#)
            .expect("writing to a text does not fail");
    }
    format!(r#"{{"purchase_items":[{items}],"payment":{{"currency_code":"NT"}}}}"#)
}

/// Buys. An error: the connection was cut, and nobody knows whether the purchase was started.
pub async fn buy(shop: &mut Connection, bearer: &str, body: &str, key: Option<&str>) -> io::Result<Answer> {
    let mut headers = vec![("Authorization", bearer)];
    headers.extend(key.map(|key| ("Idempotency-Key", key)));
    let answer = shop
        .ask(Request::post("/api/purchase", &headers, body.as_bytes()))
        .await?;
    Ok(match answer.status {
        201 => Answer::Started(read::<Purchased>(&answer)?.purchase_id),
        503 => Answer::Shed,
        status => Answer::Wrong(format!(
            "a purchase was answered {status}: {}",
            String::from_utf8_lossy(&answer.body)
        )),
    })
}

/// An order's items, and what they cost together; none: 404.
pub async fn order(shop: &mut Connection, bearer: &str, id: u64) -> io::Result<Option<(Cart, u64)>> {
    let answer = shop
        .ask(Request::get(&format!("/api/order/{id}"), &[("Authorization", bearer)]))
        .await?;
    if answer.status == 404 {
        return Ok(None);
    }
    let items = expect::<Order>(&answer, 200)?.purchased_items;
    let total = items.iter().map(|item| item.amount * item.price).sum();
    Ok(Some((
        items.into_iter().map(|item| (item.product_id, item.amount)).collect(),
        total,
    )))
}

/// A payment's amount; none: 404.
pub async fn payment(shop: &mut Connection, bearer: &str, id: u64) -> io::Result<Option<u64>> {
    let answer = shop
        .ask(Request::get(
            &format!("/api/payment/{id}"),
            &[("Authorization", bearer)],
        ))
        .await?;
    if answer.status == 404 {
        return Ok(None);
    }
    Ok(Some(expect::<Payment>(&answer, 200)?.amount))
}

fn expect<'a, T: Deserialize<'a>>(answer: &'a Response, status: u16) -> io::Result<T> {
    if answer.status == status {
        return read(answer);
    }
    let body = String::from_utf8_lossy(&answer.body);
    Err(io::Error::other(format!(
        "{status} was expected, and {} came: {body}",
        answer.status
    )))
}

fn read<'a, T: Deserialize<'a>>(answer: &'a Response) -> io::Result<T> {
    serde_json::from_slice(&answer.body).map_err(io::Error::other)
}
