//! Which sagas this process has in its hands, so that it runs each once and can wake it.
//!
//! It is economy: two orchestrators on one saga would be safe, and double the work.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use skald_saga::SagaId;
use tokio::sync::Notify;

use crate::Orchestrator;

/// The sagas in the hands of this process, and how to wake each from a pause.
#[derive(Default)]
pub(crate) struct Places(Mutex<HashMap<SagaId, Arc<Notify>>>);

impl Places {
    fn all(&self) -> MutexGuard<'_, HashMap<SagaId, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a saga is in the hands of this process.
    pub fn has(&self, id: SagaId) -> bool {
        self.all().contains_key(&id)
    }

    /// Wakes a saga; false: nobody has it.
    pub fn wake(&self, id: SagaId) -> bool {
        // Under the lock: who leaves looks for a wake-up under it too.
        self.all().get(&id).inspect(|wake| wake.notify_one()).is_some()
    }
}

/// A saga in the hands of this process, from its pick-up to its end. Dropping it lets it go.
pub(crate) struct Place {
    pub host: Orchestrator,
    id: SagaId,
    wake: Arc<Notify>,
}

impl Place {
    /// Takes a saga; none: this process has it already.
    pub fn take(host: &Orchestrator, id: SagaId) -> Option<Self> {
        let mut places = host.0.places.all();
        if places.contains_key(&id) {
            return None;
        }
        let wake = Arc::new(Notify::new());
        places.insert(id, wake.clone());
        Some(Self {
            host: host.clone(),
            id,
            wake,
        })
    }

    /// Waits until somebody has changed the saga.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Whether somebody has changed the saga since this was last asked.
    pub fn was_woken(&self) -> bool {
        pin!(self.wake.notified()).as_mut().enable()
    }

    /// Lets the saga go, unless somebody has woken it that was not heard yet.
    pub fn leave(&self) -> bool {
        let mut places = self.host.0.places.all();
        let woken = self.was_woken();
        if !woken {
            places.remove(&self.id);
        }
        !woken
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.host.0.places.all();
        // It may have been left, and taken by somebody else since.
        if places.get(&self.id).is_some_and(|wake| Arc::ptr_eq(wake, &self.wake)) {
            places.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use skald_saga::Digest;
    use skald_store::fence::{GuestAnswer, StepSession};
    use skald_store::journal::Journal;
    use skald_store::sqlite::Options;

    use super::*;
    use crate::{Call, Components, Settings};

    struct Nobody;

    impl Components for Nobody {
        fn step(&self, _: &Call, _: StepSession) -> (StepSession, GuestAnswer, Digest) {
            unreachable!("no saga runs")
        }

        fn compensate(
            &self,
            _: &Call,
            _: StepSession,
            _: Option<Digest>,
            _: Option<&str>,
        ) -> (StepSession, GuestAnswer) {
            unreachable!("no saga runs")
        }

        fn is_slow(&self, _: &str) -> bool {
            false
        }
    }

    #[test]
    fn a_wake_up_that_meets_a_saga_about_to_leave_is_heard() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let journal = Journal::open(&Options::new(folder.path().join("j.db"), "journal"), Arc::new(()));
        let journal = journal.expect("the journal opens");
        let host = Orchestrator::new(journal, HashMap::new(), Arc::new(Nobody), Settings::default());
        let place = Place::take(&host, SagaId(1)).expect("nobody has it");
        assert!(Place::take(&host, SagaId(1)).is_none());
        assert!(host.0.places.wake(SagaId(1)));
        assert!(!place.leave(), "it was woken");
        assert!(place.leave(), "it has heard of that");
        assert!(!host.0.places.wake(SagaId(1)));
        let next = Place::take(&host, SagaId(1)).expect("it was left");
        drop(place);
        assert!(
            host.0.places.has(SagaId(1)),
            "a place that was left takes no successor's away"
        );
        drop(next);
        assert!(!host.0.places.has(SagaId(1)));
    }
}
