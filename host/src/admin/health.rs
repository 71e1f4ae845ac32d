//! Probes: does the process live, and can it work?

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use skald_store::sqlite::File;

use super::view::{NotReady, Ready};
use crate::http::App;

/// How long a database may take to answer a probe's read: probes commonly give up after a few seconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// The process lives. Nothing else is asked: restarting it because a disk is full helps nobody.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Whether new work should be sent here.
pub(super) async fn ready(State(app): State<App>) -> Response {
    let mut not_ready = vec![];
    if app.stop.is_cancelled() {
        not_ready.push(NotReady {
            what: "host".into(),
            why: "it is draining, and ends soon".into(),
        });
    }
    let services = app
        .orchestrator
        .databases()
        .map(|(label, file)| (format!("database {label}"), file));
    let journal = ("journal".to_owned(), app.orchestrator.journal().file());
    for (what, file) in std::iter::once(journal).chain(services) {
        if let Err(why) = answers(file).await {
            not_ready.push(NotReady { what, why });
        }
    }
    let status = if not_ready.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(Ready {
            ready: not_ready.is_empty(),
            not_ready,
        }),
    )
        .into_response()
}

/// A read that has to look into the file.
async fn answers(file: &File) -> Result<(), String> {
    let read = file
        .readers
        .read(|connection| connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0)));
    match tokio::time::timeout(PATIENCE, read).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("it did not answer within {} s", PATIENCE.as_secs())),
    }
}
