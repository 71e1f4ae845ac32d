//! Counting requests, around the public API.

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use super::{Metrics, RequestLabels};

impl Metrics {
    /// Counts the requests of this router, by the patterns of its routes.
    pub fn around(&self, router: Router) -> Router {
        router.layer(from_fn_with_state(self.clone(), count))
    }
}

async fn count(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = known(request.method().as_str());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let response = next.run(request).await;
    let labels = RequestLabels {
        method,
        route,
        status: response.status().as_u16(),
    };
    metrics
        .0
        .requests
        .get_or_create(&labels)
        .observe(begun.elapsed().as_secs_f64());
    response
}

/// A client may invent methods; a series for each would be without bound.
fn known(method: &str) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.into_iter().find(|known| *known == method).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_methods_share_a_series() {
        assert_eq!(known("GET"), "GET");
        assert_eq!(known("BREW"), "other");
    }
}
