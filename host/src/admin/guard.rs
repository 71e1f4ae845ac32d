//! Who may use the admin API: this machine, or whoever has the operator's token.
//!
//! A browser is a way around "this machine": any page may send requests to loopback addresses. So
//! requests that a foreign page makes are refused, and without a token so is every name of the host
//! but a loopback one (a page could have its own name lead there).

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::{HeaderMap, StatusCode};
use skald_manifest::SecretRef;
use subtle::ConstantTimeEq;

use crate::capability::secret::{self, Secret, SecretError};
use crate::http::Problem;

/// Why the admin API can't be served.
#[derive(Debug, thiserror::Error)]
pub enum Unguarded {
    /// Other machines could reach it, and there is no token.
    #[error(
        "the admin API would be open to other machines at {0}: write `token = {{ file = \"keys/admin.token\" }}` under [admin] in the manifest, or listen on 127.0.0.1 with --admin-listen"
    )]
    Open(SocketAddr),
    /// The token can't be had.
    #[error("the token of the admin API: {0}")]
    Token(#[from] SecretError),
}

/// What a request has to show.
#[derive(Clone, Debug)]
pub struct Guard(Option<Arc<Secret>>);

impl Guard {
    /// For a listener at this address. Relative paths of secrets start at the data folder.
    ///
    /// # Errors
    /// When there is no token and other machines could reach the address, or the token can't be read.
    pub fn new(address: SocketAddr, token: Option<&SecretRef>, data: &Path) -> Result<Self, Unguarded> {
        match token {
            Some(token) => Ok(Self(Some(Arc::new(secret::read(token, data)?)))),
            None if address.ip().is_loopback() => Ok(Self(None)),
            None => Err(Unguarded::Open(address)),
        }
    }

    fn admits(&self, headers: &HeaderMap) -> Result<(), Problem> {
        if let Some(token) = &self.0 {
            let given = bearer(headers).unwrap_or_default();
            // The length of a token is no secret; its bytes are compared in constant time.
            if !bool::from(given.as_bytes().ct_eq(token.expose())) {
                return Err(Problem::unauthorized("unauthorized").detail(
                    "this admin API asks for its token: Authorization: Bearer <token> (skald: --token-file or SKALD_ADMIN_TOKEN)",
                ));
            }
        } else if !host(headers).is_none_or(is_this_machine) {
            return Err(forbidden(
                "without a token this admin API answers to loopback addresses only",
            ));
        }
        if is_foreign_page(headers) {
            return Err(forbidden("pages of other origins may not use the admin API"));
        }
        Ok(())
    }
}

/// Lets a request in, or answers it.
pub(super) async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.admits(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn forbidden(detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "forbidden").detail(detail)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST).map(|host| host.to_str().unwrap_or("\u{fffd}"))
}

fn is_this_machine(host: &str) -> bool {
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |(name, _)| name);
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Browsers send `Origin` with every request of a page that could change anything.
fn is_foreign_page(headers: &HeaderMap) -> bool {
    headers.get(ORIGIN).is_some_and(|origin| {
        let own = host(headers).map(|host| format!("http://{host}"));
        origin.to_str().ok() != own.as_deref()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().expect("plain text")))
            .collect()
    }

    #[test]
    fn without_a_token_only_this_machine_is_served() {
        let data = Path::new(".");
        for (address, served) in [
            ("127.0.0.1:1", true),
            ("[::1]:1", true),
            ("0.0.0.0:1", false),
            ("10.0.0.7:1", false),
            ("[::]:1", false),
        ] {
            let guard = Guard::new(address.parse().expect("an address"), None, data);
            assert_eq!(guard.is_ok(), served, "{address}");
        }
    }

    #[test]
    fn a_page_cant_reach_it_by_way_of_a_browser() {
        let guard = Guard(None);
        for (given, admitted) in [
            (&[("host", "127.0.0.1:8081")] as &[_], true),
            (&[("host", "localhost:8081")], true),
            (&[("host", "[::1]:8081")], true),
            (&[("host", "[::1]")], true),
            (&[("host", "127.0.0.1:8081"), ("origin", "http://127.0.0.1:8081")], true),
            (&[("host", "127.0.0.1:8081"), ("origin", "https://evil.example")], false),
            (&[("host", "127.0.0.1:8081"), ("origin", "null")], false),
            (&[("host", "evil.example:8081")], false),
            (&[("host", "127.0.0.1.evil.example")], false),
        ] {
            assert_eq!(guard.admits(&headers(given)).is_ok(), admitted, "{given:?}");
        }
    }

    #[test]
    fn a_token_is_asked_for_and_never_told() {
        let data = tempfile::tempdir().expect("a folder");
        secret::generate(Path::new("token"), data.path()).expect("written");
        let address = "0.0.0.0:1".parse().expect("an address");
        let guard = Guard::new(address, Some(&SecretRef::File("token".into())), data.path()).expect("guarded");
        let token = std::fs::read_to_string(data.path().join("token")).expect("written");
        let admitted = |header: &str| guard.admits(&headers(&[("authorization", header)])).is_ok();
        assert!(admitted(&format!("Bearer {}", token.trim())));
        assert!(admitted(&format!("bearer {}", token.trim())));
        for wrong in [
            "Bearer",
            "Bearer x",
            "Basic abc",
            &format!("Bearer {}x", token.trim()),
            token.trim(),
        ] {
            assert!(!admitted(wrong));
        }
        assert!(guard.admits(&HeaderMap::new()).is_err());
        assert!(!format!("{guard:?}").contains(token.trim()));
    }
}
