//! What every request of the public API meets before its route: an id, a trace, CORS, compression,
//! and a net for panics.

use std::any::Any;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::Method;
use http::header::{HeaderName, HeaderValue};
use skald_manifest::Server;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::trace::TraceLayer;
use tracing::Span;

use super::Problem;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts all of it around a router.
pub(super) fn around(router: Router, server: &Server) -> Router {
    let layers = ServiceBuilder::new()
        .map_request(without_host_headers)
        .layer(SetRequestIdLayer::new(REQUEST_ID, RandomId))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                .on_request(())
                .on_failure(()),
        )
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(cors(server))
        .layer(CompressionLayer::new());
    router.layer(layers)
}

/// Headers of this prefix are the host's word to components. A client's are dropped. So is a request
/// id that is too long or not printable: it would end up in logs.
fn without_host_headers(mut request: Request) -> Request {
    let theirs: Vec<HeaderName> = request
        .headers()
        .keys()
        .filter(|name| name.as_str().starts_with("skald-"))
        .cloned()
        .collect();
    for name in theirs {
        request.headers_mut().remove(name);
    }
    if request
        .headers()
        .get(&REQUEST_ID)
        .is_some_and(|id| id.len() > 128 || id.to_str().is_err())
    {
        request.headers_mut().remove(&REQUEST_ID);
    }
    request
}

#[derive(Clone)]
struct RandomId;

impl MakeRequestId for RandomId {
    fn make_request_id<B>(&mut self, _: &http::Request<B>) -> Option<RequestId> {
        let id = format!("{:016x}", getrandom::u64().unwrap_or_default());
        HeaderValue::from_str(&id).ok().map(RequestId::new)
    }
}

/// The path is logged without its query, which may hold what should not be in a log.
fn span(request: &Request) -> Span {
    let id = request
        .headers()
        .get(&REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default();
    tracing::debug_span!("request", method = %request.method(), path = request.uri().path(), id)
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands the panic over")]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(
        panic = text.unwrap_or("no text"),
        "a request panicked: a defect of the host"
    );
    Problem::internal().into_response()
}

fn cors(server: &Server) -> CorsLayer {
    let origins = &server.cors.origins;
    let origin = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH])
        // A `*` would leave out Authorization (Fetch, 4.9): what is asked for is allowed by name.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([REQUEST_ID, http::header::RETRY_AFTER, http::header::WWW_AUTHENTICATE])
        .max_age(std::time::Duration::from_hours(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cant_speak_as_the_host() {
        let request = http::Request::builder()
            .header("Skald-Principal", "{}")
            .header("skald-anything", "x")
            .header("x-request-id", "kept")
            .body(axum::body::Body::empty())
            .expect("a request");
        let request = without_host_headers(request);
        let kept: Vec<&str> = request.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(kept, ["x-request-id"]);
    }
}
