//! Products: every row with every refusal, and what a body may be.

use serde_json::json;

use crate::common::api::{Api, product};
use crate::common::host::{Home, Host};
use crate::common::manifest;

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
        api.get(&format!("/api/product/{path}")).await.invalid();
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
            api.post("/api/product", &body).await.invalid();
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
            .invalid();
    }
    for wrong in not_whole {
        api.ask("POST", "/api/product")
            .body(template("1", wrong))
            .send()
            .await
            .invalid();
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
        api.ask("POST", "/api/product").body(body).send().await.invalid();
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
        api.get(&format!("/api/products?{query}")).await.invalid();
    }
}

#[tokio::test]
async fn the_manifest_can_ask_for_the_operators_token_to_add_products() {
    let open = "match = \"POST /api/product\"\ncomponent = \"product\"";
    let closed = manifest::with(manifest::SHOP, open, &format!("{open}\noperator = true"));
    let home = Home::new(&format!("{closed}\n[admin]\ntoken = {{ file = \"operator\" }}\n"));
    let token = "an operator's token that nobody guesses";
    home.secret("operator", token);
    let host = home.start();
    let api = Api::of(&host);
    api.post("/api/product", &product(1, 1))
        .await
        .unauthorized("unauthorized");
    let customer = api.customer().await;
    api.post_as(&customer, "/api/product", &product(1, 1))
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
