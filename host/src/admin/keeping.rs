//! Backups and checks, on the host's own machine and files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::{Extension, Json};
use http::StatusCode;
use skald_store::verify::{Report, verify};
use tokio::sync::Semaphore;

use super::failed;
use super::view::BackupWish;
use crate::backup::{self, Backup, BackupError};
use crate::http::{App, Problem};

/// The data folder, and the right to read all of it: one at a time, so that operators can't slow the
/// host down without end.
#[derive(Clone)]
pub struct Keeper {
    data: Arc<Path>,
    turn: Arc<Semaphore>,
}

impl Keeper {
    /// Of this data folder.
    pub fn new(data: &Path) -> Self {
        Self {
            data: data.into(),
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce(&Path) -> T + Send + 'static) -> Result<T, Problem> {
        let turn = self.turn.clone().try_acquire_owned().map_err(|_| {
            Problem::new(StatusCode::CONFLICT, "busy").detail("a backup or a check is being made: wait for its end")
        })?;
        let data = self.data.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work(&data)
        });
        done.await.map_err(|error| failed(&error))
    }
}

pub(super) async fn back_up(
    State(app): State<App>,
    Extension(keeper): Extension<Keeper>,
    body: Bytes,
) -> Result<Json<Backup>, Problem> {
    let wish: BackupWish = serde_json::from_slice(&body)
        .map_err(|error| Problem::invalid(format!(r#"send {{"to": "/a/folder", "with_keys": false}}: {error}"#)))?;
    let manifest = app.manifest.clone();
    let taken = keeper
        .work(move |data| backup::take(&manifest, data, &PathBuf::from(wish.to), wish.with_keys))
        .await?;
    match taken {
        Ok(backup) => {
            tracing::info!(files = backup.files.len(), "a backup was taken");
            Ok(Json(backup))
        }
        Err(error @ BackupError::Relative(_)) => Err(Problem::invalid(error.to_string())),
        Err(error @ BackupError::NotEmpty(_)) => {
            Err(Problem::new(StatusCode::CONFLICT, "not empty").detail(error.to_string()))
        }
        Err(error @ BackupError::Failed { .. }) => Err(failed(&error)),
    }
}

pub(super) async fn check(
    State(app): State<App>,
    Extension(keeper): Extension<Keeper>,
) -> Result<Json<Report>, Problem> {
    let manifest = app.manifest.clone();
    let report = keeper.work(move |data| {
        let (journal, services) = backup::files(&manifest, data);
        verify(&journal, &services)
    });
    report.await?.map(Json).map_err(|error| failed(&error))
}
