//! The step: goods leave the inventory.

use crate::Product;
use serde::Deserialize;
use skald_sdk::saga::{Context, Failure, Step};
use skald_sdk::sql::Connection;

/// What the manifest maps to the step: the items of what was admitted.
#[derive(Deserialize)]
struct Input {
    purchase_items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    product_id: u64,
    amount: i64,
}

impl Step for Product {
    /// Takes all items out, or none: on a refusal the host undoes what was written before it.
    fn step(_ctx: Context, input: String) -> Result<String, Failure> {
        let db = Connection::open("product")?;
        for Item { product_id, amount } in in_order(&input)? {
            let changed = db.execute(
                "UPDATE product SET inventory = inventory - ? WHERE id = ? AND inventory >= ?",
                &[amount.into(), product_id.into(), amount.into()],
            )?;
            if changed == 0 {
                let detail = format!("there are fewer than {amount} of product {product_id}");
                return Err(Failure::rejected("insufficient_inventory", detail));
            }
        }
        Ok("null".to_owned())
    }

    /// Puts all of them back.
    fn compensate(_ctx: Context, input: String, _output: Option<String>) -> Result<(), Failure> {
        let db = Connection::open("product")?;
        for Item { product_id, amount } in in_order(&input)? {
            db.execute(
                "UPDATE product SET inventory = inventory + ? WHERE id = ?",
                &[amount.into(), product_id.into()],
            )?;
        }
        Ok(())
    }
}

/// The items by product. Two purchases that touch the same rows in one order wait for each other;
/// in two orders they would be a deadlock.
fn in_order(input: &str) -> Result<Vec<Item>, serde_json::Error> {
    let Input { mut purchase_items } = serde_json::from_str(input)?;
    purchase_items.sort_unstable_by_key(|item| item.product_id);
    Ok(purchase_items)
}

#[cfg(test)]
mod tests {
    use super::in_order;

    #[test]
    fn items_are_taken_in_the_order_of_their_products() {
        let input =
            r#"{"purchase_items":[{"product_id":9,"amount":1,"price":5},{"product_id":2,"amount":4,"price":5}]}"#;
        let items = in_order(input).expect("the input is what the gate admits");
        assert_eq!(
            items
                .iter()
                .map(|item| (item.product_id, item.amount))
                .collect::<Vec<_>>(),
            [(2, 4), (9, 1)]
        );
    }
}
