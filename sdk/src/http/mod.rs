//! HTTP: a request is a value, a response is a value, and what goes wrong is a [`Problem`].
//!
//! The host has routed the request, checked the token where the route says `auth`, and removed every
//! header that only the host may set. `wasi` does the talking; the rest of this module is pure.

mod problem;
mod query;
mod request;
mod response;
#[doc(hidden)]
pub mod wasi;

pub use problem::Problem;
pub use query::Query;
pub use request::{Request, id};
pub use response::Response;

/// A component that answers HTTP requests.
pub trait Handler {
    /// Answers one request.
    fn handle(request: &Request) -> Result<Response, Problem>;
}
