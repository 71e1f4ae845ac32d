//! The shop's components, one call at a time.

use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use skald_host::invoke::{Denial, Principal, Refusal};
use skald_store::fence::Outcome;

use crate::fixture::{Call, Host, load};

const SHOP: &str = include_str!("../../../skald.toml");

async fn shop() -> Host {
    let host = load(SHOP).unwrap_or_else(|faults| panic!("{faults:?}"));
    for service in ["account", "product", "order", "payment"] {
        host.migrate(service, service).await;
    }
    host
}

async fn ask(host: &Host, component: &str, head: &str, who: Option<&Principal>, body: Value) -> (StatusCode, Value) {
    let (method, path) = head.split_once(' ').expect("method and path");
    let body = if body.is_null() {
        Body::empty()
    } else {
        Body::from(body.to_string())
    };
    let uri = format!("http://shop{path}");
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .body(body)
        .expect("a request");
    let answer = host.version(component).http(request, who).await.expect("an answer");
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_signs_up_and_is_recognised() {
    let host = shop().await;
    let customer = json!({
        "password": "correct horse", "firstname": "Ada", "lastname": "L", "email": "ada@example.org",
        "address": "here", "phone_number": "1"
    });
    let (status, tokens) = ask(
        &host,
        "account",
        "POST /api/account/auth/signup",
        None,
        customer.clone(),
    )
    .await;
    assert_eq!(status, 201, "{tokens}");
    let account = host.version("account");
    let access = tokens["access_token"].as_str().expect("a token").to_owned();
    let principal = account
        .authenticate(access)
        .await
        .expect("an answer")
        .expect("a principal");
    let refresh = tokens["refresh_token"].as_str().expect("a token").to_owned();
    assert!(
        matches!(account.authenticate(refresh).await, Ok(Err(Denial::Invalid(_)))),
        "that is no access token"
    );
    assert!(matches!(
        account.authenticate("rubbish".into()).await,
        Ok(Err(Denial::Invalid(_)))
    ));

    let (status, person) = ask(
        &host,
        "account",
        "GET /api/account/info/person",
        Some(&principal),
        Value::Null,
    )
    .await;
    assert_eq!((status, &person["email"]), (StatusCode::OK, &json!("ada@example.org")));
    let (status, _) = ask(&host, "account", "POST /api/account/auth/signup", None, customer).await;
    assert_eq!(status, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_is_admitted_done_and_shown() {
    let host = shop().await;
    let lamp = json!({ "name": "lamp", "description": "bright", "brand_name": "B", "price": 300, "inventory": 5 });
    let (status, created) = ask(&host, "product", "POST /api/product", None, lamp).await;
    assert_eq!(status, 201, "{created}");
    let cart = |amount: u32| {
        json!({
            "purchase_items": [{ "product_id": created["id"], "amount": amount }],
            "payment": { "currency_code": "NT" }
        })
    };
    let customer = Principal {
        subject: "7".into(),
        ..Principal::default()
    };
    let product = host.version("product");
    let refused = product
        .admit(Some(customer.clone()), 99, "purchase", "{}".into())
        .await
        .expect("an answer");
    assert!(matches!(refused, Err(Refusal::Invalid(_))), "{refused:?}");
    let admitted = product
        .admit(Some(customer.clone()), 99, "purchase", cart(2).to_string())
        .await;
    let admitted = admitted.expect("an answer").expect("admitted");
    let input: Value = serde_json::from_str(&admitted.input).expect("JSON");
    assert_eq!(input["amount"], 600);

    for service in ["product", "order", "payment"] {
        let call = Call::new(host.version(service), 99, service, admitted.input.clone());
        let outcome = host.step(call).await;
        assert!(matches!(outcome, Outcome::Done { .. }), "{service}: {outcome:?}");
    }
    // The page of the order asks the product component for names.
    let (status, order) = ask(&host, "order", "GET /api/order/99", Some(&customer), Value::Null).await;
    assert_eq!(
        (status, &order["purchased_items"][0]["name"]),
        (StatusCode::OK, &json!("lamp")),
        "{order}"
    );
    let (status, payment) = ask(&host, "payment", "GET /api/payment/99", Some(&customer), Value::Null).await;
    assert_eq!((status, &payment["amount"]), (StatusCode::OK, &json!(600)));
    let stranger = Principal {
        subject: "8".into(),
        ..Principal::default()
    };
    let (status, _) = ask(&host, "order", "GET /api/order/99", Some(&stranger), Value::Null).await;
    assert_eq!(status, 404);

    let input = json!({ "purchase_items": [{ "product_id": created["id"], "amount": 9, "price": 300 }] });
    let outcome = host.step(Call::new(product, 100, "product", input.to_string())).await;
    assert!(
        matches!(&outcome, Outcome::Rejected(refusal) if refusal.code.contains("inventory")),
        "{outcome:?}"
    );
}
