//! A client of the shop's public API.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::host::Host;
use super::sse::{PATIENCE, Stream};

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The body of a success with this status, which is JSON and says so.
    #[track_caller]
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/json");
        self.json()
    }

    /// Checks that it is a problem (RFC 9457) with this status and short text, and nothing besides.
    #[track_caller]
    pub fn problem(&self, status: u16, msg: &str) {
        assert_eq!(
            (self.status, self.json()["msg"].as_str()),
            (status, Some(msg)),
            "{}",
            self.text()
        );
        assert_eq!(self.header("content-type"), "application/problem+json");
        let mut body = self.json();
        let members = body.as_object_mut().expect("a problem is an object");
        assert!(
            members.remove("detail").is_none_or(|detail| detail.is_string()),
            "{}",
            self.text()
        );
        let title = reqwest::StatusCode::from_u16(status)
            .expect("a status")
            .canonical_reason()
            .expect("a title");
        let title = if status == 413 {
            members["title"].as_str().expect("a title").to_owned()
        } else {
            title.to_owned()
        };
        assert_eq!(
            body,
            json!({ "type": "about:blank", "title": title, "status": status, "msg": msg })
        );
    }

    /// Checks that it is the refusal of a request that makes no sense.
    #[track_caller]
    pub fn invalid(&self) {
        self.problem(400, "invalid parameter");
    }

    /// Checks that it is the refusal of a token.
    #[track_caller]
    pub fn unauthorized(&self, msg: &str) {
        self.problem(401, msg);
        assert_eq!(self.header("www-authenticate"), "Bearer");
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A request that is being put together.
pub struct Ask(reqwest::RequestBuilder);

impl Ask {
    /// With a header.
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// With these bytes as body, and no Content-Type.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self(self.0.body(body.into()))
    }

    /// With a JSON text as body, and no Content-Type.
    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }

    /// On behalf of a customer.
    pub fn by(self, customer: &Customer) -> Self {
        self.bearer(&customer.access)
    }

    /// With an access token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sends it, and reads the answer.
    pub async fn send(self) -> Answer {
        let response = self.start().await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = tokio::time::timeout(PATIENCE, response.bytes())
            .await
            .expect("the answer has no end");
        let body = body.expect("a whole body").into();
        Answer { status, headers, body }
    }

    /// Sends it; the answer's body is left to be read.
    pub async fn start(self) -> reqwest::Response {
        self.0.send().await.expect("an answer")
    }
}

/// A customer who has signed up.
#[derive(Clone, Debug)]
pub struct Customer {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
    /// The e-mail address.
    pub email: String,
}

/// The password of every customer of the tests.
pub const PASSWORD: &str = "correct horse";

/// A client of one host.
#[derive(Clone)]
pub struct Api {
    client: Client,
    url: String,
}

impl Api {
    /// A client of this host.
    pub fn of(host: &Host) -> Self {
        Self {
            client: Client::new(),
            url: host.url(),
        }
    }

    /// A request.
    pub fn ask(&self, method: &str, path: &str) -> Ask {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        Ask(self.client.request(method, format!("{}{path}", self.url)))
    }

    /// A GET on behalf of nobody.
    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path).send().await
    }

    /// A POST on behalf of nobody.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path).json(body).send().await
    }

    /// A GET on behalf of a customer.
    pub async fn get_as(&self, customer: &Customer, path: &str) -> Answer {
        self.ask("GET", path).by(customer).send().await
    }

    /// A POST on behalf of a customer.
    pub async fn post_as(&self, customer: &Customer, path: &str, body: &Value) -> Answer {
        self.ask("POST", path).by(customer).json(body).send().await
    }

    /// A PUT on behalf of a customer.
    pub async fn put_as(&self, customer: &Customer, path: &str, body: &Value) -> Answer {
        self.ask("PUT", path).by(customer).json(body).send().await
    }

    /// An order, as its customer or somebody else sees it.
    pub async fn order(&self, customer: &Customer, id: impl Display) -> Answer {
        self.get_as(customer, &format!("/api/order/{id}")).await
    }

    /// A payment, as its customer or somebody else sees it.
    pub async fn payment(&self, customer: &Customer, id: impl Display) -> Answer {
        self.get_as(customer, &format!("/api/payment/{id}")).await
    }

    /// A new customer.
    pub async fn customer(&self) -> Customer {
        let form = form();
        let tokens = self.post("/api/account/auth/signup", &form).await.ok(201);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Customer {
            access: text(&tokens["access_token"]),
            refresh: text(&tokens["refresh_token"]),
            email: text(&form["email"]),
        }
    }

    /// A new product of which there are so many.
    pub async fn product(&self, price: i64, inventory: i64) -> u64 {
        let created = self.post("/api/product", &product(price, inventory)).await.ok(201);
        created["id"].as_u64().expect("an id")
    }

    /// How many there are of a product.
    pub async fn inventory(&self, product: u64) -> i64 {
        let product = self.get(&format!("/api/product/{product}")).await.ok(200);
        product["inventory"].as_i64().expect("a number")
    }

    /// A purchase of so many of one product.
    pub async fn buy(&self, customer: &Customer, product: u64, amount: i64) -> u64 {
        let cart = cart(&[(product, amount)]);
        let started = self.post_as(customer, "/api/purchase", &cart).await.ok(201);
        started["purchase_id"].as_u64().expect("an id")
    }

    /// The result stream of a customer, which is open when this returns.
    pub async fn stream(&self, customer: &Customer) -> Stream {
        Stream::new(self.ask("GET", "/api/purchase/result").by(customer).start().await)
    }

    /// The same after an event.
    pub async fn resume(&self, customer: &Customer, last: &str) -> Stream {
        let request = self
            .ask("GET", "/api/purchase/result")
            .by(customer)
            .header("last-event-id", last);
        Stream::new(request.start().await)
    }

    /// The result stream from its first event: what a client that saw nothing has missed.
    pub async fn since_the_start(&self, customer: &Customer) -> Stream {
        self.resume(customer, "0").await
    }
}

/// A form of which the e-mail address is nobody's.
pub fn form() -> Value {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let email = format!("ada-{}@example.org", NEXT.fetch_add(1, Ordering::Relaxed));
    json!({
        "password": PASSWORD, "firstname": "Ada", "lastname": "Byron", "email": email,
        "address": "12 St James Square, London", "phone_number": "+44 20 7946 0000",
    })
}

/// A product.
pub fn product(price: i64, inventory: i64) -> Value {
    json!({ "name": "Lute", "description": "Six courses", "brand_name": "Bragi", "price": price, "inventory": inventory })
}

/// A purchase of these products and amounts.
pub fn cart(items: &[(u64, i64)]) -> Value {
    let items: Vec<Value> = items
        .iter()
        .map(|(product, amount)| json!({ "product_id": product, "amount": amount }))
        .collect();
    json!({ "purchase_items": items, "payment": { "currency_code": "US" } })
}
