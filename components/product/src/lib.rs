//! Products: the catalog, the gate before a purchase, and the purchase's first step.
//!
//! | file | what for |
//! |---|---|
//! | `catalog` | the pages that show products, and what other components may ask about them |
//! | `cart` | the gate: whether a purchase starts, and at what price |
//! | `stock` | the step: goods leave the inventory |

mod cart;
mod catalog;
mod stock;

use skald_sdk::http::{self, Handler, Problem, Request, Response};
use skald_sdk::schema::{Dialect, Migration, Migrations};

struct Product;

skald_sdk::export!(Product: step, admission, migrations, handler);

impl Handler for Product {
    fn handle(request: &Request) -> Result<Response, Problem> {
        match (request.method.as_str(), &request.segments()[..]) {
            ("POST", ["api", "product"]) => catalog::create(&request.object()?),
            ("GET", ["api", "products"]) => catalog::list(&request.query),
            ("GET", ["api", "product", id]) => catalog::show(http::id(id)?),
            _ => Err(Problem::new(404, "not found")),
        }
    }
}

impl Migrations for Product {
    fn migrations(_label: String, dialect: Dialect) -> Vec<Migration> {
        let (key, table) = (dialect.key(), dialect.table());
        vec![Migration::new(
            1,
            "products",
            [format!(
                "CREATE TABLE product (id {key} PRIMARY KEY, name VARCHAR(255) NOT NULL, description TEXT NOT NULL, \
                 brand_name VARCHAR(255) NOT NULL, price BIGINT NOT NULL, inventory BIGINT NOT NULL){table}"
            )],
        )]
    }
}
