//! What the contract leaves to HTTP and no client library says by itself: requests that are none, heads and hosts,
//! bodies in pieces, and requests behind each other.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::api::{Api, product};
use crate::common::host::Host;
use crate::common::manifest;

/// Sends these bytes and reads until the host closes the connection.
async fn raw(host: &Host, bytes: impl AsRef<[u8]>) -> String {
    let mut socket = TcpStream::connect(host.address).await.expect("connected");
    socket.write_all(bytes.as_ref()).await.expect("sent");
    let mut answer = vec![];
    // A connection that is reset has said what it had to say.
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// The answers in what a connection said: status and body of each.
fn answers(mut text: &str) -> Vec<(u16, Value)> {
    let mut answers = vec![];
    while let Some((head, rest)) = text.split_once("\r\n\r\n") {
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(0, |length| length.parse().expect("a number"));
        let body = if length == 0 {
            Value::Null
        } else {
            serde_json::from_str(&rest[..length]).expect("JSON")
        };
        answers.push((status.expect("a status"), body));
        text = &rest[length..];
    }
    assert_eq!(text, "", "the end of the last answer");
    answers
}

/// Checks that a connection said nothing but one problem.
#[track_caller]
fn is_problem(text: &str, status: u16, msg: &str) {
    let answers = answers(text);
    let [(given, body)] = &answers[..] else {
        panic!("one answer, not {text}")
    };
    assert_eq!(
        (*given, &body["status"], &body["msg"]),
        (status, &status.into(), &msg.into())
    );
    assert!(
        text.contains("\r\ncontent-type: application/problem+json\r\n"),
        "{text}"
    );
}

/// A request for the first product, by which the connection ends.
const LAST: &str = "GET /api/products?size=1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn heads_have_bounds_in_size_and_in_time() {
    let host = Host::start(&manifest::server(
        "max-headers = \"8KiB\"\nheader-timeout = \"300ms\"\nbody-timeout = \"300ms\"",
    ));
    for head in [
        format!(
            "GET /api/products HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
            "x".repeat(32 << 10)
        ),
        format!(
            "GET /api/products HTTP/1.1\r\nhost: a\r\n{}\r\n",
            "x: y\r\n".repeat(500)
        ),
        format!("GET /api/products?{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(32 << 10)),
    ] {
        is_problem(&raw(&host, head).await, 431, "request header fields too large");
    }
    // The host closes what never becomes a request; nothing is asked of it that it would have to answer.
    assert_eq!(raw(&host, "GET /api/products HTTP/1.1\r\nhost: a\r\n").await, "");
    let slow = "POST /api/product HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 100\r\n\r\n{";
    is_problem(&raw(&host, slow).await, 408, "request timeout");
    Api::of(&host).get("/api/products").await.ok(200);
}

#[tokio::test]
async fn what_is_no_request_is_a_problem() {
    let host = Host::shared();
    for bytes in [
        "rubbish\r\n\r\n",
        "GET /api/products HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /api/products HTTP/3.0\r\nhost: a\r\n\r\n",
        "POST /api/product HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        "POST /api/product HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n{}",
    ] {
        is_problem(&raw(&host, bytes).await, 400, "invalid parameter");
    }
}

#[tokio::test]
async fn a_request_says_once_which_host_it_is_for() {
    let host = Host::shared();
    let request = |version: &str, headers: &str| {
        format!("GET /api/products?size=1 HTTP/{version}\r\nconnection: close\r\n{headers}\r\n")
    };
    for headers in [
        "",
        "host: a\r\nhost: a\r\n",
        "host: a b\r\n",
        "host: \r\n",
        "host: \u{e4}\r\n",
    ] {
        is_problem(&raw(&host, request("1.1", headers)).await, 400, "invalid parameter");
    }
    for (version, headers) in [("1.1", "host: [::1]:80\r\n"), ("1.0", ""), ("1.0", "host: a\r\n")] {
        assert_eq!(
            answers(&raw(&host, request(version, headers)).await)[0].0,
            200,
            "{version} {headers}"
        );
    }
}

#[tokio::test]
async fn requests_behind_each_other_are_answered_in_their_order() {
    let host = Host::shared();
    let body = product(7, 1).to_string();
    let requests = format!(
        "GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\nPOST /api/product HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}\
         GET /api/product/17 HTTP/1.1\r\nhost: a\r\n\r\n{LAST}",
        body.len()
    );
    let answers = answers(&raw(&host, requests).await);
    let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [404, 201, 404, 200]);
    assert_eq!(
        (&answers[0].1["msg"], &answers[2].1["msg"]),
        (&"not found".into(), &"product not found".into())
    );
    // Rubbish behind a request is refused after that has been answered.
    let refused = raw(
        &host,
        format!("{}rubbish\r\n\r\n", LAST.replace("connection: close\r\n", "")),
    )
    .await;
    assert_eq!(
        self::answers(&refused)
            .iter()
            .map(|(status, _)| *status)
            .collect::<Vec<_>>(),
        [200, 400]
    );
}

#[tokio::test]
async fn a_body_may_come_in_chunks() {
    let host = Host::shared();
    let head = "POST /api/product HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    let body = product(7, 1).to_string();
    let (one, two) = body.split_at(20);
    let whole = format!(
        "{head}{:x}\r\n{one}\r\n{:x};x=y\r\n{two}\r\n0\r\nx: y\r\n\r\n",
        one.len(),
        two.len()
    );
    assert_eq!(answers(&raw(&host, whole).await)[0].0, 201);
    for broken in ["zz\r\n{}\r\n0\r\n\r\n", "-1\r\n", "ffffffffffffffffff\r\n{}"] {
        is_problem(&raw(&host, format!("{head}{broken}")).await, 400, "invalid parameter");
    }
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_told_whether_to() {
    let host = Host::start(&manifest::server("max-body = \"64KiB\""));
    let ask = |length: usize| {
        format!(
            "POST /api/product HTTP/1.1\r\nhost: a\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let body = product(7, 1).to_string();
    let taken = answers(&raw(&host, ask(body.len()) + &body).await);
    assert_eq!(taken.iter().map(|(status, _)| *status).collect::<Vec<_>>(), [100, 201]);
    is_problem(&raw(&host, ask((64 << 10) + 1)).await, 413, "payload too large");
}
