//! Outgoing HTTP (`wasi:http/outgoing-handler`), to the hosts that the manifest grants.
//!
//! A host that is not granted is refused before anything is looked up or connected to. No wait is
//! longer than what is left of the call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::Scheme;
use http_body_util::BodyExt;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks, default_send_request};

/// The interface that describes requests and answers. It needs no grant.
pub const TYPES: &str = "wasi:http/types";

/// The interface that needs the grant.
pub const INTERFACE: &str = "wasi:http/outgoing-handler";

/// The longest time to wait for a connection: a service that is up takes one within this time.
const CONNECT: Duration = Duration::from_secs(5);

/// The hosts that the manifest grants: `host`, `host:port` or `*.example.org`, in lower case.
pub type Grant = Vec<Arc<str>>;

/// What sends the requests of one call.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// To these hosts.
    pub hosts: Arc<Grant>,
    /// When the call ends.
    pub deadline: Instant,
}

/// What a request became, in the words of the trait.
type Sent = Result<
    (
        http::Response<WasiBody>,
        Box<dyn Future<Output = Result<(), Error>> + Send>,
    ),
    Error,
>;

/// How many writes of a component to a body are kept until the client takes them: enough for most
/// answers, so that a slow client holds no thread.
const KEPT_WRITES: usize = 16;

impl WasiHttpHooks for Outgoing {
    fn p2_outgoing_body_buffer_chunks(&mut self) -> usize {
        KEPT_WRITES
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        if !self.is_granted(request.uri()) {
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        let options = self.bounded(options);
        Box::new(async move {
            let (response, connection) = default_send_request(request, Some(options)).await?;
            Ok((response.map(BodyExt::boxed_unsync), Box::new(connection) as _))
        })
    }
}

impl Outgoing {
    fn is_granted(&self, uri: &http::Uri) -> bool {
        let Some(host) = uri.host() else { return false };
        let host = host.to_ascii_lowercase();
        let usual = if uri.scheme() == Some(&Scheme::HTTP) { 80 } else { 443 };
        let port = uri.port_u16().unwrap_or(usual);
        self.hosts.iter().any(|granted| matches(granted, &host, port, usual))
    }

    fn bounded(&self, options: Option<RequestOptions>) -> RequestOptions {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let mut options = options.unwrap_or_default();
        let least = |wish: Option<Duration>, most| Some(wish.map_or(most, |wish: Duration| wish.min(most)));
        options.connect_timeout = least(options.connect_timeout, left.min(CONNECT));
        options.first_byte_timeout = least(options.first_byte_timeout, left);
        options.between_bytes_timeout = least(options.between_bytes_timeout, left);
        options
    }
}

/// A grant without a port means the usual port of the scheme; one with a star, every host below.
fn matches(granted: &str, host: &str, port: u16, usual: u16) -> bool {
    let (name, granted_port) = match granted.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((name, digits)) if !digits.ends_with(']') => (name, digits.parse().ok()),
        _ => (granted, Some(usual)),
    };
    let named = match name.strip_prefix("*.") {
        Some(parent) => host
            .strip_suffix(parent)
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        None => name == host,
    };
    named && granted_port == Some(port)
}

/// An error of a body on its way into a component.
pub(crate) fn body_error(error: impl std::fmt::Display) -> Error {
    tracing::debug!(%error, "the body of a request broke off");
    Error::ConnectionTerminated
}

/// A body as `wasi:http` wants it.
pub(crate) fn incoming<B>(body: B) -> impl BodyExt<Data = Bytes, Error = Error> + Send + 'static
where
    B: BodyExt<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Display,
{
    body.map_err(body_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_granted_matches() {
        let cases = [
            ("pay.example.org", "https://pay.example.org/x", true),
            ("pay.example.org", "https://PAY.example.org/x", true),
            ("pay.example.org", "https://pay.example.org:443/", true),
            ("pay.example.org", "http://pay.example.org/", true),
            ("pay.example.org", "https://pay.example.org:8443/", false),
            ("pay.example.org:8443", "https://pay.example.org:8443/", true),
            ("pay.example.org:8443", "https://pay.example.org/", false),
            ("pay.example.org", "https://evil.org/?pay.example.org", false),
            ("pay.example.org", "https://pay.example.org.evil.org/", false),
            ("pay.example.org", "https://pay.example.org@evil.org/", false),
            ("*.example.org", "https://a.b.example.org/", true),
            ("*.example.org", "https://example.org/", false),
            ("*.example.org", "https://.example.org/", false),
            ("*.example.org", "https://badexample.org/", false),
            ("127.0.0.1:8080", "http://127.0.0.1:8080/", true),
            ("[::1]:8080", "http://[::1]:8080/", true),
            ("[::1]", "http://[::1]/", true),
        ];
        for (granted, uri, expected) in cases {
            let outgoing = Outgoing {
                hosts: Arc::new(vec![granted.into()]),
                deadline: Instant::now(),
            };
            let uri: http::Uri = uri.parse().expect("a URI");
            assert_eq!(outgoing.is_granted(&uri), expected, "{granted} and {uri}");
        }
    }
}
