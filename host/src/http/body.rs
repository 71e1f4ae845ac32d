//! Reading a request's body: whole, within the manifest's bounds.

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::StatusCode;
use skald_manifest::Server;

use super::Problem;

/// The body, or the refusal of one that is too large (413) or too slow (408).
pub(super) async fn read(body: Body, server: &Server) -> Result<Bytes, Problem> {
    match tokio::time::timeout(server.body_timeout, to_bytes(body, server.max_body)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_too_large(&error) => Err(too_large(server)),
        Ok(Err(_)) => Err(Problem::invalid("the body ended early")),
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "request timeout")
            .detail(format!("the body was not there after {} s", server.body_timeout.as_secs()))),
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        source = error.source();
    }
    false
}

fn too_large(server: &Server) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload too large")
        .detail(format!("a body may have {} bytes at most", server.max_body))
}
