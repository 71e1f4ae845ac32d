//! Sign-up, log-in, refresh and the customer's own data: every row with every refusal.

use serde_json::{Value, json};

use crate::common::api::{Answer, Api, PASSWORD, form};
use crate::common::host::Host;

/// The body without each of these members, and with values in its place that are none.
fn spoilt(body: &Value, members: &[&str]) -> Vec<Value> {
    let wrong = [
        json!(null),
        json!(1),
        json!(true),
        json!([]),
        json!({}),
        json!(""),
        json!("x".repeat(2000)),
    ];
    let mut bodies = vec![];
    for member in members {
        let mut without = body.clone();
        without.as_object_mut().expect("an object").remove(*member);
        bodies.push(without);
        bodies.extend(wrong.iter().map(|wrong| {
            let mut body = body.clone();
            body[*member] = wrong.clone();
            body
        }));
    }
    bodies
}

fn texts(answer: &Value) -> Vec<&String> {
    answer.as_object().expect("an object").keys().collect()
}

#[tokio::test]
async fn signing_up_gives_a_token_pair() {
    let host = Host::shared();
    let api = Api::of(&host);
    let tokens = api.post("/api/account/auth/signup", &form()).await.ok(201);
    assert_eq!(texts(&tokens), ["access_token", "refresh_token"]);
}

#[tokio::test]
async fn signing_up_needs_every_field() {
    let host = Host::shared();
    let api = Api::of(&host);
    let good = form();
    let members = ["password", "firstname", "lastname", "email", "address", "phone_number"];
    for body in spoilt(&good, &members) {
        api.post("/api/account/auth/signup", &body).await.invalid();
    }
    for password in ["1234567", &"x".repeat(129)] {
        let mut body = good.clone();
        body["password"] = (*password).into();
        api.post("/api/account/auth/signup", &body).await.invalid();
    }
    for password in ["12345678", &"✓".repeat(128)] {
        let mut body = form();
        body["password"] = (*password).into();
        api.post("/api/account/auth/signup", &body).await.ok(201);
    }
}

#[tokio::test]
async fn an_address_signs_up_once_in_any_case() {
    let host = Host::shared();
    let api = Api::of(&host);
    let customer = api.customer().await;
    let mut body = form();
    for email in [customer.email.clone(), customer.email.to_uppercase()] {
        body["email"] = email.into();
        api.post("/api/account/auth/signup", &body)
            .await
            .problem(409, "duplicate entry");
    }
}

#[tokio::test]
async fn of_many_who_take_an_address_at_once_one_gets_it() {
    let host = Host::shared();
    let api = Api::of(&host);
    let body = form();
    let asked = (0..8).map(|_| api.post("/api/account/auth/signup", &body));
    let (got, refused): (Vec<Answer>, Vec<Answer>) = futures::future::join_all(asked)
        .await
        .into_iter()
        .partition(|answer| answer.status == 201);
    assert_eq!(got.len(), 1);
    for answer in refused {
        answer.problem(409, "duplicate entry");
    }
}

#[tokio::test]
async fn logging_in_says_what_was_wrong() {
    let host = Host::shared();
    let api = Api::of(&host);
    let customer = api.customer().await;
    let path = "/api/account/auth/login";
    for email in [customer.email.clone(), customer.email.to_uppercase()] {
        let tokens = api
            .post(path, &json!({ "email": email, "password": PASSWORD }))
            .await
            .ok(200);
        assert_eq!(texts(&tokens), ["access_token", "refresh_token"]);
    }
    let unknown = api
        .post(path, &json!({ "email": "nobody@example.org", "password": PASSWORD }))
        .await;
    unknown.problem(404, "customer not found");
    let wrong = api
        .post(path, &json!({ "email": customer.email, "password": "wrong horse" }))
        .await;
    wrong.problem(401, "authentication failed");
    let good = json!({ "email": customer.email, "password": PASSWORD });
    for body in spoilt(&good, &["email", "password"]) {
        api.post(path, &body).await.invalid();
    }
}

#[tokio::test]
async fn a_customer_who_is_inactive_gets_no_tokens() {
    let host = Host::start(crate::common::manifest::SHOP);
    let customer = Api::of(&host).customer().await;
    let home = host.stop();
    let database = rusqlite::Connection::open(home.data().join("account.db")).expect("the database");
    database
        .execute("UPDATE customer SET active = FALSE", ())
        .expect("changed");
    drop(database);
    let host = home.start();
    let api = Api::of(&host);
    let path = "/api/account/auth/login";
    let right = api
        .post(path, &json!({ "email": customer.email, "password": PASSWORD }))
        .await;
    right.problem(401, "customer inactive");
    let wrong = api
        .post(path, &json!({ "email": customer.email, "password": "wrong horse" }))
        .await;
    wrong.problem(401, "authentication failed");
    let refresh = api
        .post(
            "/api/account/auth/refresh",
            &json!({ "refresh_token": customer.refresh }),
        )
        .await;
    refresh.problem(401, "customer inactive");
}

#[tokio::test]
async fn a_refresh_token_gives_a_new_pair() {
    let host = Host::shared();
    let api = Api::of(&host);
    let customer = api.customer().await;
    let path = "/api/account/auth/refresh";
    let pair = api
        .post(path, &json!({ "refresh_token": customer.refresh }))
        .await
        .ok(200);
    let access = pair["access_token"].as_str().expect("a token");
    api.ask("GET", "/api/account/info/person")
        .bearer(access)
        .send()
        .await
        .ok(200);
    for token in ["rubbish", "a.b.c", &customer.access] {
        api.post(path, &json!({ "refresh_token": token }))
            .await
            .unauthorized("invalid token");
    }
    for body in [
        json!({}),
        json!({ "refresh_token": 1 }),
        json!({ "refresh_token": "" }),
        json!([]),
    ] {
        api.post(path, &body).await.invalid();
    }
}

#[tokio::test]
async fn a_customer_reads_and_changes_a_person() {
    let host = Host::shared();
    let api = Api::of(&host);
    let (customer, other) = (api.customer().await, api.customer().await);
    let path = "/api/account/info/person";
    let person = api.get_as(&customer, path).await.ok(200);
    assert_eq!(
        person,
        json!({ "firstname": "Ada", "lastname": "Byron", "email": customer.email })
    );

    let email = form()["email"].clone();
    let changed = json!({ "firstname": "Augusta", "lastname": "King", "email": email });
    let done = api.put_as(&customer, path, &changed).await.ok(200);
    assert_eq!(done, json!({ "msg": "ok" }));
    assert_eq!(api.get_as(&customer, path).await.ok(200), changed);
    let old = json!({ "email": customer.email, "password": PASSWORD });
    api.post("/api/account/auth/login", &old)
        .await
        .problem(404, "customer not found");
    let new = json!({ "email": email, "password": PASSWORD });
    api.post("/api/account/auth/login", &new).await.ok(200);

    let mut taken = changed.clone();
    taken["email"] = other.email.to_uppercase().into();
    api.put_as(&customer, path, &taken)
        .await
        .problem(409, "duplicate entry");
    api.put_as(&customer, path, &changed).await.ok(200);
    for body in spoilt(&changed, &["firstname", "lastname", "email"]) {
        api.put_as(&customer, path, &body).await.invalid();
    }
}

#[tokio::test]
async fn what_a_customer_enters_is_kept_as_it_is() {
    let host = Host::shared();
    let api = Api::of(&host);
    let customer = api.customer().await;
    let path = "/api/account/info/person";
    for name in [
        "\u{1f3bb}",
        " a ",
        "a\u{1}b\r\n\"\\",
        "O'Brien; DROP TABLE customer --",
        &"\u{df}".repeat(255),
    ] {
        let person = json!({ "firstname": name, "lastname": name, "email": customer.email, "role": "admin" });
        api.put_as(&customer, path, &person).await.ok(200);
        let kept = api.get_as(&customer, path).await.ok(200);
        let expected = json!({ "firstname": name, "lastname": name, "email": customer.email });
        assert_eq!(kept, expected, "unknown members mean nothing");
    }
    for name in ["\0", "a\0b", " \t\n", &"x".repeat(256)] {
        let person = json!({ "firstname": name, "lastname": "b", "email": customer.email });
        let refused = api.put_as(&customer, path, &person).await;
        refused.invalid();
    }
}

#[tokio::test]
async fn a_customer_reads_and_changes_where_goods_go() {
    let host = Host::shared();
    let api = Api::of(&host);
    let customer = api.customer().await;
    let path = "/api/account/info/shipping";
    let shipping = api.get_as(&customer, path).await.ok(200);
    assert_eq!(
        shipping,
        json!({ "address": "12 St James Square, London", "phone_number": "+44 20 7946 0000" })
    );
    let changed = json!({ "address": "Ockham Park", "phone_number": "1" });
    let done = api.put_as(&customer, path, &changed).await.ok(200);
    assert_eq!(done, json!({ "msg": "ok" }));
    assert_eq!(api.get_as(&customer, path).await.ok(200), changed);
    for body in spoilt(&changed, &["address", "phone_number"]) {
        api.put_as(&customer, path, &body).await.invalid();
    }
}
