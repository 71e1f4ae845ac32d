//! The gate before a purchase: is the cart sound, are the products there, what do they cost.

use crate::Product;
use serde::Serialize;
use serde_json::json;
use skald_sdk::identity::Principal;
use skald_sdk::json::{Invalid, Object};
use skald_sdk::saga::{Admission, Admitted, Refusal, Request};
use skald_sdk::sql::{Connection, Error, placeholders};

impl Admission for Product {
    /// Admits a purchase. What it costs is settled here: a price that changes later changes nothing.
    fn admit(principal: Option<Principal>, request: Request) -> Result<Admitted, Refusal> {
        let principal = principal.ok_or_else(|| Refusal::Forbidden("unauthorized".to_owned()))?;
        let customer_id: u64 = principal
            .subject
            .parse()
            .map_err(|_| Refusal::Forbidden("unauthorized".to_owned()))?;
        let cart = Cart::read(&Object::parse(request.body.as_bytes())?)?;
        let prices = prices(&cart)?;
        let (purchase_items, amount) = cart.price(&prices)?;
        let input = json!({
            "customer_id": customer_id,
            "purchase_items": purchase_items,
            "currency_code": cart.currency_code,
            "amount": amount,
        });
        let response = json!({ "purchase_id": request.saga_id });
        Ok(Admitted {
            input: input.to_string(),
            response: response.to_string(),
        })
    }
}

/// What a customer wants to buy: each product once, in the order they were first named.
#[derive(Debug, PartialEq)]
struct Cart {
    items: Vec<Wanted>,
    currency_code: String,
}

#[derive(Debug, PartialEq)]
struct Wanted {
    product_id: u64,
    amount: i64,
}

/// An item as the saga's steps get it.
#[derive(Debug, PartialEq, Serialize)]
struct Priced {
    product_id: u64,
    amount: i64,
    price: i64,
}

impl Cart {
    fn read(body: &Object) -> Result<Self, Invalid> {
        let mut items: Vec<Wanted> = Vec::new();
        for item in body.list("purchase_items", 1..=100)? {
            let (product_id, amount) = (item.id("product_id")?, item.integer("amount", 1..)?);
            match items.iter_mut().find(|known| known.product_id == product_id) {
                None => items.push(Wanted { product_id, amount }),
                Some(known) => {
                    let sum = known.amount.checked_add(amount);
                    known.amount = sum.ok_or_else(|| item.wrong("amount", "is too much in all"))?;
                }
            }
        }
        let payment = body.object("payment")?;
        let currency_code = payment.choice("currency_code", &["NT", "US"])?.to_owned();
        Ok(Self { items, currency_code })
    }

    /// The items with their prices, and the sum.
    fn price(&self, prices: &[(u64, i64)]) -> Result<(Vec<Priced>, i64), Refusal> {
        let mut sum: i64 = 0;
        let mut items = Vec::with_capacity(self.items.len());
        for &Wanted { product_id, amount } in &self.items {
            let known = prices.iter().find(|(id, _)| *id == product_id);
            let &(_, price) = known.ok_or_else(|| Refusal::NotFound("product not found".to_owned()))?;
            let more = price.checked_mul(amount).and_then(|cost| sum.checked_add(cost));
            sum = more.ok_or_else(|| Refusal::Invalid("invalid parameter".to_owned()))?;
            items.push(Priced {
                product_id,
                amount,
                price,
            });
        }
        Ok((items, sum))
    }
}

/// The prices of the products in the cart, as far as they are known.
fn prices(cart: &Cart) -> Result<Vec<(u64, i64)>, Error> {
    let statement = format!(
        "SELECT id, price FROM product WHERE id IN ({})",
        placeholders(cart.items.len())
    );
    let ids: Vec<_> = cart.items.iter().map(|item| item.product_id.into()).collect();
    Connection::open("product")?.list(&statement, &ids)
}

#[cfg(test)]
mod tests {
    use super::{Cart, Priced, Wanted};
    use serde_json::{Value, json};
    use skald_sdk::json::Object;
    use skald_sdk::saga::Refusal;

    fn read(body: &Value) -> Option<Cart> {
        let body = body.to_string();
        let body = Object::parse(body.as_bytes()).expect("the cases are objects");
        Cart::read(&body).ok()
    }

    fn body(items: &Value) -> Value {
        json!({ "purchase_items": items, "payment": { "currency_code": "NT" } })
    }

    fn cart(items: &[(u64, i64)]) -> Cart {
        let items = items
            .iter()
            .map(|&(product_id, amount)| Wanted { product_id, amount })
            .collect();
        Cart {
            items,
            currency_code: "NT".to_owned(),
        }
    }

    #[test]
    fn the_same_product_twice_is_one_item_in_the_place_of_the_first() {
        let item = |id: u64, amount: i64| json!({ "product_id": id, "amount": amount });
        let cases = [
            (json!([item(7, 1)]), cart(&[(7, 1)])),
            (json!([item(7, 1), item(3, 2), item(7, 4)]), cart(&[(7, 5), (3, 2)])),
            (
                json!([item(3, 2), item(7, 1), item(3, 1), item(7, 1)]),
                cart(&[(3, 3), (7, 2)]),
            ),
        ];
        for (items, expected) in cases {
            assert_eq!(read(&body(&items)), Some(expected), "{items}");
        }
    }

    #[test]
    fn a_cart_has_1_to_100_items_as_they_were_sent() {
        for (count, sound) in [(0, false), (1, true), (100, true), (101, false)] {
            let items = vec![json!({ "product_id": 7, "amount": 1 }); count];
            assert_eq!(read(&body(&items.into())).is_some(), sound, "{count} items");
        }
    }

    #[test]
    fn what_breaks_a_rule_is_refused() {
        let items = [
            json!(null),
            json!({}),
            json!([1]),
            json!([[7, 1]]),
            json!([{}]),
            json!([{ "product_id": 7 }]),
            json!([{ "amount": 1 }]),
            json!([{ "product_id": 7, "amount": 0 }]),
            json!([{ "product_id": 7, "amount": -1 }]),
            json!([{ "product_id": 7, "amount": 1.0 }]),
            json!([{ "product_id": 7, "amount": "1" }]),
            json!([{ "product_id": 7, "amount": 9_223_372_036_854_775_808_u64 }]),
            json!([{ "product_id": -7, "amount": 1 }]),
            json!([{ "product_id": 9_007_199_254_740_992_u64, "amount": 1 }]),
            json!([{ "product_id": "7", "amount": 1 }]),
            json!([{ "product_id": 7, "amount": i64::MAX }, { "product_id": 7, "amount": 1 }]),
        ];
        let payments = [
            json!(null),
            json!("NT"),
            json!({}),
            json!({ "currency_code": "nt" }),
            json!({ "currency_code": 1 }),
        ];
        let good = json!([{ "product_id": 7, "amount": 1 }]);
        let carts = items.iter().map(body);
        let carts = carts.chain(
            payments
                .iter()
                .map(|payment| json!({ "purchase_items": good, "payment": payment })),
        );
        for cart in carts.chain([json!({}), json!({ "purchase_items": good })]) {
            assert_eq!(read(&cart), None, "{cart}");
        }
    }

    #[test]
    fn the_sum_is_price_times_amount_over_all_items() {
        let (priced, sum) = cart(&[(7, 2), (3, 1)])
            .price(&[(3, 50), (7, 100)])
            .expect("both are known");
        assert_eq!(sum, 250);
        let items = [
            Priced {
                product_id: 7,
                amount: 2,
                price: 100,
            },
            Priced {
                product_id: 3,
                amount: 1,
                price: 50,
            },
        ];
        assert_eq!(priced, items);
    }

    #[test]
    fn a_sum_that_fits_nowhere_is_refused() {
        let cases = [
            (cart(&[(7, 2)]), vec![(7, i64::MAX)], false),
            (cart(&[(7, i64::MAX)]), vec![(7, 1)], true),
            (cart(&[(7, i64::MAX), (3, 1)]), vec![(7, 1), (3, 1)], false),
        ];
        for (cart, prices, sound) in cases {
            match cart.price(&prices) {
                Ok(_) => assert!(sound, "{cart:?}"),
                Err(Refusal::Invalid(text)) => {
                    assert_eq!((sound, text.as_str()), (false, "invalid parameter"), "{cart:?}");
                }
                Err(other) => panic!("{cart:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn an_unknown_product_is_not_found() {
        match cart(&[(7, 1), (3, 1)]).price(&[(7, 100)]) {
            Err(Refusal::NotFound(text)) => assert_eq!(text, "product not found"),
            other => panic!("{other:?}"),
        }
    }
}
