//! A component that has never heard of Skald: it is written against the standard's `wasi:http/proxy`
//! and nothing else, as any that runs elsewhere.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingRequest, OutgoingResponse, ResponseOutparam, Scheme,
};
use wasip2::io::streams::{OutputStream, StreamError};

/// How much is written at a time.
const CHUNK: usize = 4096;

/// What the bodies of its own consist of.
const LINE: &[u8; 16] = b"0123456789abcde\n";

struct Foreign;

#[cfg(target_family = "wasm")]
wasip2::http::proxy::export!(Foreign);

#[cfg(not(target_family = "wasm"))]
const _: Foreign = Foreign;

impl Guest for Foreign {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        match (request.method(), path.rsplit('/').next().unwrap_or_default()) {
            (Method::Get, "hello") => answer(out, 200, |stream| write(stream, b"hello from elsewhere")),
            (Method::Post, "echo") => answer(out, 200, |stream| echo(&request, stream)),
            (Method::Get, "large") => answer(out, 200, |stream| lines(stream, query.parse().unwrap_or_default())),
            (Method::Get, "fetch") => {
                let (status, text) = fetch(query);
                answer(out, status, |stream| write(stream, text.as_bytes()));
            }
            (Method::Get, "trap") => panic!("before the answer"),
            (Method::Get, "trap-late") => answer(out, 200, |stream| {
                lines(stream, 200_000)?;
                panic!("in the middle of the answer")
            }),
            (Method::Get, "silent") => drop(out),
            _ => answer(out, 404, |stream| write(stream, b"there is no such page")),
        }
    }
}

/// Answers with this status and the body that `fill` writes. A client that has gone is nobody's fault.
fn answer(out: ResponseOutparam, status: u16, fill: impl FnOnce(&OutputStream) -> Result<(), StreamError>) {
    let headers = Fields::new();
    headers.append("content-type", b"text/plain").expect("a header");
    headers.append("x-from", b"elsewhere").expect("a header");
    let response = OutgoingResponse::new(headers);
    response.set_status_code(status).expect("a status");
    let body = response.body().expect("it is taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("it is taken once");
    if fill(&stream).is_ok() {
        drop(stream);
        // The client may have gone.
        let _ = OutgoingBody::finish(body, None);
    }
}

fn write(stream: &OutputStream, bytes: &[u8]) -> Result<(), StreamError> {
    bytes
        .chunks(CHUNK)
        .try_for_each(|chunk| stream.blocking_write_and_flush(chunk))
}

/// Sends the request's body back as it comes.
fn echo(request: &IncomingRequest, stream: &OutputStream) -> Result<(), StreamError> {
    let body = request.consume().expect("it is taken once");
    let input = body.stream().expect("it is taken once");
    loop {
        match input.blocking_read(64 << 10) {
            Ok(chunk) => write(stream, &chunk)?,
            Err(StreamError::Closed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Sends so many lines.
fn lines(stream: &OutputStream, count: usize) -> Result<(), StreamError> {
    let page = LINE.repeat(CHUNK / LINE.len());
    let mut left = count * LINE.len();
    while left > 0 {
        let now = left.min(CHUNK);
        stream.blocking_write_and_flush(&page[..now])?;
        left -= now;
    }
    Ok(())
}

/// Asks another server, and tells its status or the standard's name of the error.
fn fetch(authority: &str) -> (u16, String) {
    let request = OutgoingRequest::new(Fields::new());
    let prepared = request
        .set_scheme(Some(&Scheme::Http))
        .and(request.set_authority(Some(authority)))
        .and(request.set_path_with_query(Some("/asked")));
    prepared.expect("a good address");
    let answer = outgoing_handler::handle(request, None).and_then(|answer| {
        answer.subscribe().block();
        answer.get().expect("it is there").expect("it is taken once")
    });
    match answer {
        Ok(answer) => (200, answer.status().to_string()),
        Err(error) => (502, error.to_string()),
    }
}
