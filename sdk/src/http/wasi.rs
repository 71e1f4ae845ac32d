//! The way from `wasi:http` to a [`Handler`] and back: no other module knows of it.

use super::{Handler, Problem, Request, Response};
use wasip2::http::types::{Fields, IncomingBody, Method, OutgoingBody, OutgoingResponse};
use wasip2::io::streams::{OutputStream, StreamError};

pub use wasip2::exports::http::incoming_handler::Guest;
pub use wasip2::http::proxy::export;
pub use wasip2::http::types::{IncomingRequest, ResponseOutparam};

/// The header in which the host names the principal. It removes one that a client sent.
const PRINCIPAL: &str = "skald-principal";

/// The largest body that is taken into memory. The host's own limit is lower; this one holds where a
/// component runs elsewhere.
const MAX_BODY: usize = 8 << 20;

/// How much is asked for at a time: a page of the linear memory.
const CHUNK: u64 = 64 << 10;

/// Answers one request.
pub fn serve<H: Handler>(request: &IncomingRequest, out: ResponseOutparam) {
    let method = method(&request.method());
    let target = request.path_with_query().unwrap_or_default();
    let answer = read(request, &method, &target).and_then(|request| H::handle(&request));
    let path = target.split('?').next().unwrap_or_default();
    let response = answer.unwrap_or_else(|problem| problem.into_response(&method, path));
    // A client that has gone away is nobody's fault, and nobody is left to be told.
    let _gone = write(&response, out);
}

fn method(method: &Method) -> String {
    let name = match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => name,
    };
    name.to_owned()
}

fn read(incoming: &IncomingRequest, method: &str, target: &str) -> Result<Request, Problem> {
    let header = incoming.headers().get(PRINCIPAL).into_iter().next();
    let principal = header.as_deref().map(String::from_utf8_lossy);
    let body = incoming
        .consume()
        .map_or_else(|()| Ok(Vec::new()), |body| collect(&body))?;
    Request::new(method, target, principal.as_deref(), body)
}

/// The whole body.
fn collect(body: &IncomingBody) -> Result<Vec<u8>, Problem> {
    let broken = |why: String| {
        Problem::new(400, "invalid parameter")
            .detail("the body broke off")
            .cause(why)
    };
    let stream = body
        .stream()
        .map_err(|()| broken("the body was read before".to_owned()))?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(CHUNK) {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => return Err(broken(error.to_debug_string())),
        }
        if bytes.len() > MAX_BODY {
            return Err(Problem::new(413, "body too large"));
        }
    }
}

fn write(response: &Response, out: ResponseOutparam) -> Result<(), StreamError> {
    let headers = Fields::new();
    let set = |name: &str, value: &str| headers.append(name, value.as_bytes());
    set("content-type", response.content_type).expect("the type is a constant");
    set("content-length", &response.body.len().to_string()).expect("a number is a header's value");
    for (name, value) in &response.headers {
        set(name, value).expect("a handler sets headers of its own, which the host allows");
    }
    let outgoing = OutgoingResponse::new(headers);
    outgoing
        .set_status_code(response.status)
        .expect("a handler answers with a status of HTTP");
    let body = outgoing.body().expect("the body is taken once");
    // The head goes first: the body would otherwise fill a pipe that nobody reads.
    ResponseOutparam::set(out, Ok(outgoing));
    let stream = body.write().expect("the stream is taken once");
    send(&stream, &response.body)?;
    drop(stream);
    let _gone = OutgoingBody::finish(body, None);
    Ok(())
}

/// Writes all bytes, as many at a time as the host has room for.
fn send(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
        if room == 0 {
            stream.subscribe().block();
            continue;
        }
        let (now, later) = bytes.split_at(room.min(bytes.len()));
        stream.write(now)?;
        bytes = later;
    }
    stream.blocking_flush()
}
