//! A component from elsewhere, which knows `wasi:http` and nothing of Skald, behind a route.

use reqwest::Response;

use crate::common::api::Api;
use crate::common::gate::Gate;
use crate::common::host::Host;
use crate::common::manifest::SHOP;

fn host(granted: &str) -> Host {
    let foreign = format!(
        r#"
[components.foreign]
artifact = "foreign.wasm"
http = ["{granted}"]

[[routes]]
match = "GET,POST /elsewhere/{{*rest}}"
component = "foreign"
"#
    );
    Host::start(&format!("{SHOP}{foreign}"))
}

/// What is read of a body until it ends, and whether it ended as it should.
async fn read(mut response: Response) -> (Vec<u8>, bool) {
    let mut body = vec![];
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return (body, true),
            Err(_) => return (body, false),
        }
    }
}

#[tokio::test]
async fn a_component_from_elsewhere_answers_at_its_route() {
    let host = host("127.0.0.1:9");
    let api = Api::of(&host);
    let hello = api.get("/elsewhere/hello").await;
    assert_eq!((hello.status, hello.text().as_str()), (200, "hello from elsewhere"));
    assert_eq!(
        (hello.header("content-type"), hello.header("x-from")),
        ("text/plain", "elsewhere")
    );
    assert_eq!(api.get("/elsewhere/nowhere").await.status, 404);
    api.ask("DELETE", "/elsewhere/hello")
        .send()
        .await
        .problem(405, "method not allowed");

    let body: Vec<u8> = (0..1_000_000_u32).map(|byte| byte.to_le_bytes()[0]).collect();
    let echoed = api.ask("POST", "/elsewhere/echo").body(body.clone()).send().await;
    assert_eq!((echoed.status, echoed.body == body), (200, true));
}

#[tokio::test]
async fn a_large_body_streams_as_fast_as_it_is_read() {
    let host = host("127.0.0.1:9");
    // More than an instance may have of memory, and more than connections and pipes hold.
    let lines = 6 << 20;
    let response = Api::of(&host)
        .ask("GET", &format!("/elsewhere/large?{lines}"))
        .start()
        .await;
    assert_eq!(response.headers().get("content-length"), None);
    let (body, whole) = read(response).await;
    assert!(whole && body.len() == lines * 16, "{} bytes", body.len());
    assert!(body.chunks(16).all(|line| line == b"0123456789abcde\n"));
}

#[tokio::test]
async fn a_trap_is_a_server_error_or_an_answer_that_breaks_off() {
    let host = host("127.0.0.1:9");
    let api = Api::of(&host);
    for path in ["trap", "silent"] {
        api.get(&format!("/elsewhere/{path}"))
            .await
            .problem(500, "server error");
    }
    let late = api.ask("GET", "/elsewhere/trap-late").start().await;
    assert_eq!(late.status(), 200);
    let (_, whole) = read(late).await;
    assert!(!whole, "what is missing must not look like the end");
    assert_eq!(api.get("/elsewhere/hello").await.status, 200);
}

#[tokio::test]
async fn it_reaches_the_hosts_that_it_is_granted() {
    let (mut granted, mut other) = (Gate::open(), Gate::open());
    let host = host(&granted.authority());
    let api = Api::of(&host);
    let asking = tokio::spawn({
        let (api, path) = (api.clone(), format!("/elsewhere/fetch?{}", granted.authority()));
        async move { api.get(&path).await }
    });
    granted.next("asked").await.answer(204);
    let answer = asking.await.expect("no panic");
    assert_eq!((answer.status, answer.text().as_str()), (200, "204"));
    let refused = api.get(&format!("/elsewhere/fetch?{}", other.authority())).await;
    assert_eq!(refused.status, 502);
    assert!(refused.text().contains("HttpRequestDenied"), "{}", refused.text());
    assert!(other.is_quiet(), "nobody has come");
}
