//! A request that starts a saga: who asks, was it asked before, is it admitted, is it durable.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use skald_manifest::Saga;
use skald_orchestrator::{Launched, Orchestrator, Request, StartError};
use skald_saga::Digest;
use skald_store::journal::{Error as JournalError, StartKey, Started};

use super::{App, Problem};
use crate::invoke::{Admitted, Principal, Refusal};

/// The longest key that a client may choose: four times a UUID.
const LONGEST_KEY: usize = 255;

/// What is recorded of a refusal under a key.
#[derive(Serialize, Deserialize)]
struct Recorded {
    status: u16,
    msg: String,
}

/// Starts a saga on behalf of a principal. Nothing is answered 201 that isn't durable.
pub(super) async fn start(
    app: &App,
    saga: &Saga,
    route: &str,
    principal: Option<Principal>,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    app.orchestrator.admits().map_err(|error| not_started(&error))?;
    let key = idempotency_key(headers, route, principal.as_ref(), &body)?;
    if let Some(key) = &key
        && let Some(before) = app
            .orchestrator
            .journal()
            .look_up(key.clone())
            .await
            .map_err(|error| failed(&error))?
    {
        return answer(before);
    }
    let body = String::from_utf8(body.into()).map_err(|_| Problem::invalid("the body is not UTF-8"))?;
    for _ in 0..Orchestrator::most_clashes() {
        let id = Orchestrator::new_id();
        let admitted = match admit(app, saga, principal.clone(), id.0, &body).await? {
            Ok(admitted) => admitted,
            Err(refusal) => return refused(app, key, &refusal).await,
        };
        let response: Arc<str> = admitted.response.into();
        let request = Request {
            id,
            definition: saga.definition.clone(),
            input: admitted.input.into(),
            principal: principal
                .as_ref()
                .map(|principal| serde_json::to_string(principal).expect("a principal is texts").into()),
            stream: principal.as_ref().map_or("", |principal| &principal.subject).into(),
            key: key.clone(),
            response: response.clone(),
        };
        match app
            .orchestrator
            .start(request)
            .await
            .map_err(|error| not_started(&error))?
        {
            Launched::New => return Ok(created(response.as_bytes().to_vec())),
            Launched::Before(before) => return answer(before),
            Launched::Clash => tracing::warn!(saga = %id, "the id is taken; another one is made"),
        }
    }
    Err(Problem::unavailable(1))
}

fn idempotency_key(
    headers: &HeaderMap,
    route: &str,
    principal: Option<&Principal>,
    body: &[u8],
) -> Result<Option<StartKey>, Problem> {
    let mut given = headers.get_all("idempotency-key").iter();
    let Some(key) = given.next() else { return Ok(None) };
    let text = key
        .to_str()
        .ok()
        .filter(|text| !text.is_empty() && text.len() <= LONGEST_KEY && given.next().is_none());
    let text = text.ok_or_else(|| {
        Problem::invalid(format!(
            "Idempotency-Key must be given once, as 1 to {LONGEST_KEY} printable ASCII characters"
        ))
    })?;
    Ok(Some(StartKey {
        principal: principal.map_or("", |principal| &principal.subject).into(),
        route: route.into(),
        key: text.into(),
        body_hash: Digest::of(body),
    }))
}

async fn admit(
    app: &App,
    saga: &Saga,
    principal: Option<Principal>,
    id: u64,
    body: &str,
) -> Result<Result<Admitted, Refusal>, Problem> {
    let Some(component) = &saga.admit else {
        return Ok(admit_as_it_is(id, body));
    };
    let version = app.registry.active(component).ok_or_else(Problem::internal)?;
    version
        .admit(principal, id, &saga.definition.name, body.to_owned())
        .await
        .map_err(|error| {
            if error.is_overload() {
                return Problem::unavailable(1);
            }
            tracing::error!(%error, "an admission failed");
            Problem::internal()
        })
}

/// Without a gate every JSON object is let in.
fn admit_as_it_is(id: u64, body: &str) -> Result<Admitted, Refusal> {
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(body) {
        Ok(_) => Ok(Admitted {
            input: body.to_owned(),
            response: format!(r#"{{"saga_id":{id}}}"#),
        }),
        Err(_) => Err(Refusal::Invalid("invalid parameter".into())),
    }
}

/// Rule "start: admit's refusal is recorded under the key": unless another request with the same key
/// was quicker, and then its answer is given.
async fn refused(app: &App, key: Option<StartKey>, refusal: &Refusal) -> Result<Response, Problem> {
    let (status, msg) = match refusal {
        Refusal::Invalid(msg) => (StatusCode::BAD_REQUEST, msg),
        Refusal::Forbidden(msg) => (StatusCode::FORBIDDEN, msg),
        Refusal::NotFound(msg) => (StatusCode::NOT_FOUND, msg),
        Refusal::Conflict(msg) => (StatusCode::CONFLICT, msg),
        // Not a decision: nothing to record.
        Refusal::Unavailable(ms) => return Err(Problem::unavailable(u64::from(*ms).div_ceil(1000))),
    };
    let Some(key) = key else {
        return Err(Problem::new(status, msg));
    };
    let recorded = Recorded {
        status: status.as_u16(),
        msg: msg.clone(),
    };
    let recorded = serde_json::to_string(&recorded).expect("a number and a text");
    answer(
        app.orchestrator
            .journal()
            .refuse(key, recorded)
            .await
            .map_err(|error| failed(&error))?,
    )
}

/// What a key recorded, as an answer.
fn answer(before: Started) -> Result<Response, Problem> {
    match before {
        Started::Before { response, .. } => Ok(created(response.into_bytes())),
        Started::RefusedBefore(recorded) => {
            let recorded: Recorded = serde_json::from_str(&recorded).map_err(|error| {
                tracing::error!(%error, "the record of a refusal is damaged");
                Problem::internal()
            })?;
            let status = StatusCode::from_u16(recorded.status).unwrap_or(StatusCode::BAD_REQUEST);
            Err(Problem::new(status, recorded.msg))
        }
        Started::OtherBody => Err(Problem::new(StatusCode::CONFLICT, "duplicate entry")
            .detail("this Idempotency-Key was used for another body: choose a new key")),
        Started::New | Started::Clash => {
            tracing::error!("a key recorded something that is no answer");
            Err(Problem::internal())
        }
    }
}

fn created(body: Vec<u8>) -> Response {
    (
        StatusCode::CREATED,
        [(CONTENT_TYPE, HeaderValue::from_static("application/json"))],
        body,
    )
        .into_response()
}

fn not_started(error: &StartError) -> Problem {
    match error {
        StartError::Overloaded | StartError::Stopping => Problem::unavailable(1),
        StartError::Journal(error) => failed(error),
    }
}

fn failed(error: &JournalError) -> Problem {
    if error.is_overload() {
        return Problem::unavailable(1);
    }
    tracing::error!(%error, "a saga was not started");
    Problem::internal()
}
