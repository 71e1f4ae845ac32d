//! The description of the API against real answers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::common::api::{Answer, Api, cart, form, product};
use crate::common::host::Host;
use crate::common::schema;

/// Checks a value against a schema of the document.
fn check(document: &Value, schema: &Value, value: &Value) {
    assert_eq!(schema::fault(document, schema, value), None, "{value}");
}

/// Checks an answer, and that no member is there that the schema doesn't name.
fn conforms(document: &Value, method: &str, path: &str, answer: &Answer) {
    let described = &document["paths"][path][method.to_lowercase()];
    let response = &described["responses"][answer.status.to_string()];
    let schema = &response["content"][answer.header("content-type")]["schema"];
    assert!(
        schema.is_object(),
        "{method} {path} {} is not described: {}",
        answer.status,
        answer.text()
    );
    check(document, schema, &answer.json());
    if let Some(name) = schema["$ref"].as_str() {
        let named = &document.pointer(&name[1..]).expect("a schema")["properties"];
        for member in answer.json().as_object().expect("an object").keys() {
            assert!(named.get(member).is_some(), "{member} of {method} {path}");
        }
    }
}

#[tokio::test]
async fn real_answers_are_as_described() {
    let host = Host::shared();
    let api = Api::of(&host);
    let document = api.get("/openapi.json").await.ok(200);
    assert!(
        document["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1"))
    );
    let (customer, lute) = (api.customer().await, api.product(1, 10).await);
    let mut stream = api.stream(&customer).await;
    let id = api.buy(&customer, lute, 1).await;
    for event in stream.until_the_end().await {
        check(
            &document,
            &document["components"]["schemas"]["ResultEvent"],
            &event.data,
        );
    }
    let refresh = json!({ "refresh_token": customer.refresh });
    let login = json!({ "email": customer.email, "password": crate::common::api::PASSWORD });
    let shipping = json!({ "address": "a", "phone_number": "1" });
    let person = json!({ "firstname": "a", "lastname": "b", "email": form()["email"] });
    let (order, payment) = (format!("/api/order/{id}"), format!("/api/payment/{id}"));
    let shown = format!("/api/product/{lute}");
    let none = Value::Null;
    let asked: [(&str, &str, &str, Value); 13] = [
        ("POST", "/api/account/auth/signup", "", form()),
        ("POST", "/api/account/auth/login", "", login),
        ("POST", "/api/account/auth/refresh", "", refresh),
        ("GET", "/api/account/info/person", "", none.clone()),
        ("PUT", "/api/account/info/person", "", person),
        ("GET", "/api/account/info/shipping", "", none.clone()),
        ("PUT", "/api/account/info/shipping", "", shipping),
        ("POST", "/api/product", "", product(1, 1)),
        ("GET", "/api/products", "", none.clone()),
        ("GET", "/api/product/{id}", &shown, none.clone()),
        ("POST", "/api/purchase", "", cart(&[(lute, 1)])),
        ("GET", "/api/order/{id}", &order, none.clone()),
        ("GET", "/api/payment/{id}", &payment, none),
    ];
    let mut seen: BTreeSet<String> = BTreeSet::from(["get /api/purchase/result".to_owned()]);
    for (method, path, real, body) in asked {
        let request = api.ask(method, if real.is_empty() { path } else { real });
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.by(&customer).send().await;
        assert!(answer.status < 300, "{method} {path}: {}", answer.text());
        conforms(&document, method, path, &answer);
        if !body.is_null() {
            let described = &document["paths"][path][method.to_lowercase()];
            check(
                &document,
                &described["requestBody"]["content"]["application/json"]["schema"],
                &body,
            );
            let refused = api.ask(method, path).by(&customer).json(&json!({})).send().await;
            conforms(&document, method, path, &refused);
        }
        seen.insert(format!("{} {path}", method.to_lowercase()));
    }
    let paths = document["paths"].as_object().expect("paths");
    let methods = |(path, methods): (&String, &Value)| -> Vec<String> {
        methods
            .as_object()
            .expect("methods")
            .keys()
            .map(|method| format!("{method} {path}"))
            .collect()
    };
    assert_eq!(paths.iter().flat_map(methods).collect::<BTreeSet<_>>(), seen);
}

#[tokio::test]
async fn refusals_are_as_described() {
    let host = Host::shared();
    let api = Api::of(&host);
    let document = api.get("/openapi.json").await.ok(200);
    let customer = api.customer().await;
    for (method, path, real) in [
        ("GET", "/api/order/{id}", "/api/order/1"),
        ("GET", "/api/order/{id}", "/api/order/x"),
        ("GET", "/api/payment/{id}", "/api/payment/1"),
        ("GET", "/api/payment/{id}", "/api/payment/x"),
        ("GET", "/api/product/{id}", "/api/product/1"),
        ("GET", "/api/product/{id}", "/api/product/x"),
        ("GET", "/api/products", "/api/products?size=0"),
    ] {
        conforms(
            &document,
            method,
            path,
            &api.ask(method, real).by(&customer).send().await,
        );
    }
    for path in [
        "/api/account/info/person",
        "/api/account/info/shipping",
        "/api/purchase/result",
    ] {
        conforms(&document, "GET", path, &api.get(path).await);
    }
}

#[tokio::test]
async fn the_page_to_try_it_is_whole() {
    let host = Host::shared();
    let page = Api::of(&host).get("/docs").await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    assert!(page.text().contains("/openapi.json"));
}
