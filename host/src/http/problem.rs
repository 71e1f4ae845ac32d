//! Refusals of the public API: `application/problem+json` (RFC 9457) with the extra member `msg`, the
//! short text that clients go by.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

/// What a client is told when it does not get what it asked for.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    msg: String,
    detail: Option<String>,
    /// Boxed, since most results have no problem and should not carry the room for one.
    headers: Box<HeaderMap>,
}

#[derive(Serialize)]
struct Body<'p> {
    r#type: &'static str,
    title: &'p str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'p str>,
    msg: &'p str,
}

impl Problem {
    /// A problem with this status and short text.
    pub fn new(status: StatusCode, msg: impl Into<String>) -> Self {
        Self {
            status,
            msg: msg.into(),
            detail: None,
            headers: Box::default(),
        }
    }

    /// With a sentence for whoever writes the client: what was wrong, and what to do.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With a header.
    pub fn header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.insert(name, value.into());
        self
    }

    /// 400: the request makes no sense.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid parameter").detail(detail)
    }

    /// 401: nobody knows who asks. RFC 6750 wants to be told how to say it.
    pub fn unauthorized(msg: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, msg).header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 503: not now, but in so many seconds.
    pub fn unavailable(seconds: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "server error")
            .detail("the host can't take the request now; ask again after the time in Retry-After")
            .header(RETRY_AFTER, seconds.max(1))
    }

    /// 500: a defect, or a server behind the host that is away. The cause is in the log only.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server error")
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its short text.
    pub fn msg(&self) -> &str {
        &self.msg
    }

    /// Its JSON text.
    pub(super) fn body(&self) -> Vec<u8> {
        let body = Body {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail.as_deref(),
            msg: &self.msg,
        };
        serde_json::to_vec(&body).expect("texts and numbers")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body()).into_response();
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.headers_mut().extend(*self.headers);
        response
    }
}
