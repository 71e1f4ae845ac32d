//! Products, purchases, orders and payments: every row with every refusal.

use serde_json::{Value, json};

use crate::common::api::{Answer, Api, Customer, cart, product};
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
async fn a_product_is_added_and_shown() {
    let host = Host::shared();
    let api = Api::of(&host);
    let created = api.post("/api/product", &product(i64::MAX, 0)).await.ok(201);
    assert_eq!(created.as_object().expect("an object").len(), 1);
    let id = created["id"].as_u64().filter(|id| *id < 1 << 53).expect("an id");
    let mut expected = product(i64::MAX, 0);
    expected["id"] = id.into();
    assert_eq!(api.get(&format!("/api/product/{id}")).await.ok(200), expected);
    for path in ["x", "-1", "1.0", "1e3", "%20"] {
        api.get(&format!("/api/product/{path}"))
            .await
            .problem(400, "invalid parameter");
    }
    for path in ["0", "9007199254740992", "99999999999999999999"] {
        api.get(&format!("/api/product/{path}"))
            .await
            .problem(404, "product not found");
    }
}

#[tokio::test]
async fn a_product_breaks_no_rule() {
    let host = Host::shared();
    let api = Api::of(&host);
    for member in ["name", "description", "brand_name"] {
        for wrong in [json!(null), json!(1), json!(""), json!(["x"])] {
            let mut body = product(1, 1);
            body[member] = wrong;
            api.post("/api/product", &body).await.problem(400, "invalid parameter");
        }
    }
    let template = |price: &str, inventory: &str| {
        format!(r#"{{"name":"n","description":"d","brand_name":"b","price":{price},"inventory":{inventory}}}"#)
    };
    let good = [
        ("1", "0"),
        ("1", "9007199254740992"),
        ("9223372036854775807", "1"),
        (" 1 ", "1"),
    ];
    let not_whole = [
        "1.0",
        "\"1\"",
        "true",
        "1e2",
        "null",
        "9223372036854775808",
        "1e400",
        "-1",
        "[1]",
    ];
    for (price, inventory) in good {
        api.ask("POST", "/api/product")
            .body(template(price, inventory))
            .send()
            .await
            .ok(201);
    }
    for wrong in not_whole.into_iter().chain(["0", "-0", "01", "+1", "NaN"]) {
        api.ask("POST", "/api/product")
            .body(template(wrong, "1"))
            .send()
            .await
            .problem(400, "invalid parameter");
    }
    for wrong in not_whole {
        api.ask("POST", "/api/product")
            .body(template("1", wrong))
            .send()
            .await
            .problem(400, "invalid parameter");
    }
}

#[tokio::test]
async fn what_is_no_json_object_is_refused_and_no_type_is_asked_for() {
    let host = Host::shared();
    let api = Api::of(&host);
    let good = product(1, 1).to_string();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let bodies: [&[u8]; 10] = [
        b"",
        b"null",
        b"[]",
        b"{",
        b"{}{}",
        b"\xef\xbb\xbf{}",
        b"{\"name\":\"\xff\"}",
        b"{\"name\":\"\\ud800\"}",
        deep.as_bytes(),
        b"name=n&price=1",
    ];
    for body in bodies {
        api.ask("POST", "/api/product")
            .body(body)
            .send()
            .await
            .problem(400, "invalid parameter");
    }
    for media in [
        "application/json",
        "application/x-www-form-urlencoded",
        "text/plain",
        "image/png",
        "rubbish",
    ] {
        api.ask("POST", "/api/product")
            .header("content-type", media)
            .body(good.as_str())
            .send()
            .await
            .ok(201);
    }
    api.ask("POST", "/api/product").body(good).send().await.ok(201);
}

#[tokio::test]
async fn the_last_of_members_with_the_same_name_counts() {
    let host = Host::shared();
    let api = Api::of(&host);
    let twice = r#"{"name":"n","description":"d","brand_name":"b","price":0,"price":7,"inventory":1}"#;
    let created = api.ask("POST", "/api/product").body(twice).send().await.ok(201);
    let shown = api.get(&format!("/api/product/{}", created["id"])).await.ok(200);
    assert_eq!(shown["price"], 7);
}

#[tokio::test]
async fn the_catalogue_comes_in_pages_in_the_order_of_ids() {
    let host = Host::start(manifest::SHOP);
    let api = Api::of(&host);
    assert_eq!(api.get("/api/products").await.text(), r#"{"catalogs":[]}"#);
    let mut ids = vec![];
    for inventory in 0..102 {
        ids.push(api.product(7, inventory).await);
    }
    ids.sort_unstable();
    let listed = async |query: &str| -> Vec<u64> {
        let page = api.get(&format!("/api/products{query}")).await.ok(200);
        let entries = page["catalogs"].as_array().expect("a list").clone();
        entries
            .iter()
            .map(|entry| entry["id"].as_u64().expect("an id"))
            .collect()
    };
    assert_eq!(listed("").await, ids[..100]);
    assert_eq!(listed("?size=500").await, ids);
    assert_eq!(listed("?offset=100").await, ids[100..]);
    assert_eq!(listed("?offset=3&size=2").await, ids[3..5]);
    assert_eq!(listed("?offset=9223372036854775807&size=1").await, [0; 0]);
    let first = &api.get("/api/products?size=1").await.ok(200)["catalogs"][0];
    let members: Vec<&String> = first.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["id", "inventory", "name", "price"]);
    for query in [
        "size=0",
        "size=501",
        "size=-1",
        "offset=-1",
        "size=x",
        "offset=1.0",
        "size=",
        "size=1&size=2",
    ] {
        api.get(&format!("/api/products?{query}"))
            .await
            .problem(400, "invalid parameter");
    }
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
    let order = api
        .ask("GET", &format!("/api/order/{id}"))
        .by(&customer)
        .send()
        .await
        .ok(200);
    assert_eq!(
        order,
        json!({ "id": id, "purchased_items": [item(lute, 120, 4), item(harp, 7, 2)] })
    );
    let payment = api
        .ask("GET", &format!("/api/payment/{id}"))
        .by(&customer)
        .send()
        .await
        .ok(200);
    assert_eq!(payment, json!({ "id": id, "currency_code": "US", "amount": 494 }));
    assert_eq!((api.inventory(lute).await, api.inventory(harp).await), (6, 8));
    for kind in ["order", "payment"] {
        for (who, id) in [(&other, id), (&customer, 1), (&customer, u64::MAX)] {
            let refused = api.ask("GET", &format!("/api/{kind}/{id}")).by(who).send().await;
            refused.problem(404, &format!("{kind} not found"));
        }
        for id in ["x", "-1", "1.0"] {
            let refused = api.ask("GET", &format!("/api/{kind}/{id}")).by(&customer).send().await;
            refused.problem(400, "invalid parameter");
        }
    }
}

#[tokio::test]
async fn a_cart_that_breaks_a_rule_buys_nothing() {
    let host = Host::shared();
    let api = Api::of(&host);
    let (customer, dear) = (api.customer().await, api.product(i64::MAX, 10).await);
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
        buy(&api, &customer, body.as_bytes())
            .await
            .problem(400, "invalid parameter");
    }
    buy(&api, &customer, body(&item("17", "1"), nt).as_bytes())
        .await
        .problem(404, "product not found");
    assert_eq!(api.inventory(dear).await, 10);
    buy(&api, &customer, body(&item(&id, "1"), nt).as_bytes()).await.ok(201);
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
        buy_with_key(&api, &customer, key, &body)
            .await
            .problem(400, "invalid parameter");
    }
    for _ in 0..2 {
        let refused = buy_with_key(&api, &customer, "refused", &cart(&[(17, 1)])).await;
        refused.problem(404, "product not found");
    }
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

#[tokio::test]
async fn the_manifest_can_ask_for_the_operators_token_to_add_products() {
    let open = "match = \"POST /api/product\"\ncomponent = \"product\"";
    let closed = manifest::with(manifest::SHOP, open, &format!("{open}\noperator = true"));
    let home = crate::common::host::Home::new(&format!("{closed}\n[admin]\ntoken = {{ file = \"operator\" }}\n"));
    let token = "an operator's token that nobody guesses";
    home.secret("operator", token);
    let host = home.start();
    let api = Api::of(&host);
    api.post("/api/product", &product(1, 1))
        .await
        .unauthorized("unauthorized");
    let customer = api.customer().await;
    api.ask("POST", "/api/product")
        .by(&customer)
        .json(&product(1, 1))
        .send()
        .await
        .unauthorized("unauthorized");
    api.ask("POST", "/api/product")
        .bearer(token)
        .json(&product(1, 1))
        .send()
        .await
        .ok(201);
    api.get("/api/products").await.ok(200);
}
