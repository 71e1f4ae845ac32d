//! Picking up what others left: after a start, and by a sweep that finds what slipped through.

use skald_saga::{Nonce, SagaId, State};
use skald_store::clock::now_ms;
use skald_store::fence::{self, Key};
use skald_store::journal::{Entry, Error as JournalError, SagaRow};

use crate::Orchestrator;
use crate::place::Place;
use crate::run::run;

/// How many rows are read at a time.
const PAGE: u32 = 1_000;

/// A saga younger than this is left to whoever has just started it.
const SWEEP_AFTER_MS: i64 = 5_000;

impl Orchestrator {
    /// Picks up every saga that is neither ended nor stuck. It returns once all are known; they run
    /// on, only so many at a time.
    pub(crate) async fn recover_all(&self) -> Result<(), JournalError> {
        let orphans = self.0.journal.orphans().await?;
        let mut after = SagaId(0);
        let mut found = 0;
        loop {
            let page = self.0.journal.open_sagas(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            found += page.len();
            for row in page {
                let crashed = orphans.contains(&row.id);
                if let Some(place) = Place::take(self, row.id) {
                    self.0.tasks.spawn(pick_up(place, row, crashed));
                }
            }
        }
        if found > 0 {
            tracing::info!(sagas = found, after_a_crash = orphans.len(), "unfinished sagas go on");
        }
        Ok(())
    }

    /// Has a saga run that somebody has changed: wakes it where it waits, or picks it up.
    pub(crate) async fn wake(&self, saga: SagaId) -> Result<(), JournalError> {
        if self.0.places.wake(saga) {
            return Ok(());
        }
        let Some(row) = self.0.journal.load(saga).await? else {
            return Ok(());
        };
        match Place::take(self, saga) {
            Some(place) => drop(self.0.tasks.spawn(pick_up(place, row, false))),
            // Somebody was faster, and may have read the row before it was changed.
            None => drop(self.0.places.wake(saga)),
        }
        Ok(())
    }
}

/// Runs one saga that was left. After a crash the pick-up counts as one attempt at the first step
/// that is not done: else a step that kills its host is tried for ever.
async fn pick_up(place: Place, row: SagaRow, crashed: bool) {
    let host = place.host.clone();
    let Ok(permit) = host.0.recovery.acquire().await else {
        return;
    };
    if host.0.stop.is_cancelled() {
        return;
    }
    let Some(definition) = host.definition(&row.definition) else {
        tracing::error!(saga = %row.id, definition = %row.definition, "the saga's definition is not in the journal; it waits");
        return;
    };
    let id = row.id;
    let claimed = match claim(&host, row, &definition, crashed).await {
        Ok(Some(row)) => host.0.journal.last_begun(id).await.map(|begun| Some((row, begun))),
        other => other.map(|_| None),
    };
    let (mut row, begun) = match claimed {
        Ok(Some(claimed)) => claimed,
        Ok(None) => return,
        Err(error) => {
            tracing::warn!(saga = %id, %error, "the saga could not be picked up; the sweep tries again");
            return;
        }
    };
    // What waits for its next attempt doesn't hold up the others.
    drop(permit);
    if let Some(wait) = row.next_at.map(|at| at - now_ms()).filter(|wait| *wait > 0) {
        let wait = std::time::Duration::from_millis(wait.unsigned_abs());
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = host.0.stop.cancelled() => return,
            // Without it, its own compare-and-sets will tell the runner that the row it has is old.
            () = place.woken() => if let Ok(Some(changed)) = host.0.journal.load(id).await {
                row = changed;
            },
        }
    }
    run(place, row, definition, begun).await;
}

/// Claims a saga, and after a crash counts the attempt. The row comes back as it is then.
async fn claim(
    host: &Orchestrator,
    row: SagaRow,
    definition: &skald_saga::Definition,
    crashed: bool,
) -> Result<Option<SagaRow>, JournalError> {
    let key = (row.id, row.nonce);
    let note = crashed.then(|| Entry::PickedUp { at_ms: now_ms() });
    host.0.journal.claim(key, note.into_iter().collect()).await?;
    if crashed && row.state == State::Aborting {
        // Else a compensation that kills its host is tried for ever, too.
        host.0.journal.record_back_attempt(key, row.next_at, vec![]).await?;
    }
    if crashed
        && row.state == State::Running
        && let Some(step) = first_not_done(host, row.id, row.nonce, definition).await?
    {
        host.0.journal.record_attempt(key, step, row.next_at, vec![]).await?;
    }
    host.0.journal.load(row.id).await
}

/// A peek at the fences: it only says which step the attempt is counted for, and decides nothing.
async fn first_not_done(
    host: &Orchestrator,
    saga: SagaId,
    nonce: Nonce,
    definition: &skald_saga::Definition,
) -> Result<Option<usize>, JournalError> {
    for (step, policy) in definition.steps.iter().enumerate() {
        let Some(file) = host.0.databases.get(&policy.database) else {
            return Ok(Some(step));
        };
        let key = Key { saga, step, nonce };
        if !file
            .readers
            .read(move |connection| fence::peek(connection, &key))
            .await?
        {
            return Ok(Some(step));
        }
    }
    Ok(None)
}

/// Looks for sagas that nobody runs: one whose task failed, or that a lost wake-up would have left.
pub(crate) async fn sweep(host: Orchestrator) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(host.0.settings.sweep) => {}
            () = host.0.stop.cancelled() => return,
        }
        if let Err(error) = sweep_once(&host).await {
            tracing::warn!(%error, "the sweep could not read the journal");
        }
    }
}

async fn sweep_once(host: &Orchestrator) -> Result<(), JournalError> {
    let candidates = host.0.journal.due_before(now_ms() - SWEEP_AFTER_MS, PAGE).await?;
    for saga in candidates.into_iter().filter(|saga| !host.0.places.has(*saga)) {
        host.wake(saga).await?;
    }
    Ok(())
}
