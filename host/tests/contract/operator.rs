//! What a customer sees of an operator's doings: cancels, and what follows STUCK.

use serde_json::{Value, json};

use crate::common::api::Api;
use crate::common::host::Host;
use crate::common::manifest;
use crate::stream::{SUCCESS, briefs};

/// Has an operator do something to a saga.
async fn operate(host: &Host, saga: u64, action: &str, wish: Value) {
    let url = format!("http://{}/admin/v1/sagas/{saga}/{action}", host.admin);
    let request = reqwest::Client::new().post(url).body(wish.to_string());
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    assert!(
        status.is_success(),
        "{action}: {}",
        answer.text().await.expect("a body")
    );
}

#[tokio::test]
async fn a_cancel_shows_where_it_took_effect_and_what_is_rolled_back() {
    let host = Host::start(&manifest::waiting());
    let api = Api::of(&host);
    let (customer, product) = (api.customer().await, api.product(1, 10).await);
    let mut stream = api.stream(&customer).await;
    let id = api.buy(&customer, product, 2).await;
    assert_eq!(briefs(&stream.events(5).await), SUCCESS[..5]);
    operate(&host, id, "cancel", json!({ "reason": "a test" })).await;
    let told = briefs(&stream.until_the_end().await);
    assert!(told[0].starts_with("CREATE_PAYMENT FAILED COMPENSATING ("), "{told:?}");
    let rest = [
        "CREATE_ORDER ROLLBACKED COMPENSATING",
        "UPDATE_PRODUCT_INVENTORY ROLLBACKED COMPENSATED",
    ];
    assert_eq!(told[1..], rest);
    assert_eq!(api.inventory(product).await, 10);
}

#[tokio::test]
async fn a_stuck_saga_goes_on_when_an_operator_has_seen_to_it() {
    let host = Host::start(&manifest::sticking());
    let api = Api::of(&host);
    let (customer, product) = (api.customer().await, api.product(1, 10).await);
    let mut stream = api.stream(&customer).await;
    let id = api.buy(&customer, product, 2).await;
    let told = briefs(&stream.until_the_end().await);
    assert!(told.last().is_some_and(|last| last.contains(" STUCK")), "{told:?}");

    let undone = json!({ "reason": "a test", "step": "CREATE_ORDER" });
    operate(&host, id, "resolve", undone).await;
    operate(&host, id, "retry", json!({ "reason": "a test" })).await;
    let told = briefs(&stream.until_the_end().await);
    assert_eq!(
        told.last().map(String::as_str),
        Some("UPDATE_PRODUCT_INVENTORY ROLLBACKED COMPENSATED"),
        "{told:?}"
    );
    assert_eq!(api.inventory(product).await, 10);
}
