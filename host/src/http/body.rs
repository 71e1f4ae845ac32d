//! Reading a request's body: whole, within the manifest's bounds.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::{Bytes, BytesMut};
use http::header::EXPECT;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use skald_manifest::Server;
use tokio::time::timeout;

use super::Problem;

/// How many bodies' worth of a body that is too large is read and thrown away. A client that is cut off
/// while it sends never sees the answer.
const DISCARDED: usize = 16;

/// How long that may take.
const DISCARDING: Duration = Duration::from_secs(2);

/// The body, or the refusal of one that is too large (413) or too slow (408). `headers` are its request's.
pub(super) async fn read(mut body: Body, headers: &HeaderMap, server: &Server) -> Result<Bytes, Problem> {
    // A client that asks first whether to send it is told no. To read from the body would tell it yes.
    let is_too_large = body.size_hint().lower() > server.max_body as u64;
    if is_too_large && headers.contains_key(EXPECT) {
        return Err(too_large(server));
    }
    let collected = if is_too_large {
        Ok(Ok(None))
    } else {
        timeout(server.body_timeout, collect(&mut body, server)).await
    };
    match collected {
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Ok(None)) => {
            // However it ends, the answer is the same.
            let _ = timeout(DISCARDING, discard(&mut body, server.max_body * DISCARDED)).await;
            Err(too_large(server))
        }
        Ok(Err(_)) => Err(Problem::invalid("the body ended early")),
        Err(_) => Err(
            Problem::new(StatusCode::REQUEST_TIMEOUT, "request timeout").detail(format!(
                "the body was not there after {} s",
                server.body_timeout.as_secs_f32()
            )),
        ),
    }
}

/// None: it is too large.
async fn collect(body: &mut Body, server: &Server) -> Result<Option<Bytes>, axum::Error> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // Trailers mean nothing to anybody here.
        let Ok(data) = frame?.into_data() else { continue };
        if whole.len() + data.len() > server.max_body {
            return Ok(None);
        }
        whole.extend_from_slice(&data);
    }
    Ok(Some(whole.freeze()))
}

async fn discard(body: &mut Body, most: usize) {
    let mut discarded = 0;
    while let Some(Ok(frame)) = body.frame().await {
        discarded += frame.data_ref().map_or(0, Bytes::len);
        if discarded > most {
            return;
        }
    }
}

fn too_large(server: &Server) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload too large")
        .detail(format!("a body may have {} bytes at most", server.max_body))
}
