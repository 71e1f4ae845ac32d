//! Who asks: the bearer token of a request, turned into a principal by the component that knows the
//! customers.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use skald_manifest::Auth;

use subtle::ConstantTimeEq;

use super::{App, Problem};
use crate::invoke::{Denial, Principal};

/// The principal of a request, or why it has none.
pub(super) async fn authenticate(app: &App, auth: &Auth, headers: &HeaderMap) -> Result<Principal, Problem> {
    let token = bearer(headers)?;
    let version = app.registry.active(&auth.component).ok_or_else(Problem::internal)?;
    match version.authenticate(token.to_owned()).await {
        Ok(Ok(principal)) => Ok(principal),
        Ok(Err(Denial::Invalid(_))) => Err(unauthorized("the token is not one of this service's access tokens")),
        Ok(Err(Denial::Expired(msg))) => {
            Err(Problem::unauthorized(msg).detail("get a new access token with the refresh token"))
        }
        Ok(Err(Denial::Unavailable(why))) => {
            tracing::warn!(component = auth.component, why, "nobody can be authenticated");
            Err(Problem::unavailable(1))
        }
        Err(error) if error.is_overload() => Err(Problem::unavailable(1)),
        Err(error) => {
            tracing::error!(%error, "authentication failed");
            Err(Problem::internal())
        }
    }
}

/// Refuses a request that doesn't carry the operator's token.
pub(super) fn operator(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    let given = bearer(headers)?;
    // The length of a token is no secret; its bytes are compared in constant time.
    let right = app
        .operator
        .as_ref()
        .is_some_and(|token| given.as_bytes().ct_eq(token.expose()).into());
    if right {
        Ok(())
    } else {
        Err(unauthorized("this path takes the operator's token"))
    }
}

/// The token of the one `Authorization` header. The scheme is `Bearer` in any case (RFC 9110).
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let header = given
        .next()
        .ok_or_else(|| unauthorized("the request has no Authorization header"))?;
    if given.next().is_some() {
        return Err(unauthorized("the request has more than one Authorization header"));
    }
    let text = header
        .to_str()
        .map_err(|_| unauthorized("the Authorization header is not text"))?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(unauthorized(
            "write the header as: Authorization: Bearer <access token>",
        ));
    }
    Ok(token)
}

fn unauthorized(detail: &str) -> Problem {
    Problem::unauthorized("unauthorized").detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_in_any_case_is_a_scheme() {
        for (header, token) in [
            (Some("Bearer abc"), Some("abc")),
            (Some("bearer abc"), Some("abc")),
            (Some("BEARER  abc "), Some("abc")),
            (Some("Basic abc"), None),
            (Some("Bearerabc"), None),
            (Some("Bearer"), None),
            (Some("Bearer "), None),
            (Some("abc"), None),
            (None, None),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert(AUTHORIZATION, header.parse().expect("plain text"));
            }
            assert_eq!(bearer(&headers).ok(), token, "{header:?}");
        }
    }
}
