//! Orders: what was bought, at the price of the purchase.
//!
//! The step writes the order down; the page that shows one asks the product component for names.
//! That is a typed import: the host links it to whichever version of the product component is active.

/// What the component imports beyond the capabilities of the SDK.
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package shop:components; world order { import shop:product/catalog@0.1.0; }",
        generate_all,
    });
}

use bindings::shop::product::catalog;
use serde::Deserialize;
use serde_json::json;
use skald_sdk::Trouble;
use skald_sdk::http::{self, Handler, Problem, Request, Response};
use skald_sdk::saga::{Context, Failure, Step};
use skald_sdk::schema::{Dialect, Migration, Migrations};
use skald_sdk::sql::{Connection, Value, groups};

struct Order;

skald_sdk::export!(Order: step, migrations, handler);

/// What the step needs of what was admitted.
#[derive(Deserialize)]
struct Input {
    purchase_items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    product_id: u64,
    amount: i64,
    price: i64,
}

impl Step for Order {
    /// Writes the order and its items, each in a place of its own.
    fn step(ctx: Context, input: String) -> Result<String, Failure> {
        let Input { purchase_items } = serde_json::from_str(&input)?;
        let customer: u64 = ctx.subject()?;
        let db = Connection::open("order")?;
        db.execute(
            "INSERT INTO purchase_order (id, customer_id) VALUES (?, ?)",
            &[ctx.saga_id.into(), customer.into()],
        )?;
        let rows = groups(purchase_items.len(), 5);
        db.execute(
            &format!("INSERT INTO purchase_item (order_id, place, product_id, amount, price) VALUES {rows}"),
            &values(ctx.saga_id, &purchase_items),
        )?;
        Ok("null".to_owned())
    }

    /// Undoes exactly what `step` did.
    fn compensate(ctx: Context, _input: String, _output: Option<String>) -> Result<(), Failure> {
        let db = Connection::open("order")?;
        db.execute("DELETE FROM purchase_item WHERE order_id = ?", &[ctx.saga_id.into()])?;
        db.execute("DELETE FROM purchase_order WHERE id = ?", &[ctx.saga_id.into()])?;
        Ok(())
    }
}

/// The rows of an order's items, one after the other.
fn values(order: u64, items: &[Item]) -> Vec<Value> {
    let row = |(place, item): (u64, &Item)| -> [Value; 5] {
        [order.into(), place.into(), item.product_id.into(), item.amount.into(), item.price.into()]
    };
    (0..).zip(items).flat_map(row).collect()
}

impl Handler for Order {
    fn handle(request: &Request) -> Result<Response, Problem> {
        match (request.method.as_str(), &request.segments()[..]) {
            ("GET", ["api", "order", id]) => show(request.subject()?, http::id(id)?),
            _ => Err(Problem::new(404, "not found")),
        }
    }
}

/// Another customer's order looks like none at all.
fn show(customer: u64, id: u64) -> Result<Response, Problem> {
    let bought: Vec<(u64, i64, i64)> = Connection::open("order")?.list(
        "SELECT i.product_id, i.amount, i.price FROM purchase_order o JOIN purchase_item i ON i.order_id = o.id \
         WHERE o.id = ? AND o.customer_id = ? ORDER BY i.place",
        &[id.into(), customer.into()],
    )?;
    if bought.is_empty() {
        return Err(Problem::new(404, "order not found"));
    }
    let products: Vec<String> = bought.iter().map(|(product_id, ..)| product_id.to_string()).collect();
    let details = catalog::describe(&products)?;
    let item = |((product_id, amount, price), product): ((u64, i64, i64), catalog::Details)| {
        json!({
            "product_id": product_id, "name": product.name, "description": product.description,
            "brand_name": product.brand_name, "price": price, "amount": amount,
        })
    };
    let items: Vec<_> = bought.into_iter().zip(details).map(item).collect();
    Ok(Response::json(200, &json!({ "id": id, "purchased_items": items })))
}

/// So that `?` passes on what the product component answers.
impl Trouble for catalog::Error {
    fn passing(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}

impl Migrations for Order {
    fn migrations(_label: String, dialect: Dialect) -> Vec<Migration> {
        let (key, table) = (dialect.key(), dialect.table());
        // SQLite keeps such a table once, by its key, and not a second time by a hidden number.
        let clustered = if dialect == Dialect::Sqlite { " WITHOUT ROWID" } else { table };
        vec![Migration::new(
            1,
            "orders, by the id of their purchase, and their items",
            [
                format!("CREATE TABLE purchase_order (id {key} PRIMARY KEY, customer_id BIGINT NOT NULL){table}"),
                format!(
                    "CREATE TABLE purchase_item (order_id BIGINT NOT NULL, place BIGINT NOT NULL, \
                     product_id BIGINT NOT NULL, amount BIGINT NOT NULL, price BIGINT NOT NULL, \
                     PRIMARY KEY (order_id, place)){clustered}"
                ),
            ],
        )]
    }
}

#[cfg(test)]
mod tests {
    use super::{Input, values};
    use skald_sdk::sql::Value;

    #[test]
    fn items_keep_their_order_in_places_from_0() {
        let input = r#"{"customer_id":4,"currency_code":"NT","amount":11,"purchase_items":[
            {"product_id":9,"amount":1,"price":5},{"product_id":2,"amount":2,"price":3}]}"#;
        let Input { purchase_items } = serde_json::from_str(input).expect("the input is what the gate admits");
        let expected = [17, 0, 9, 1, 5, 17, 1, 2, 2, 3];
        let numbers = values(17, &purchase_items).into_iter().map(|value| match value {
            Value::Integer(number) => number,
            other => panic!("{other:?}"),
        });
        assert_eq!(numbers.collect::<Vec<_>>(), expected);
    }
}
