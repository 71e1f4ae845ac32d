//! Calls outside steps: admission, HTTP, calls from one component to another.

use std::time::Instant;

use axum::body::{Body, to_bytes};
use http::Request;
use skald_host::invoke::{CallError, Principal};

use crate::fixture::{HOSTILE, Host, load, soon};

fn host() -> Host {
    load(HOSTILE).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn request(mode: &str, n: u32) -> Request<Body> {
    let uri = format!("http://host/{mode}?n={n}");
    Request::builder()
        .uri(uri)
        .body(Body::from("a body"))
        .expect("a request")
}

/// What an HTTP call ends with.
async fn failure(host: &Host, mode: &str) -> CallError {
    soon(host.version("hostile").http(request(mode, 0), None))
        .await
        .expect_err("no answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_misdeed_of_a_handler_is_a_typed_failure() {
    let host = host();
    let component = || "hostile".to_owned();
    for mode in ["loop", "sleep"] {
        assert_eq!(
            failure(&host, mode).await,
            CallError::Deadline { component: component() },
            "{mode}"
        );
    }
    let memory = CallError::Memory {
        component: component(),
        limit: 16 << 20,
    };
    assert_eq!(failure(&host, "memory").await, memory);
    for mode in ["recursion", "panic", "exit"] {
        let failed = failure(&host, mode).await;
        assert!(matches!(failed, CallError::Trap { .. }), "{mode}: {failed:?}");
    }
    let answer = host
        .version("hostile")
        .http(request("nothing", 0), None)
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn components_call_one_another_so_deep_and_no_deeper() {
    let host = host();
    let version = host.version("hostile");
    let answer = version.http(request("chain", 7), None).await.expect("an answer");
    assert_eq!(to_bytes(answer.into_body(), 1 << 20).await.expect("a body"), "8");
    let failed = version
        .http(request("chain", 8), None)
        .await
        .expect_err("too deep")
        .to_string();
    assert!(failed.contains("more than 8 components call one another"), "{failed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_learns_who_asks_from_the_host_alone() {
    let host = host();
    let mut forged = request("whoami", 0);
    let claimed = r#"{"subject":"operator","roles":[],"claims":[]}"#.parse().expect("a header");
    forged.headers_mut().insert("skald-principal", claimed);
    let principal = Principal {
        subject: "Zoë\n".into(),
        ..Principal::default()
    };
    let answer = host
        .version("hostile")
        .http(forged, Some(&principal))
        .await
        .expect("an answer");
    let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    assert_eq!(body, r#"{"body":6,"subject":"Zoë\n"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn others_do_not_notice() {
    let host = host();
    let version = host.version("hostile");
    let stuck: Vec<_> = (0..8)
        .map(|_| {
            let version = version.clone();
            tokio::spawn(async move { version.http(request("loop", 0), None).await })
        })
        .collect();
    let began = Instant::now();
    let answer = version.http(request("nothing", 0), None).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert!(
        stuck.iter().any(|task| !task.is_finished()),
        "it was answered while the others went on: {began:?}"
    );
    for task in stuck {
        assert!(matches!(soon(task).await, Ok(Err(CallError::Deadline { .. }))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gate_lets_in_is_json_or_nothing() {
    let host = host();
    let version = host.version("hostile");
    let admit = |mode: &str| version.admit(None, 1, "purchase", format!(r#"{{"mode":"{mode}"}}"#));
    let admitted = admit("nothing").await.expect("an answer").expect("admitted");
    assert_eq!(admitted.input, "null");
    assert!(matches!(admit("garbage").await, Err(CallError::Garbage { .. })));
    assert!(matches!(soon(admit("loop")).await, Err(CallError::Deadline { .. })));
    let unexported = version.authenticate("token".into()).await;
    assert!(
        matches!(unexported, Err(CallError::NotExported { .. })),
        "{unexported:?}"
    );
}
