//! What operators do to sagas. Every action needs a reason, and is recorded in the saga's timeline.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use http::StatusCode;
use skald_orchestrator::OperateError;
use skald_saga::State as SagaState;
use skald_store::fence::ByHand;
use skald_store::journal::Operation;

use super::failed;
use super::sagas::saga_id;
use super::view::{Acted, Wish};
use crate::http::{App, Problem};

/// The longest reason, in characters: a paragraph. The history of a saga is kept in one row.
const LONGEST_REASON: usize = 1_000;

/// The longest name of an operator, in characters.
const LONGEST_NAME: usize = 100;

pub(super) async fn cancel(app: State<App>, id: Path<String>, body: Bytes) -> Result<Json<Acted>, Problem> {
    operate(app, id, &body, Operation::Cancel).await
}

pub(super) async fn retry(app: State<App>, id: Path<String>, body: Bytes) -> Result<Json<Acted>, Problem> {
    operate(app, id, &body, Operation::Retry).await
}

pub(super) async fn abort(app: State<App>, id: Path<String>, body: Bytes) -> Result<Json<Acted>, Problem> {
    operate(app, id, &body, Operation::Abort).await
}

async fn operate(
    State(app): State<App>,
    Path(id): Path<String>,
    body: &[u8],
    operation: Operation,
) -> Result<Json<Acted>, Problem> {
    let (id, wish) = (saga_id(&id)?, wish(body)?);
    if wish.step.is_some() {
        return Err(Problem::invalid(format!(
            "{} is about the whole saga: leave `step` out",
            operation.name()
        )));
    }
    let state = app
        .orchestrator
        .operate(id, operation, wish.by(), &wish.reason)
        .await
        .map_err(|error| refused(&error))?;
    let next = match state {
        SagaState::Running => "it goes on with a new budget of attempts",
        _ => "what it has done is compensated now",
    };
    Ok(Json(Acted {
        id: id.0,
        state: state.name().into(),
        resolved: None,
        next: next.into(),
    }))
}

pub(super) async fn resolve(
    State(app): State<App>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Acted>, Problem> {
    let (id, wish) = (saga_id(&id)?, wish(&body)?);
    let step = wish
        .step
        .as_deref()
        .ok_or_else(|| Problem::invalid("say in `step` which step you undo by hand"))?;
    let resolved = app
        .orchestrator
        .resolve(id, step, wish.by(), &wish.reason)
        .await
        .map_err(|error| refused(&error))?;
    let (resolved, next) = match resolved {
        ByHand::Undo => (
            "act_now",
            format!("undo the work of {step} by hand now: nobody else will. Then retry the saga, so that it goes on"),
        ),
        ByHand::CleanUp => (
            "clean_up_now",
            format!(
                "{step} was broken off: look now at what it has left in its database, and undo that by hand: nobody else \
                 will. Then retry the saga, so that it goes on"
            ),
        ),
        ByHand::Nothing => (
            "already_undone",
            format!("{step} was undone before, or was never done: there is nothing to do by hand"),
        ),
    };
    Ok(Json(Acted {
        id: id.0,
        state: SagaState::StuckBack.name().into(),
        resolved: Some(resolved.into()),
        next,
    }))
}

impl Wish {
    fn by(&self) -> &str {
        self.by
            .as_deref()
            .map(str::trim)
            .filter(|by| !by.is_empty())
            .unwrap_or("operator")
    }
}

fn wish(body: &[u8]) -> Result<Wish, Problem> {
    let example = r#"send {"reason": "…", "by": "…"}, and "step" for resolve"#;
    let mut wish: Wish =
        serde_json::from_slice(body).map_err(|error| Problem::invalid(format!("{example}: {error}")))?;
    wish.reason = wish.reason.trim().to_owned();
    if wish.reason.is_empty() || wish.reason.chars().count() > LONGEST_REASON {
        return Err(Problem::invalid(format!(
            "a reason is needed, of {LONGEST_REASON} characters at most"
        )));
    }
    if wish.by().chars().count() > LONGEST_NAME {
        return Err(Problem::invalid(format!("`by` has {LONGEST_NAME} characters at most")));
    }
    Ok(wish)
}

/// Why not, and what is possible instead.
fn refused(error: &OperateError) -> Problem {
    let (status, msg) = match error {
        OperateError::Unknown(_) => (StatusCode::NOT_FOUND, "not found"),
        OperateError::NoStep { .. } => (StatusCode::NOT_FOUND, "no such step"),
        OperateError::NotIn { .. } | OperateError::Recovering(_) => {
            (StatusCode::CONFLICT, "not possible in this state")
        }
        OperateError::Journal(_) | OperateError::Database(_) => return failed(error),
    };
    Problem::new(status, msg).detail(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_has_a_reason() {
        for (body, fine) in [
            (r#"{"reason": "customer called"}"#, true),
            (r#"{"reason": "  x  ", "by": ""}"#, true),
            (r#"{"reason": "   "}"#, false),
            (r#"{"by": "me"}"#, false),
            (r#"{"reason": "x", "force": true}"#, false),
            ("", false),
        ] {
            assert_eq!(wish(body.as_bytes()).is_ok(), fine, "{body}");
        }
        assert_eq!(
            wish(br#"{"reason": " x ", "by": " "}"#).expect("a wish").by(),
            "operator"
        );
        let long = format!(r#"{{"reason": "{}"}}"#, "x".repeat(LONGEST_REASON + 1));
        assert!(wish(long.as_bytes()).is_err());
    }
}
