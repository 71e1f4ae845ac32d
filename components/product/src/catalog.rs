//! The catalog, as customers see it and as other components do.

wit_bindgen::generate!({
    path: "../../wit",
    inline: "package shop:components; world product { export shop:product/catalog@0.1.0; }",
});

use crate::Product;
use exports::shop::product::catalog::{Details, Error, Guest};
use serde_json::json;
use skald_sdk::http::{Problem, Query, Response};
use skald_sdk::json::Object;
use skald_sdk::sql::{self, Connection, placeholders};
use skald_sdk::{events, ids};

export!(Product);

/// Adds a product. The event is published before the commit: one that is announced and then not
/// there does no harm, one that is there and was never announced stays unknown to whoever listens.
pub fn create(body: &Object) -> Result<Response, Problem> {
    let (name, description) = (body.text("name", 255)?, body.text("description", 4096)?);
    let brand_name = body.text("brand_name", 255)?;
    let (price, inventory) = (body.integer("price", 1..)?, body.integer("inventory", 0..)?);
    let id = ids::next();

    let change = Connection::open("product")?.begin()?;
    change.execute(
        "INSERT INTO product (id, name, description, brand_name, price, inventory) VALUES (?, ?, ?, ?, ?, ?)",
        &[id.into(), name.into(), description.into(), brand_name.into(), price.into(), inventory.into()],
    )?;
    let created = json!({ "id": id, "name": name, "price": price });
    events::publish("product.created", Some(&id.to_string()), &created.to_string())?;
    change.commit()?;
    Ok(Response::json(201, &json!({ "id": id })))
}

/// A page of the catalog, in the order of the ids.
pub fn list(query: &Query) -> Result<Response, Problem> {
    let offset = query.number("offset", 0, 0..=i64::MAX)?;
    let size = query.number("size", 100, 1..=500)?;
    let rows: Vec<(u64, String, i64, i64)> = Connection::open("product")?.list(
        "SELECT id, name, price, inventory FROM product ORDER BY id LIMIT ? OFFSET ?",
        &[size.into(), offset.into()],
    )?;
    let entry = |(id, name, price, inventory)| json!({ "id": id, "name": name, "price": price, "inventory": inventory });
    let catalogs: Vec<_> = rows.into_iter().map(entry).collect();
    Ok(Response::json(200, &json!({ "catalogs": catalogs })))
}

/// One product.
pub fn show(id: u64) -> Result<Response, Problem> {
    let found: Option<(String, String, String, i64, i64)> = Connection::open("product")?.find(
        "SELECT name, description, brand_name, price, inventory FROM product WHERE id = ?",
        &[id.into()],
    )?;
    let (name, description, brand_name, price, inventory) =
        found.ok_or_else(|| Problem::new(404, "product not found"))?;
    let product = json!({
        "id": id, "name": name, "description": description, "brand_name": brand_name,
        "price": price, "inventory": inventory,
    });
    Ok(Response::json(200, &product))
}

impl Guest for Product {
    fn describe(ids: Vec<String>) -> Result<Vec<Details>, Error> {
        let wanted = ids.iter().map(|id| id.parse().map_err(|_| Error::Unknown(id.clone())));
        let wanted: Vec<u64> = wanted.collect::<Result<_, _>>()?;
        let mut known = details(&wanted).map_err(|error| Error::Unreachable(error.to_string()))?;
        known.sort_unstable_by_key(|product| product.id);
        let find = |id: &u64| match known.binary_search_by_key(id, |product| product.id) {
            Ok(place) => Ok(known[place].clone()),
            Err(_) => Err(Error::Unknown(id.to_string())),
        };
        wanted.iter().map(find).collect()
    }
}

/// What there is of these products, in any order.
fn details(ids: &[u64]) -> Result<Vec<Details>, sql::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let statement = format!(
        "SELECT id, name, description, brand_name, price FROM product WHERE id IN ({})",
        placeholders(ids.len())
    );
    let params: Vec<_> = ids.iter().map(|&id| id.into()).collect();
    let rows: Vec<(u64, String, String, String, i64)> = Connection::open("product")?.list(&statement, &params)?;
    let details =
        |(id, name, description, brand_name, price)| Details { id, name, description, brand_name, price };
    Ok(rows.into_iter().map(details).collect())
}
