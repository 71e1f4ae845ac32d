//! Forgetting what is long over: fences behind the horizon, then the sagas they belong to, and keys.
//!
//! It is done in batches, each a job of some milliseconds among the writer's others, and rests after
//! each for as long as that took: it never has more than half of a writer.

use std::time::{Duration, Instant};

use skald_saga::SagaId;
use skald_store::clock::now_ms;
use skald_store::fence;
use skald_store::journal::Error as JournalError;

use crate::Orchestrator;
use crate::observe::Kept;

/// How long after a start there is something to forget for the first time: recovery comes first.
const SOON: Duration = Duration::from_mins(1);

/// How often there is something to forget.
const EVERY: Duration = Duration::from_hours(1);

/// The most fences, and the most keys, that are forgotten in one go.
const ROWS: u32 = 500;

/// The most sagas that are forgotten in one go: a dozen rows each.
const SAGAS: u32 = 50;

/// What a clean-up has forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Fences, in all databases.
    pub fences: usize,
    /// Keys that made starts idempotent.
    pub keys: usize,
    /// Sagas, each with its history and its events.
    pub sagas: usize,
}

pub(crate) async fn keep_clean(host: Orchestrator) {
    let mut pause = SOON;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = host.0.stop.cancelled() => return,
        }
        pause = EVERY;
        match host.clean_up(now_ms()).await {
            Ok(Forgotten { fences, keys, sagas }) => tracing::debug!(fences, keys, sagas, "cleaned up"),
            Err(error) => tracing::warn!(%error, "clean-up failed; it is tried again in an hour"),
        }
    }
}

impl Orchestrator {
    /// Forgets what is over at a moment (milliseconds since 1970), in this order:
    ///
    /// 1. The fences of all sagas born before H, the smaller of the birth of the oldest unfinished saga
    ///    and the moment minus the retention (rules "clean-up only of ended sagas" and "clean-up moves a
    ///    horizon"). A saga that is stuck for longer holds it back.
    /// 2. The keys that were used before their window, unless their saga has not ended.
    /// 3. The sagas born before H that ended before the retention and the keys' window. Their fences
    ///    are gone by then, so no fence is ever without its saga.
    pub async fn clean_up(&self, now_ms: i64) -> Result<Forgotten, JournalError> {
        let ago = |time: Duration| now_ms.saturating_sub(i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
        let (retention, window) = (self.0.settings.retention, self.0.settings.key_window);
        let horizon = self.horizon(ago(retention)).await?;

        let mut fences = 0;
        for (_, file) in self.databases() {
            let forget = || {
                file.writer
                    .write(move |connection| fence::clean_up(connection, horizon, ROWS))
            };
            fences += self.in_batches(Kept::Fences, forget).await?;
        }
        let journal = &self.0.journal;
        let used = ago(window);
        let keys = self.in_batches(Kept::Keys, || journal.forget_keys(used, ROWS)).await?;
        let (before, ended) = (SagaId::compose(horizon, 0), ago(retention.max(window)));
        let forget = || async move {
            let sagas = journal.forgettable(before, ended, SAGAS).await?;
            if sagas.is_empty() {
                return Ok(0);
            }
            journal.forget(sagas).await
        };
        let sagas = self.in_batches(Kept::Sagas, forget).await?;
        Ok(Forgotten { fences, keys, sagas })
    }

    /// H: when the oldest saga was born whose fences are kept.
    async fn horizon(&self, by_age_ms: i64) -> Result<u64, JournalError> {
        let by_age = by_age_ms.max(0).unsigned_abs();
        let oldest = self.0.journal.oldest_unfinished().await?.map(SagaId::born_ms);
        if oldest.is_some_and(|born| born < by_age) {
            tracing::warn!("an unfinished saga is older than the retention: nothing after it can be cleaned up");
        }
        Ok(oldest.map_or(by_age, |born| born.min(by_age)))
    }

    /// Forgets batch after batch, until there is nothing left or the host stops. Says how many.
    async fn in_batches<F, E>(&self, what: Kept, batch: impl Fn() -> F) -> Result<usize, JournalError>
    where
        F: Future<Output = Result<usize, E>>,
        JournalError: From<E>,
    {
        let mut all = 0;
        while !self.0.stop.is_cancelled() {
            let begun = Instant::now();
            let gone = batch().await?;
            if gone == 0 {
                break;
            }
            all += gone;
            self.0.observer.forgot(what, gone);
            tokio::time::sleep(begun.elapsed()).await;
        }
        Ok(all)
    }
}
