//! Looking at sagas: a list with filters and pages, and one saga whole.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use http::StatusCode;
use serde::Deserialize;
use skald_saga::{Definition, Digest, SagaId, State as SagaState};
use skald_store::journal::{Filter, StoredEvent, Summary};

use super::failed;
use super::view::{Event, Fence, Saga, SagaDetail, SagaPage, Step};
use crate::http::{App, Problem};

/// How many sagas a page has when nothing is said.
const PAGE: u32 = 50;

/// How many it may have: what a table shows in a few screens, and a read of a few milliseconds.
const LARGEST_PAGE: u32 = 500;

/// Which sagas: those that meet all of it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    state: Option<String>,
    older_than: Option<String>,
    customer: Option<String>,
    definition: Option<String>,
    limit: Option<u32>,
    before: Option<u64>,
}

pub(super) async fn list(
    State(app): State<App>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<SagaPage>, Problem> {
    let Query(wanted) = wanted.map_err(|error| Problem::invalid(error.body_text()))?;
    let filter = filter(&app, wanted)?;
    let limit = filter.limit;
    let found = app
        .orchestrator
        .journal()
        .list(filter)
        .await
        .map_err(|error| failed(&error))?;
    let next = (found.len() == limit as usize)
        .then(|| found.last().map(|last| last.id.0))
        .flatten();
    let sagas = found.into_iter().map(|summary| saga(&app, summary)).collect();
    Ok(Json(SagaPage { sagas, next }))
}

fn filter(app: &App, wanted: Wanted) -> Result<Filter, Problem> {
    let limit = wanted.limit.unwrap_or(PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Problem::invalid(format!("limit is a number from 1 to {LARGEST_PAGE}")));
    }
    let definitions = wanted.definition.map(|name| definitions(app, &name)).transpose()?;
    Ok(Filter {
        states: wanted.state.as_deref().map(states).transpose()?,
        stream: wanted.customer,
        definitions,
        older_than_ms: wanted.older_than.as_deref().map(age_ms).transpose()?,
        before: wanted.before.map(SagaId),
        limit,
    })
}

fn definitions(app: &App, name: &str) -> Result<Vec<Digest>, Problem> {
    let digests = app.orchestrator.digests_of(name);
    if digests.is_empty() {
        let known: Vec<&str> = app.manifest.sagas.keys().map(String::as_str).collect();
        return Err(Problem::invalid(format!(
            "there is no definition {name:?}; there are: {}",
            known.join(", ")
        )));
    }
    Ok(digests)
}

/// A state, or one of the two words for several.
fn states(name: &str) -> Result<Vec<SagaState>, Problem> {
    let all = SagaState::ALL.into_iter();
    match name {
        "unfinished" => Ok(all.filter(|state| !state.is_terminal()).collect()),
        "stuck" => Ok(all.filter(|state| state.is_stuck()).collect()),
        _ => SagaState::from_name(name).map(|state| vec![state]).ok_or_else(|| {
            let known: Vec<&str> = all.map(SagaState::name).collect();
            Problem::invalid(format!(
                "state {name:?} is none of: {}, stuck (both), unfinished (the first four)",
                known.join(", ")
            ))
        }),
    }
}

/// An age such as `90s`, `10m`, `2h` or `7d`.
fn age_ms(text: &str) -> Result<i64, Problem> {
    let invalid = || Problem::invalid(format!("older_than {text:?} is no age: write it as 90s, 10m, 2h or 7d"));
    let unit = text.char_indices().last().map_or(0, |(last, _)| last);
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return Err(invalid()),
    };
    let number: i64 = number.parse().ok().filter(|number| *number >= 0).ok_or_else(invalid)?;
    number.checked_mul(seconds * 1000).ok_or_else(invalid)
}

pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<SagaDetail>, Problem> {
    let id = saga_id(&id)?;
    let journal = app.orchestrator.journal();
    let detail = journal
        .detail(id)
        .await
        .map_err(|error| failed(&error))?
        .ok_or_else(|| unknown(id))?;
    let events = journal.events_of(id).await.map_err(|error| failed(&error))?;
    let row = journal
        .load(id)
        .await
        .map_err(|error| failed(&error))?
        .ok_or_else(|| unknown(id))?;
    let definition = app.orchestrator.definition(&row.definition);
    let steps = match &definition {
        Some(definition) => steps(&app, &row, definition).await?,
        None => vec![],
    };
    Ok(Json(SagaDetail {
        saga: saga(&app, detail.summary),
        input: detail.input,
        steps,
        timeline: detail.history,
        events: events
            .into_iter()
            .map(|told| event(told, definition.as_ref()))
            .collect(),
    }))
}

async fn steps(app: &App, row: &skald_store::journal::SagaRow, definition: &Definition) -> Result<Vec<Step>, Problem> {
    let databases = definition.steps.iter().map(|step| step.database.as_str());
    let fences = app
        .orchestrator
        .fences(row, databases)
        .await
        .map_err(|error| failed(&error))?;
    let step = |(step, fence): (&skald_saga::definition::Step, Option<skald_store::fence::FenceRow>)| Step {
        name: step.name.clone(),
        component: step.component.clone(),
        database: step.database.clone(),
        fence: fence.map(|fence| Fence {
            outcome: fence.outcome,
            digest: fence.digest,
            output: fence
                .output
                .map(|text| serde_json::from_str(&text).unwrap_or(text.into())),
            at_ms: fence.at,
        }),
    };
    Ok(definition.steps.iter().zip(fences).map(step).collect())
}

fn event(told: StoredEvent, definition: Option<&Arc<Definition>>) -> Event {
    let step = definition.and_then(|definition| definition.steps.get(told.event.step));
    Event {
        seq: told.seq,
        step: step.map_or_else(|| format!("step {}", told.event.step + 1), |step| step.name.clone()),
        status: told.event.status,
        saga: told.event.phase,
        reason: told.reason,
        at_ms: told.at_ms,
    }
}

fn saga(app: &App, summary: Summary) -> Saga {
    let digest = summary.definition_digest.parse().ok();
    let definition = digest.and_then(|digest| app.orchestrator.definition(&digest));
    Saga {
        definition: definition.map_or_else(|| "unknown".to_owned(), |definition| definition.name.clone()),
        summary,
    }
}

pub(super) fn saga_id(text: &str) -> Result<SagaId, Problem> {
    text.parse()
        .map_err(|_| Problem::invalid(format!("{text:?} is no id of a saga: ids are whole numbers")))
}

pub(super) fn unknown(id: SagaId) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not found").detail(format!("there is no saga {id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_a_unit() {
        for (text, ms) in [
            ("90s", Some(90_000)),
            ("10m", Some(600_000)),
            ("2h", Some(7_200_000)),
            ("1d", Some(86_400_000)),
        ] {
            assert_eq!(age_ms(text).ok(), ms, "{text}");
        }
        for text in ["", "m", "10", "-1m", "10x", "1.5h", "9999999999999999d", "é"] {
            assert!(age_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn states_have_names_and_groups() {
        assert_eq!(
            states("stuck").expect("a group"),
            [SagaState::StuckForward, SagaState::StuckBack]
        );
        assert_eq!(states("unfinished").expect("a group").len(), 4);
        assert_eq!(states("completed").expect("a state"), [SagaState::Completed]);
        assert!(states("done").is_err());
    }
}
