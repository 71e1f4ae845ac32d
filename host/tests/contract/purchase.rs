//! Purchases, orders and payments: every row with every refusal.

use serde_json::{Value, json};

use crate::common::api::{Answer, Api, Customer, cart};
use crate::common::host::Host;
use crate::common::manifest;

async fn buy(api: &Api, customer: &Customer, body: &[u8]) -> Answer {
    api.ask("POST", "/api/purchase").by(customer).body(body).send().await
}

async fn buy_with_key(api: &Api, customer: &Customer, key: &str, body: &Value) -> Answer {
    api.ask("POST", "/api/purchase")
        .by(customer)
        .header("idempotency-key", key)
        .json(body)
        .send()
        .await
}

#[tokio::test]
async fn a_purchase_has_an_order_and_a_payment_of_its_customers_own() {
    let host = Host::shared();
    let api = Api::of(&host);
    let (customer, other) = (api.customer().await, api.customer().await);
    let (lute, harp) = (api.product(120, 10).await, api.product(7, 10).await);
    let mut stream = api.stream(&customer).await;
    let started = buy(
        &api,
        &customer,
        cart(&[(lute, 1), (harp, 2), (lute, 3)]).to_string().as_bytes(),
    )
    .await
    .ok(201);
    assert_eq!(started.as_object().expect("an object").len(), 1);
    let id = started["purchase_id"].as_u64().expect("an id");
    stream.until_the_end().await;
    let item = |id: u64, price: u64, amount: u64| {
        json!({
            "product_id": id, "name": "Lute", "description": "Six courses", "brand_name": "Bragi",
            "price": price, "amount": amount,
        })
    };
    let order = api.order(&customer, id).await.ok(200);
    assert_eq!(
        order,
        json!({ "id": id, "purchased_items": [item(lute, 120, 4), item(harp, 7, 2)] })
    );
    let payment = api.payment(&customer, id).await.ok(200);
    assert_eq!(payment, json!({ "id": id, "currency_code": "US", "amount": 494 }));
    assert_eq!((api.inventory(lute).await, api.inventory(harp).await), (6, 8));
    for kind in ["order", "payment"] {
        for (who, id) in [(&other, id), (&customer, 1), (&customer, u64::MAX)] {
            let refused = api.get_as(who, &format!("/api/{kind}/{id}")).await;
            refused.problem(404, &format!("{kind} not found"));
        }
        for id in ["x", "-1", "1.0"] {
            let refused = api.get_as(&customer, &format!("/api/{kind}/{id}")).await;
            refused.invalid();
        }
    }
}

#[tokio::test]
async fn a_cart_that_breaks_a_rule_buys_nothing() {
    let host = Host::shared();
    let api = Api::of(&host);
    let (customer, dear) = (api.customer().await, api.product(i64::MAX, 10).await);
    let cheap = api.product(1, 10).await.to_string();
    let item = |id: &str, amount: &str| format!(r#"{{"product_id":{id},"amount":{amount}}}"#);
    let body = |items: &str, payment: &str| format!(r#"{{"purchase_items":[{items}],"payment":{payment}}}"#);
    let (id, nt) = (dear.to_string(), r#"{"currency_code":"NT"}"#);
    let mut refused = vec![
        String::new(),
        "{}".to_owned(),
        body("", nt),
        body(&vec![item(&id, "1"); 101].join(","), nt),
        body(&item(&id, "2"), nt),
        body(&[item(&id, "9223372036854775807"), item(&id, "1")].join(","), nt),
        body(&[item(&id, "1"), item(&cheap, "1")].join(","), nt),
        format!(r#"{{"purchase_items":[{}]}}"#, item(&id, "1")),
    ];
    for amount in [
        "0",
        "-1",
        "1.0",
        "\"1\"",
        "true",
        "1e2",
        "-0",
        "null",
        "9223372036854775808",
    ] {
        refused.push(body(&item(&id, amount), nt));
    }
    for id in ["-1", "1.0", "\"1\"", "9007199254740992", "9223372036854775808", "null"] {
        refused.push(body(&item(id, "1"), nt));
    }
    for payment in [
        "null",
        "{}",
        r#"{"currency_code":"EU"}"#,
        r#"{"currency_code":"us"}"#,
        "\"NT\"",
        r#"{"currency_code":null}"#,
    ] {
        refused.push(body(&item(&id, "1"), payment));
    }
    for body in refused {
        buy(&api, &customer, body.as_bytes()).await.invalid();
    }
    buy(&api, &customer, body(&item("17", "1"), nt).as_bytes())
        .await
        .problem(404, "product not found");
    assert_eq!(api.inventory(dear).await, 10);
    let mut stream = api.stream(&customer).await;
    let bought = buy(&api, &customer, body(&item(&id, "1"), nt).as_bytes()).await.ok(201);
    stream.until_the_end().await;
    let payment = api.payment(&customer, &bought["purchase_id"]).await;
    assert_eq!(
        payment.ok(200),
        json!({ "id": bought["purchase_id"], "currency_code": "NT", "amount": i64::MAX })
    );
}

#[tokio::test]
async fn a_key_starts_one_purchase_however_often_it_is_sent() {
    let host = Host::shared();
    let api = Api::of(&host);
    let (customer, other, lute) = (api.customer().await, api.customer().await, api.product(1, 100).await);
    let body = cart(&[(lute, 1)]);
    let mut stream = api.stream(&customer).await;
    let asked = (0..8).map(|_| buy_with_key(&api, &customer, "key", &body));
    let answers = futures::future::join_all(asked).await;
    let first = answers[0].ok(201);
    for answer in &answers {
        assert_eq!(answer.ok(201), first, "at the same time");
    }
    stream.until_the_end().await;
    assert_eq!(
        buy_with_key(&api, &customer, "key", &body).await.ok(201),
        first,
        "after its end"
    );
    assert_eq!(api.inventory(lute).await, 99);
    buy_with_key(&api, &customer, "key", &cart(&[(lute, 2)]))
        .await
        .problem(409, "duplicate entry");
    let others = buy_with_key(&api, &other, "key", &body).await.ok(201);
    assert_ne!(others, first, "a key is a customer's own");
    assert_ne!(buy_with_key(&api, &customer, "another key", &body).await.ok(201), first);
    for key in ["", &"k".repeat(256)] {
        buy_with_key(&api, &customer, key, &body).await.invalid();
    }
    for _ in 0..2 {
        let refused = buy_with_key(&api, &customer, "refused", &cart(&[(17, 1)])).await;
        refused.problem(404, "product not found");
    }
    buy_with_key(&api, &customer, "refused", &body)
        .await
        .problem(409, "duplicate entry");
}

#[tokio::test]
async fn a_key_is_known_while_its_purchase_runs() {
    let host = Host::start(&manifest::waiting());
    let api = Api::of(&host);
    let (customer, lute) = (api.customer().await, api.product(1, 100).await);
    let body = cart(&[(lute, 1)]);
    let mut stream = api.stream(&customer).await;
    let first = buy_with_key(&api, &customer, "key", &body).await.ok(201);
    stream.events(5).await;
    assert_eq!(buy_with_key(&api, &customer, "key", &body).await.ok(201), first);
    let other = buy_with_key(&api, &customer, "key", &cart(&[(lute, 2)])).await;
    other.problem(409, "duplicate entry");
    assert_eq!(api.inventory(lute).await, 99);
}

#[tokio::test]
async fn of_many_who_buy_the_last_ones_as_many_get_them_as_there_are() {
    let host = Host::shared();
    let api = Api::of(&host);
    let (customer, last) = (api.customer().await, api.product(1, 5).await);
    let mut stream = api.stream(&customer).await;
    futures::future::join_all((0..12).map(|_| api.buy(&customer, last, 1))).await;
    let (mut completed, mut compensated) = (0, 0);
    while completed + compensated < 12 {
        match stream.event().await.data["saga"].as_str() {
            Some("COMPLETED") => completed += 1,
            Some("COMPENSATED") => compensated += 1,
            _ => {}
        }
    }
    assert_eq!((completed, compensated), (5, 7));
    assert_eq!(api.inventory(last).await, 0);
}

#[tokio::test]
async fn a_key_holds_over_a_kill() {
    let host = Host::start(manifest::SHOP);
    let api = Api::of(&host);
    let (customer, lute) = (api.customer().await, api.product(1, 100).await);
    let body = cart(&[(lute, 1)]);
    let first = buy_with_key(&api, &customer, "key", &body).await.ok(201);
    let host = host.kill().start();
    let api = Api::of(&host);
    assert_eq!(buy_with_key(&api, &customer, "key", &body).await.ok(201), first);
    api.since_the_start(&customer).await.until_the_end().await;
    assert_eq!(api.inventory(lute).await, 99);
}

#[tokio::test]
async fn a_host_with_too_much_to_do_says_when_to_come_back() {
    let stuck = manifest::hostile_step(manifest::SHOP, "CREATE_PAYMENT", "payment", "{ mode = \"postpone\" }");
    let host = Host::start(&format!("{stuck}\n[server]\nmax-inflight-sagas = 1\n"));
    let api = Api::of(&host);
    let (customer, lute) = (api.customer().await, api.product(1, 100).await);
    api.buy(&customer, lute, 1).await;
    let shed = buy(&api, &customer, cart(&[(lute, 1)]).to_string().as_bytes()).await;
    shed.problem(503, "server error");
    assert!(
        shed.header("retry-after")
            .parse::<u32>()
            .is_ok_and(|seconds| seconds > 0)
    );
}
