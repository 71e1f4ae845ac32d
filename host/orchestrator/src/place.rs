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
