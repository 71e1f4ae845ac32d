//! Which host a request is for. HTTP/1.1 asks for exactly one Host header (RFC 9112, 3.2), and a component can't be
//! handed a request without one.

use axum::extract::Request;
use http::Version;
use http::header::{HOST, HeaderValue};
use http::uri::Authority;

use super::Problem;

/// What a request of HTTP/1.0 is for that doesn't say.
const UNSAID: HeaderValue = HeaderValue::from_static("localhost");

/// Refuses a request that doesn't say what host it is for, or says it twice.
pub(super) fn settle(request: &mut Request) -> Result<(), Problem> {
    let mut given = request.headers().get_all(HOST).iter();
    match (given.next(), given.next()) {
        (Some(host), None) if is_authority(host) => Ok(()),
        (Some(_), None) => Err(Problem::invalid(
            "the Host header is not a name or an address, and a port",
        )),
        (Some(_), Some(_)) => Err(Problem::invalid("the request has more than one Host header")),
        (None, _) if request.version() < Version::HTTP_11 => {
            request.headers_mut().insert(HOST, UNSAID);
            Ok(())
        }
        (None, _) => Err(Problem::invalid("the request has no Host header")),
    }
}

fn is_authority(host: &HeaderValue) -> bool {
    Authority::try_from(host.as_bytes()).is_ok()
}
