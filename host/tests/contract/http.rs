//! What the contract leaves to HTTP: methods, sizes, compression, other origins, guessing, and the end.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::api::{Api, PASSWORD, product};
use crate::common::host::Host;
use crate::common::manifest;

#[tokio::test]
async fn an_unknown_path_and_a_wrong_method_are_problems() {
    let host = Host::shared();
    let api = Api::of(&host);
    for path in ["/", "/api", "/api/product/1/2", "/api/products/", "/favicon.ico"] {
        api.get(path).await.problem(404, "not found");
    }
    for (method, path, allowed) in [
        ("DELETE", "/api/product", "POST"),
        ("GET", "/api/purchase", "POST"),
        ("POST", "/api/products", "GET,HEAD"),
        ("DELETE", "/api/account/info/person", "GET,HEAD,PUT"),
    ] {
        let refused = api.ask(method, path).send().await;
        refused.problem(405, "method not allowed");
        let mut methods: Vec<&str> = refused.header("allow").split(',').map(str::trim).collect();
        methods.sort_unstable();
        assert_eq!(methods.join(","), allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let host = Host::shared();
    let api = Api::of(&host);
    let customer = api.customer().await;
    for path in ["/api/products", "/api/account/info/person", "/openapi.json", "/docs"] {
        let answer = api.ask("HEAD", path).by(&customer).send().await;
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{path}");
    }
    assert_eq!(api.ask("HEAD", "/api/product/17").send().await.status, 404);
    let stream = api.ask("HEAD", "/api/purchase/result").by(&customer).send().await;
    assert_eq!(
        (stream.status, stream.header("content-type")),
        (200, "text/event-stream"),
        "it ends at once"
    );
}

#[tokio::test]
async fn options_tell_which_methods_there_are() {
    let host = Host::shared();
    let api = Api::of(&host);
    for (path, allowed) in [("/api/products", "GET,HEAD"), ("/api/purchase", "POST")] {
        let answer = api.ask("OPTIONS", path).send().await;
        assert_eq!((answer.status, answer.header("allow")), (200, allowed), "{path}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_413() {
    let host = Host::start(&manifest::server("max-body = \"64KiB\""));
    let api = Api::of(&host);
    let large = |bytes: usize| {
        let mut body = product(1, 1);
        body["padding"] = "x".repeat(bytes - body.to_string().len() - 13).into();
        assert_eq!(body.to_string().len(), bytes);
        body
    };
    api.post("/api/product", &large(64 << 10)).await.ok(201);
    for bytes in [(64 << 10) + 1, 512 << 10] {
        api.post("/api/product", &large(bytes))
            .await
            .problem(413, "payload too large");
    }
}

#[tokio::test]
async fn a_defect_is_a_server_error_that_shows_nothing_of_itself() {
    let hostile = manifest::hostile_step(manifest::SHOP, "CREATE_ORDER", "order", "{ mode = \"nothing\" }");
    let route = "[[routes]]\nmatch = \"GET /panic\"\ncomponent = \"hostile\"\n";
    let host = Host::start(&format!("{hostile}\n{route}"));
    let failed = Api::of(&host).get("/panic").await;
    failed.problem(500, "server error");
    assert_eq!(failed.json().get("detail"), None);
}

#[tokio::test]
async fn a_request_has_an_id_its_own_or_a_new_one() {
    let host = Host::shared();
    let api = Api::of(&host);
    let given = api
        .ask("GET", "/api/products")
        .header("x-request-id", "mine-1")
        .send()
        .await;
    assert_eq!(given.header("x-request-id"), "mine-1");
    let (one, other) = (api.get("/nowhere").await, api.get("/api/products").await);
    assert!(!one.header("x-request-id").is_empty());
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
    let long = api
        .ask("GET", "/api/products")
        .header("x-request-id", &"x".repeat(200))
        .send()
        .await;
    assert!(long.header("x-request-id").len() < 100);
}

#[tokio::test]
async fn answers_are_compressed_where_the_client_can_read_it() {
    let host = Host::shared();
    let api = Api::of(&host);
    let plain = api.get("/openapi.json").await;
    assert_eq!(plain.header("content-encoding"), "");
    let packed = api
        .ask("GET", "/openapi.json")
        .header("accept-encoding", "gzip")
        .send()
        .await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.body.len() * 3 < plain.body.len());
}

#[tokio::test]
async fn pages_of_any_origin_may_use_the_api_without_credentials() {
    let host = Host::shared();
    let api = Api::of(&host);
    let simple = api
        .ask("GET", "/api/products")
        .header("origin", "https://elsewhere.example")
        .send()
        .await;
    assert_eq!(simple.header("access-control-allow-origin"), "*");
    assert_eq!(simple.header("access-control-allow-credentials"), "");
    let preflight = api
        .ask("OPTIONS", "/api/purchase")
        .header("origin", "https://elsewhere.example")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,idempotency-key,content-type",
        )
        .send()
        .await;
    assert!(matches!(preflight.status, 200 | 204), "{}", preflight.status);
    assert_eq!(preflight.header("access-control-allow-origin"), "*");
    assert!(preflight.header("access-control-allow-methods").contains("POST"));
    let headers = preflight.header("access-control-allow-headers").to_lowercase();
    for header in ["authorization", "idempotency-key", "content-type"] {
        assert!(headers.contains(header), "{headers}");
    }
}

#[tokio::test]
async fn the_manifest_says_which_origins_may() {
    let host = Host::start(&format!(
        "{}\n[server.cors]\norigins = [\"https://shop.example\"]\n",
        manifest::SHOP
    ));
    let api = Api::of(&host);
    for (origin, allowed) in [
        ("https://shop.example", "https://shop.example"),
        ("https://evil.example", ""),
    ] {
        let answer = api.ask("GET", "/api/products").header("origin", origin).send().await;
        assert_eq!(answer.header("access-control-allow-origin"), allowed);
    }
}

#[tokio::test]
async fn guessing_a_password_is_slowed_down_and_successes_are_not_counted() {
    let host = Host::start(&manifest::with(
        manifest::SHOP,
        "guess-limit = { failures = 10,",
        "guess-limit = { failures = 2, address-failures = 4,",
    ));
    let api = Api::of(&host);
    let (customer, other) = (api.customer().await, api.customer().await);
    let log_in = async |email: &str, password: &str| {
        api.post(
            "/api/account/auth/login",
            &json!({ "email": email, "password": password }),
        )
        .await
    };
    for _ in 0..6 {
        log_in(&customer.email, PASSWORD).await.ok(200);
    }
    for _ in 0..2 {
        log_in(&customer.email, "wrong horse")
            .await
            .problem(401, "authentication failed");
    }
    let locked = log_in(&customer.email.to_uppercase(), PASSWORD).await;
    locked.problem(429, "too many attempts");
    assert!(
        locked
            .header("retry-after")
            .parse::<u32>()
            .is_ok_and(|seconds| seconds > 0)
    );
    log_in(&other.email, PASSWORD).await.ok(200);
    for nobody in ["nobody@example.org", "no.one@example.org"] {
        log_in(nobody, PASSWORD).await.problem(404, "customer not found");
    }
    log_in(&other.email, PASSWORD).await.problem(429, "too many attempts");
}

#[tokio::test]
async fn guesses_at_the_same_time_get_no_more_answers_than_one_after_the_other() {
    let host = Host::start(&manifest::with(
        manifest::SHOP,
        "guess-limit = { failures = 10,",
        "guess-limit = { failures = 3,",
    ));
    let api = Api::of(&host);
    let customer = api.customer().await;
    let log_in = async |password: &str| {
        let body = json!({ "email": customer.email, "password": password });
        api.post("/api/account/auth/login", &body).await.status
    };
    let right = futures::future::join_all((0..8).map(|_| log_in(PASSWORD))).await;
    assert_eq!(right, [200; 8], "logging in counts for nothing");
    let mut wrong = futures::future::join_all((0..12).map(|_| log_in("wrong horse"))).await;
    wrong.sort_unstable();
    assert_eq!(wrong, [[401; 3].as_slice(), &[429; 9]].concat());
}

#[tokio::test]
async fn a_host_that_stops_ends_what_runs_and_takes_nothing_new() {
    let host = Host::start(manifest::SHOP);
    let api = Api::of(&host);
    let customer = api.customer().await;
    let mut stream = api.stream(&customer).await;
    stream.next().await.expect("the first comment");
    // A request of which half is there.
    let body = product(1, 1).to_string();
    let mut running = TcpStream::connect(host.address).await.expect("connected");
    let head = format!(
        "POST /api/product HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    running.write_all(head.as_bytes()).await.expect("sent");
    let mut go_on = [0; 25];
    running
        .read_exact(&mut go_on)
        .await
        .expect("the host has begun to read the body");
    assert!(go_on.starts_with(b"HTTP/1.1 100 "));

    host.ask_to_stop();
    while stream.next().await.is_some() {}
    // A connection that was taken in the last moment is closed, too.
    while let Ok(mut late) = TcpStream::connect(host.address).await {
        let _ = late.read(&mut [0]).await;
    }
    running.write_all(body.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    running.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let (status, _home) = host.wait();
    assert!(status.success(), "{status}");
}
