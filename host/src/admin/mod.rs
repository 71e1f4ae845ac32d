//! The admin API: how operators, scripts and probes look at the host and act on sagas.
//!
//! It has a listener of its own, which serves this machine only unless the manifest sets a token.
//! What it shows is in [`view`]; the program's own commands read the same types.
//!
//! ```text
//!  /healthz /readyz ─────────────────► health
//!  /metrics ──────────► guard ───────► crate::metrics
//!  /admin/v1/sagas… ──► guard ───────► sagas, operate ──► orchestrator, journal, fences
//!  /admin/v1/… ───────► guard ───────► inventory, keeping ──► crate::backup, skald_store::verify
//! ```

pub mod view;

mod guard;

mod health;

mod sagas;

mod operate;

mod inventory;

mod keeping;

pub use guard::{Guard, Unguarded};
pub use keeping::Keeper;

use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderName};

use crate::http::{App, Problem};
use crate::metrics::Metrics;

/// The largest body that an operator may send: a reason of a thousand characters, four times over.
const MAX_BODY: usize = 16 << 10;

/// The admin API of a host. This is its table of contents.
pub fn router(app: App, guard: Guard, metrics: Metrics, keeper: Keeper) -> Router {
    let guarded = Router::new()
        .route("/metrics", get(measure))
        .route("/admin/v1/sagas", get(sagas::list))
        .route("/admin/v1/sagas/{id}", get(sagas::show))
        .route("/admin/v1/sagas/{id}/cancel", post(operate::cancel))
        .route("/admin/v1/sagas/{id}/retry", post(operate::retry))
        .route("/admin/v1/sagas/{id}/abort", post(operate::abort))
        .route("/admin/v1/sagas/{id}/resolve", post(operate::resolve))
        .route("/admin/v1/components", get(inventory::components))
        .route("/admin/v1/databases", get(inventory::databases))
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
        .route("/admin/v1/backup", post(keeping::back_up))
        .route("/admin/v1/verify", get(keeping::check))
        .layer(Extension(metrics))
        .layer(Extension(keeper))
        .layer(from_fn_with_state(guard, guard::check));
    // Probes seldom have a token, and learn no more from these than whether the host works.
    let open = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready));
    guarded
        .merge(open)
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .with_state(app)
}

async fn measure(
    State(app): State<App>,
    Extension(metrics): Extension<Metrics>,
) -> Result<([(HeaderName, &'static str); 1], String), Problem> {
    let text = metrics.scrape(&app).await.map_err(|error| failed(&error))?;
    Ok((
        [(
            CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        text,
    ))
}

async fn no_such_path() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not found").detail("there is nothing at this path of the admin API")
}

async fn no_such_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
        .detail("the Allow header says which methods there are")
}

/// A failure of the host itself: the cause goes to the log, and to the operator too, whose host it is.
fn failed(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "the admin API can't answer");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "server error").detail(error.to_string())
}
