//! `--demo`: a few products and a customer, made through the public API as any client would.
//!
//! A second demo start finds them and adds nothing: products are recognised by name, the customer by e-mail address.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// How long one request may take; the shop is on this machine and answers in milliseconds.
const TIMEOUT_S: u64 = 10;

/// Products asked for at once: the largest page that the API gives.
const PAGE: usize = 500;

/// The demo customer's login, printed for everybody to use. It guards nothing.
const LOGIN: Login = Login {
    email: "demo@example.com",
    password: "demo-password",
};

const PRODUCTS: &[Product] = &[
    Product {
        name: "Lyre",
        description: "Seven gut strings on a tortoise shell",
        brand: "Hermes",
        price: 95,
        inventory: 25,
    },
    Product {
        name: "Hunting horn",
        description: "Ox horn with a brass mouthpiece",
        brand: "Gjallar",
        price: 40,
        inventory: 100,
    },
    Product {
        name: "Bone flute",
        description: "Three holes, crane bone",
        brand: "Heimdall",
        price: 15,
        inventory: 3,
    },
];

/// What a customer logs in with.
pub struct Login {
    /// The e-mail address.
    pub email: &'static str,
    /// The password.
    pub password: &'static str,
}

struct Product {
    name: &'static str,
    description: &'static str,
    brand: &'static str,
    price: u32,
    inventory: u32,
}

/// Makes sure that the demo's products and customer are in the shop at this URL.
pub fn fill(shop: &str) -> Result<Login> {
    let names = product_names(shop).context("failed to list the products for the demo")?;
    for product in missing(&names) {
        create(shop, product).with_context(|| format!("failed to create the demo product {}", product.name))?;
    }
    sign_up(shop).context("failed to sign the demo customer up")?;
    Ok(LOGIN)
}

fn missing(names: &[String]) -> impl Iterator<Item = &'static Product> {
    PRODUCTS
        .iter()
        .filter(|product| names.iter().all(|name| name != product.name))
}

/// The names of all products, page by page.
fn product_names(shop: &str) -> Result<Vec<String>> {
    let mut names = vec![];
    loop {
        let url = format!("{shop}/api/products?offset={}&size={PAGE}", names.len());
        let answer = Answer::of(minreq::get(url))?;
        let page = answer.body["catalogs"]
            .as_array()
            .with_context(|| answer.unexpected())?;
        names.extend(
            page.iter()
                .map(|product| product["name"].as_str().unwrap_or_default().to_owned()),
        );
        if page.len() < PAGE {
            return Ok(names);
        }
    }
}

fn create(shop: &str, product: &Product) -> Result<()> {
    let body = json!({
        "name": product.name, "description": product.description, "brand_name": product.brand,
        "price": product.price, "inventory": product.inventory,
    });
    let answer = post(&format!("{shop}/api/product"), &body)?;
    if answer.status == 201 {
        Ok(())
    } else {
        bail!(answer.unexpected())
    }
}

/// Signs the customer up; "duplicate entry" says that he was there already.
fn sign_up(shop: &str) -> Result<()> {
    let body = json!({
        "email": LOGIN.email, "password": LOGIN.password, "firstname": "Demo", "lastname": "Customer",
        "address": "1 Mead Hall, Uppsala", "phone_number": "+46 18 000 00 00",
    });
    let answer = post(&format!("{shop}/api/account/auth/signup"), &body)?;
    if matches!(answer.status, 201 | 409) {
        Ok(())
    } else {
        bail!(answer.unexpected())
    }
}

fn post(url: &str, body: &Value) -> Result<Answer> {
    Answer::of(minreq::post(url).with_body(body.to_string()))
}

/// What the shop answered.
struct Answer {
    status: u16,
    body: Value,
}

impl Answer {
    fn of(request: minreq::Request) -> Result<Self> {
        let response = request
            .with_timeout(TIMEOUT_S)
            .send()
            .context("the shop didn't answer")?;
        // A body that is no JSON shows as `null` in the message about the status that came with it.
        Ok(Self {
            status: response.status_code,
            body: serde_json::from_slice(response.as_bytes()).unwrap_or_default(),
        })
    }

    fn unexpected(&self) -> String {
        format!("the shop answered {} {}", self.status, self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_created() {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(missing(&[]).count(), PRODUCTS.len());
        let left: Vec<_> = missing(&names(&["Lyre", "Bone flute", "Somebody's own"]))
            .map(|product| product.name)
            .collect();
        assert_eq!(left, ["Hunting horn"]);
        assert_eq!(
            missing(&names(&PRODUCTS.iter().map(|product| product.name).collect::<Vec<_>>())).count(),
            0
        );
    }
}
