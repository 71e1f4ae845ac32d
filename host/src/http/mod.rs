//! The public API: the routes of the manifest, and what every request meets on its way.
//!
//! ```text
//!  connection (header limits, slow clients) ─► request id ─► trace ─► CORS ─► gzip ─► route
//!      route ─► who asks? ─► component's handler | start of a saga | stream of results
//! ```
//! It knows nothing of the shop: paths, sagas and refusals come from the manifest and the components.

mod auth;
mod authority;
mod body;
mod guess;
mod middleware;
pub mod openapi;
mod problem;
mod results;
mod router;
mod serve;
mod start;
mod unparsed;

pub use problem::Problem;
pub use router::{Unroutable, router};
pub use serve::{Connections, serve};

use std::sync::Arc;

use skald_manifest::Manifest;
use skald_orchestrator::Orchestrator;
use skald_orchestrator::stream::Hub;
use tokio_util::sync::CancellationToken;

use crate::capability::cache::Cache;
use crate::capability::secret::Secret;
use crate::registry::Registry;

/// What every request may need.
#[derive(Clone)]
pub struct App {
    /// What the operator wrote.
    pub manifest: Arc<Manifest>,
    /// The components.
    pub registry: Arc<Registry>,
    /// Values, locks and filters.
    pub cache: Arc<Cache>,
    /// The sagas.
    pub orchestrator: Orchestrator,
    /// The operator's token, where the manifest has one.
    pub operator: Option<Arc<Secret>>,
    /// The live results.
    pub hub: Hub,
    /// Cancelled when the host is to stop.
    pub stop: CancellationToken,
}
