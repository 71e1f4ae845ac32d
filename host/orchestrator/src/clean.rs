//! Forgetting what is long over: fences behind the horizon.

use std::time::Duration;

use skald_saga::SagaId;
use skald_store::clock::now_ms;
use skald_store::fence;

use crate::Orchestrator;

/// How often there is something to forget.
const EVERY: Duration = Duration::from_hours(1);

pub(crate) async fn keep_clean(host: Orchestrator) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = host.0.stop.cancelled() => return,
        }
        if let Err(error) = host.clean_up().await {
            tracing::warn!(%error, "clean-up failed; it is tried again in an hour");
        }
    }
}

impl Orchestrator {
    /// Rules "clean-up only of ended sagas" and "clean-up moves a horizon": forgets the fences of all
    /// sagas born before H, the smaller of the birth of the oldest unfinished saga and now minus the
    /// retention. A saga that is stuck for longer holds it back.
    pub async fn clean_up(&self) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
        let retention = u64::try_from(self.0.settings.retention.as_millis()).unwrap_or(u64::MAX);
        let by_age = now_ms().max(0).unsigned_abs().saturating_sub(retention);
        let oldest = self.0.journal.oldest_unfinished().await?.map(SagaId::born_ms);
        if oldest.is_some_and(|born| born < by_age) {
            tracing::warn!("an unfinished saga is older than the retention: nothing after it can be cleaned up");
        }
        let horizon = oldest.map_or(by_age, |born| born.min(by_age));
        let mut gone = 0;
        for (_, file) in self.databases() {
            gone += file
                .writer
                .write(move |connection| fence::clean_up(connection, horizon))
                .await?;
        }
        Ok(gone)
    }
}
