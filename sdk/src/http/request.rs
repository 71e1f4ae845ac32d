//! What a handler is asked.

use super::query::{decode, digits};
use super::{Problem, Query};
use crate::identity::Principal;
use crate::json::Object;
use serde::Deserialize;
use std::str::FromStr;

/// A request that the host has routed to this component.
#[derive(Debug)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// The path, as sent.
    pub path: String,
    /// The parameters after `?`.
    pub query: Query,
    /// Who is asking, on a route that the manifest gives an `auth`.
    pub principal: Option<Principal>,
    /// The body, whole.
    pub body: Vec<u8>,
}

/// The JSON text in which the host names the principal.
#[derive(Deserialize)]
struct Named {
    subject: String,
    roles: Vec<String>,
    claims: Vec<(String, String)>,
}

impl Request {
    /// A request for a target such as `/api/products?size=10`. `principal` is the text of the host's
    /// own header.
    pub fn new(method: &str, target: &str, principal: Option<&str>, body: Vec<u8>) -> Result<Self, Problem> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let principal = principal.map(serde_json::from_str::<Named>).transpose()?;
        Ok(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: Query::parse(query),
            principal: principal.map(|Named { subject, roles, claims }| Principal { subject, roles, claims }),
            body,
        })
    }

    /// What stands between the slashes of the path.
    pub fn segments(&self) -> Vec<&str> {
        self.path.split('/').skip(1).collect()
    }

    /// The body as a JSON object.
    pub fn object(&self) -> Result<Object<'static>, Problem> {
        Ok(Object::parse(&self.body)?)
    }

    /// The subject of the principal, read as a number or whatever else the component keeps it as.
    pub fn subject<T: FromStr>(&self) -> Result<T, Problem> {
        self.principal
            .as_ref()
            .and_then(|principal| principal.subject.parse().ok())
            .ok_or_else(|| Problem::unauthorized("unauthorized"))
    }
}

/// The id in a segment of a path. What is no number is refused; a number that is too large for an id
/// becomes one that nothing has.
pub fn id(segment: &str) -> Result<u64, Problem> {
    match digits(&decode(segment, false)) {
        Some(number) => Ok(number.parse().unwrap_or(u64::MAX)),
        None => Err(Problem::new(400, "invalid parameter").detail("the id in the path must be a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Request, id};

    #[test]
    fn an_id_is_digits() {
        let cases = [
            ("0", Some(0)),
            ("17", Some(17)),
            ("007", Some(7)),
            ("%317", Some(17)),
            ("9007199254740991", Some((1 << 53) - 1)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("", None),
            ("x", None),
            ("-1", None),
            ("+1", None),
            ("1.0", None),
            ("1 ", None),
            ("1%20", None),
        ];
        for (segment, expected) in cases {
            assert_eq!(id(segment).ok(), expected, "{segment}");
        }
    }

    #[test]
    fn a_target_falls_into_path_and_query() {
        let request = Request::new("GET", "/api/products?size=3", None, Vec::new()).expect("there is no principal");
        assert_eq!(request.segments(), ["api", "products"]);
        assert_eq!(request.query.number("size", 1, 1..=9).ok(), Some(3));
    }

    #[test]
    fn the_subject_comes_from_the_hosts_header_alone() {
        let named = |subject: &str| format!(r#"{{"subject":"{subject}","roles":["customer"],"claims":[["k","v"]]}}"#);
        for (header, expected) in [(Some(named("17")), Some(17)), (Some(named("x")), None), (None, None)] {
            let request = Request::new("GET", "/", header.as_deref(), Vec::new()).expect("the header is the host's");
            assert_eq!(request.subject::<u64>().ok(), expected);
        }
        assert!(Request::new("GET", "/", Some("{}"), Vec::new()).is_err());
    }
}
