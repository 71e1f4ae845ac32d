//! Refusals and failures in the form of RFC 9457.

use super::Response;
use serde::Serialize;

/// An answer that is none: a status, a text for programs, and what a person may want to know.
#[derive(Debug)]
pub struct Problem {
    status: u16,
    msg: &'static str,
    detail: Option<String>,
    headers: Vec<(&'static str, String)>,
    cause: Option<String>,
}

/// The members of the body. RFC 9457 names the first four; `msg` is this API's own.
#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    msg: &'a str,
}

impl Problem {
    /// A status, and the API's own text for what went wrong.
    pub fn new(status: u16, msg: &'static str) -> Self {
        Self {
            status,
            msg,
            detail: None,
            headers: Vec::new(),
            cause: None,
        }
    }

    /// No token, or one that is no good. The header is the one that RFC 6750 asks for.
    pub fn unauthorized(msg: &'static str) -> Self {
        Self::new(401, msg).header("www-authenticate", "Bearer")
    }

    /// A sentence for the client: what to do about it.
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..self
        }
    }

    /// One more header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// What lies behind it: for the log, never for the client.
    pub fn cause(self, cause: impl Into<String>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..self
        }
    }

    /// Logs the cause, if there is one, and becomes the answer. The host keeps what a component
    /// writes to its standard error, together with the request's id.
    pub(super) fn into_response(self, method: &str, path: &str) -> Response {
        if let Some(cause) = &self.cause {
            eprintln!("{method} {path} failed: {cause}");
        }
        let body = Body {
            r#type: "about:blank",
            title: title(self.status),
            status: self.status,
            detail: self.detail.as_deref(),
            msg: self.msg,
        };
        let mut response = Response::json(self.status, &body).with_type("application/problem+json");
        for (name, value) in self.headers {
            response = response.header(name, &value);
        }
        response
    }
}

/// What RFC 9110 calls a status. RFC 9457 wants it for `about:blank`.
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Error",
    }
}

#[cfg(test)]
mod tests {
    use super::Problem;
    use crate::sql::{Error, Report};
    use serde_json::{Value, json};

    #[test]
    fn a_problem_is_what_rfc_9457_says_and_msg() {
        let problem = Problem::new(400, "invalid parameter").detail("`n` is missing");
        let response = problem.into_response("POST", "/");
        assert_eq!(
            (response.status, response.content_type),
            (400, "application/problem+json")
        );
        let body: Value = serde_json::from_slice(&response.body).expect("a problem is JSON");
        let expected = json!({
            "type": "about:blank", "title": "Bad Request", "status": 400, "detail": "`n` is missing",
            "msg": "invalid parameter",
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn an_error_of_a_capability_shows_the_client_nothing() {
        let report = || Report {
            sqlstate: "40001".to_owned(),
            message: "secret".to_owned(),
            constraint: None,
        };
        let cases = [
            (Error::Contention(report()), 503, true),
            (Error::Unreachable("secret".to_owned()), 503, true),
            (Error::Faulty(report()), 500, false),
            (Error::Duplicate(report()), 500, false),
        ];
        for (error, status, again) in cases {
            let response = Problem::from(error).into_response("GET", "/");
            assert_eq!(response.status, status);
            assert_eq!(response.headers.iter().any(|(name, _)| *name == "retry-after"), again);
            let text = String::from_utf8(response.body).expect("a problem is text");
            assert!(text.contains("server error") && !text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn a_bad_token_is_told_how_to_authenticate() {
        let response = Problem::unauthorized("invalid token").into_response("GET", "/");
        assert_eq!(response.headers, [("www-authenticate", "Bearer".to_owned())]);
    }
}
