//! Who may do what is a customer's own: every way in which a token can be wrong.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::common::api::{Api, PASSWORD};
use crate::common::host::Host;
use crate::common::manifest::{self, SHOP};

/// Every path that is a customer's own.
const OWN: [(&str, &str); 8] = [
    ("GET", "/api/account/info/person"),
    ("PUT", "/api/account/info/person"),
    ("GET", "/api/account/info/shipping"),
    ("PUT", "/api/account/info/shipping"),
    ("POST", "/api/purchase"),
    ("GET", "/api/purchase/result"),
    ("GET", "/api/order/1"),
    ("GET", "/api/payment/1"),
];

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
}

#[tokio::test]
async fn without_a_good_access_token_nothing_of_a_customers_is_served() {
    let host = Host::shared();
    let api = Api::of(&host);
    let customer = api.customer().await;
    let headers = [
        String::new(),
        customer.access.clone(),
        "Bearer".to_owned(),
        "Bearer rubbish".to_owned(),
        format!("Basic {}", customer.access),
        format!("Token {}", customer.access),
        format!("Bearer {}", customer.refresh),
        format!("Bearer {}x", customer.access),
    ];
    for (method, path) in OWN {
        api.ask(method, path).send().await.unauthorized("unauthorized");
        for header in &headers {
            api.ask(method, path)
                .header("authorization", header)
                .send()
                .await
                .unauthorized("unauthorized");
        }
    }
}

#[tokio::test]
async fn the_scheme_is_bearer_in_any_case() {
    let host = Host::shared();
    let api = Api::of(&host);
    let customer = api.customer().await;
    for scheme in ["bearer", "Bearer", "BEARER", "bEaReR"] {
        let header = format!("{scheme} {}", customer.access);
        api.ask("GET", "/api/account/info/person")
            .header("authorization", &header)
            .send()
            .await
            .ok(200);
    }
}

#[tokio::test]
async fn no_other_algorithm_and_no_other_key_is_accepted() {
    let host = Host::start(SHOP);
    let api = Api::of(&host);
    let customer = api.customer().await;
    let key = host.key("customer-1.key");
    let claims = json!({ "customer_id": 1, "refresh": false, "exp": now() + 60 });
    let signed = |algorithm, kid: Option<&str>, key: &[u8], claims: &Value| {
        let header = Header {
            kid: kid.map(str::to_owned),
            ..Header::new(algorithm)
        };
        encode(&header, claims, &EncodingKey::from_secret(key)).expect("signed")
    };
    let path = "/api/account/info/person";
    let good = signed(Algorithm::HS256, Some("1"), &key, &claims);
    api.ask("GET", path)
        .bearer(&good)
        .send()
        .await
        .problem(404, "customer not found");
    let (_, rest) = customer.access.split_once('.').expect("three parts");
    let (payload, _) = rest.split_once('.').expect("three parts");
    let forged = [
        // {"alg":"none","kid":"1"}
        format!("eyJhbGciOiJub25lIiwia2lkIjoiMSJ9.{payload}."),
        signed(Algorithm::HS512, Some("1"), &key, &claims),
        signed(Algorithm::HS256, Some("2"), &key, &claims),
        signed(Algorithm::HS256, None, &key, &claims),
        signed(
            Algorithm::HS256,
            Some("1"),
            b"another key that is long enough to be one",
            &claims,
        ),
        signed(
            Algorithm::HS256,
            Some("1"),
            &key,
            &json!({ "customer_id": 1, "refresh": false }),
        ),
        signed(
            Algorithm::HS256,
            Some("1"),
            &key,
            &json!({ "refresh": false, "exp": now() + 60 }),
        ),
    ];
    for token in forged {
        api.ask("GET", path)
            .bearer(&token)
            .send()
            .await
            .unauthorized("unauthorized");
    }
    let late = signed(
        Algorithm::HS256,
        Some("1"),
        &key,
        &json!({ "customer_id": 1, "refresh": false, "exp": now() - 1 }),
    );
    api.ask("GET", path)
        .bearer(&late)
        .send()
        .await
        .unauthorized("token expired");
    let late = signed(
        Algorithm::HS256,
        Some("1"),
        &key,
        &json!({ "customer_id": 1, "refresh": true, "exp": now() - 1 }),
    );
    api.post("/api/account/auth/refresh", &json!({ "refresh_token": late }))
        .await
        .unauthorized("token expired");
}

#[tokio::test]
async fn what_a_token_says_cant_be_changed() {
    let host = Host::shared();
    let api = Api::of(&host);
    let (customer, other) = (api.customer().await, api.customer().await);
    let parts = |token: &str| -> Vec<String> { token.split('.').map(str::to_owned).collect() };
    let (mine, theirs, refresh) = (parts(&customer.access), parts(&other.access), parts(&customer.refresh));
    for forged in [
        [&mine[0], &theirs[1], &mine[2]],
        [&mine[0], &refresh[1], &mine[2]],
        [&mine[0], &mine[1], &theirs[2]],
        [&mine[0], &mine[1], &String::new()],
    ] {
        let token = forged.map(String::as_str).join(".");
        let refused = api.ask("GET", "/api/account/info/person").bearer(&token).send().await;
        refused.unauthorized("unauthorized");
        api.post("/api/account/auth/refresh", &json!({ "refresh_token": token }))
            .await
            .unauthorized("invalid token");
    }
}

#[tokio::test]
async fn a_token_may_outlive_its_customer() {
    let host = Host::start(SHOP);
    let customer = Api::of(&host).customer().await;
    let home = host.stop();
    let database = rusqlite::Connection::open(home.data().join("account.db")).expect("the database");
    database.execute("DELETE FROM customer", ()).expect("changed");
    drop(database);
    let host = home.start();
    let api = Api::of(&host);
    for path in ["/api/account/info/person", "/api/account/info/shipping"] {
        let refused = api.get_as(&customer, path).await;
        refused.problem(404, "customer not found");
    }
    api.post(
        "/api/account/auth/refresh",
        &json!({ "refresh_token": customer.refresh }),
    )
    .await
    .problem(404, "customer not found");
}

#[tokio::test]
async fn lifetimes_are_settings() {
    let short = manifest::with(
        SHOP,
        "access-ttl-s = \"10800\", refresh-ttl-s = \"86400\"",
        "access-ttl-s = \"0\"",
    );
    let host = Host::start(&short);
    let api = Api::of(&host);
    let customer = api.customer().await;
    api.get_as(&customer, "/api/account/info/person")
        .await
        .unauthorized("token expired");
    let claims = |token: &str| {
        jsonwebtoken::dangerous::insecure_decode::<Value>(token)
            .expect("claims")
            .claims
    };
    let (access, refresh) = (claims(&customer.access), claims(&customer.refresh));
    assert_eq!((&access["refresh"], &refresh["refresh"]), (&json!(false), &json!(true)));
    assert_eq!(access["customer_id"], refresh["customer_id"]);
    let day = Duration::from_hours(24).as_secs();
    assert!(
        refresh["exp"].as_u64().expect("seconds").abs_diff(now() + day) < 60,
        "a day by default"
    );
}

#[tokio::test]
async fn tokens_of_a_key_that_was_rotated_are_good_until_they_expire() {
    let host = Host::start(SHOP);
    let customer = Api::of(&host).customer().await;
    let home = host.stop();
    let one = "{ kid = \"1\", file = \"keys/customer-1.key\", generate = true }";
    let two = format!("{{ kid = \"2\", file = \"keys/customer-2.key\", generate = true }}, {one}");
    home.write(&manifest::with(SHOP, one, &two));
    let host = home.start();
    let api = Api::of(&host);
    api.get_as(&customer, "/api/account/info/person").await.ok(200);
    let fresh = api
        .post(
            "/api/account/auth/login",
            &json!({ "email": customer.email, "password": PASSWORD }),
        )
        .await
        .ok(200);
    let fresh = fresh["access_token"].as_str().expect("a token");
    let kid = jsonwebtoken::decode_header(fresh).expect("a header").kid;
    assert_eq!(kid.as_deref(), Some("2"));
}
