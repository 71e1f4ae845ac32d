//! Calls outside steps: admission, HTTP, calls from one component to another.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use http::Request;
use skald_host::invoke::{CallError, Principal};
use skald_store::fence::Outcome;

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

/// A server that answers each connection alike, and tells the head of each request.
fn server() -> (u16, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (told, heads) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.expect("a connection");
            let mut head = vec![0; 4096];
            let length = client.read(&mut head).expect("a request");
            client
                .write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                .expect("sent");
            if told
                .send(String::from_utf8_lossy(&head[..length]).into_owned())
                .is_err()
            {
                return;
            }
        }
    });
    (port, heads)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_reached_if_it_is_granted_and_refused_before_it_is_asked_if_not() {
    let ((granted, heads), (other, never)) = (server(), server());
    let manifest = HOSTILE.replace("127.0.0.1:9", &format!("127.0.0.1:{granted}"));
    let host = load(&manifest).unwrap_or_else(|faults| panic!("{faults:?}"));
    for (port, expected) in [(granted, "204"), (other, "HttpRequestDenied")] {
        let answer = host
            .version("hostile")
            .http(request("fetch", port.into()), None)
            .await
            .expect("an answer");
        let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
        assert!(String::from_utf8_lossy(&body).contains(expected), "{body:?}");
        let outcome = soon(host.step(host.hostile(port.into(), "fetch", port.into()))).await;
        assert!(
            matches!(&outcome, Outcome::Done { output, .. } if output.contains(expected)),
            "{outcome:?}"
        );
    }
    for head in heads.iter().take(2) {
        assert!(
            head.to_lowercase().contains(&format!("host: 127.0.0.1:{granted}")),
            "{head}"
        );
    }
    assert!(never.try_recv().is_err(), "nobody has connected");
}
