//! What a customer sees of an operator's doings: cancels, and what follows STUCK.

use serde_json::json;

use crate::common::api::Api;
use crate::common::host::Host;
use crate::common::manifest::{self, SHOP};
use crate::stream::{SUCCESS, briefs};

/// Has an operator do something to a saga.
async fn operate(host: &Host, saga: u64, action: &str) {
    let url = format!("http://{}/admin/v1/sagas/{saga}/{action}", host.admin);
    let answer = reqwest::Client::new()
        .post(url)
        .body(json!({ "reason": "a test" }).to_string())
        .send()
        .await;
    let answer = answer.expect("an answer");
    assert!(
        answer.status().is_success(),
        "{action}: {}",
        answer.text().await.unwrap_or_default()
    );
}

#[tokio::test]
async fn a_cancel_shows_where_it_took_effect_and_what_is_rolled_back() {
    // The last step is never done: it asks to be called again and again.
    let waiting = manifest::hostile_step(SHOP, "CREATE_PAYMENT", "payment", "{ mode = \"postpone\" }");
    let host = Host::start(&manifest::with(
        &waiting,
        "retry = { attempts = 10",
        "retry = { attempts = 1000",
    ));
    let api = Api::of(&host);
    let (customer, product) = (api.customer().await, api.product(1, 10).await);
    let mut stream = api.stream(&customer).await;
    let id = api.buy(&customer, product, 2).await;
    assert_eq!(briefs(&stream.events(5).await), SUCCESS[..5]);
    operate(&host, id, "cancel").await;
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
    let counting = manifest::hostile_step(SHOP, "CREATE_ORDER", "order", "{ mode = \"count\" }");
    let refusing = manifest::hostile_step(&counting, "CREATE_PAYMENT", "payment", "{ mode = \"reject\" }");
    let host = Host::start(&manifest::with(
        &refusing,
        "compensation = { attempts = 20",
        "compensation = { attempts = 2",
    ));
    let api = Api::of(&host);
    let (customer, product) = (api.customer().await, api.product(1, 10).await);
    let mut stream = api.stream(&customer).await;
    let id = api.buy(&customer, product, 2).await;
    let told = briefs(&stream.until_the_end().await);
    assert!(told.last().is_some_and(|last| last.contains(" STUCK")), "{told:?}");

    let url = format!("http://{}/admin/v1/sagas/{id}/resolve", host.admin);
    let wish = json!({ "reason": "a test", "step": "CREATE_ORDER" }).to_string();
    let resolved = reqwest::Client::new()
        .post(url)
        .body(wish)
        .send()
        .await
        .expect("an answer");
    assert!(
        resolved.status().is_success(),
        "{}",
        resolved.text().await.unwrap_or_default()
    );
    operate(&host, id, "retry").await;
    let told = briefs(&stream.until_the_end().await);
    assert_eq!(
        told.last().map(String::as_str),
        Some("UPDATE_PRODUCT_INVENTORY ROLLBACKED COMPENSATED"),
        "{told:?}"
    );
    assert_eq!(api.inventory(product).await, 10);
}
