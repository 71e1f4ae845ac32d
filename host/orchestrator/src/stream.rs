//! Live results: status events on their way from the journal to the customers that listen.
//!
//! It is economy, not truth. Events come in the order of their numbers; a listener that finds a gap,
//! or is told that it was too slow, reads the journal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use skald_saga::Digest;
use skald_store::journal::{Listener, StoredEvent};
use tokio::sync::broadcast;

/// How many batches of events a slow listener may be behind before it has to read the journal.
const BEHIND: usize = 256;

/// Some events of one stream, committed together.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The definition of their saga.
    pub definition: Digest,
    /// The events.
    pub events: Arc<[StoredEvent]>,
}

/// Who listens to which stream.
#[derive(Clone, Default)]
pub struct Hub(Arc<Mutex<HashMap<Arc<str>, broadcast::Sender<Batch>>>>);

impl Hub {
    /// Listens to a stream from now on. The subscription is in force when this returns.
    pub fn listen(&self, stream: &str) -> Subscription {
        let mut streams = self.streams();
        let sender = streams
            .entry(stream.into())
            .or_insert_with(|| broadcast::channel(BEHIND).0)
            .clone();
        Subscription {
            batches: sender.subscribe(),
            stream: stream.into(),
            hub: self.clone(),
        }
    }

    /// How many listeners there are.
    pub fn listeners(&self) -> usize {
        self.streams().values().map(broadcast::Sender::receiver_count).sum()
    }

    fn streams(&self) -> std::sync::MutexGuard<'_, HashMap<Arc<str>, broadcast::Sender<Batch>>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Listener for Hub {
    fn told(&self, stream: &Arc<str>, definition: Digest, events: &[StoredEvent]) {
        if let Some(sender) = self.streams().get(stream) {
            // Nobody listening any more is not an error: the journal has the events.
            let _ = sender.send(Batch {
                definition,
                events: events.into(),
            });
        }
    }
}

/// A place among the listeners of a stream.
pub struct Subscription {
    batches: broadcast::Receiver<Batch>,
    stream: Arc<str>,
    hub: Hub,
}

impl Subscription {
    /// The next events; none: some were missed, so read the journal.
    pub async fn next(&mut self) -> Option<Batch> {
        self.batches.recv().await.ok()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut streams = self.hub.streams();
        // This subscription still counts as one.
        if streams
            .get(&self.stream)
            .is_some_and(|sender| sender.receiver_count() <= 1)
        {
            streams.remove(&self.stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skald_saga::SagaId;
    use skald_saga::status::{Event, Phase, Status};

    fn event(seq: i64) -> StoredEvent {
        let event = Event {
            step: 0,
            status: Status::Execute,
            phase: Phase::Running,
        };
        StoredEvent {
            seq,
            saga: SagaId(1),
            event,
            reason: None,
            at_ms: 0,
        }
    }

    #[tokio::test]
    async fn a_listener_gets_its_own_stream_and_is_told_when_it_missed_something() {
        let hub = Hub::default();
        let (mut mine, mut other) = (hub.listen("mine"), hub.listen("other"));
        let digest = Digest::of(b"definition");
        hub.told(&"mine".into(), digest, &[event(1)]);
        hub.told(&"other".into(), digest, &[event(7)]);
        assert_eq!(mine.next().await.expect("one batch").events[0].seq, 1);
        assert_eq!(other.next().await.expect("one batch").events[0].seq, 7);
        for seq in (0..).take(BEHIND + 1) {
            hub.told(&"mine".into(), digest, &[event(seq)]);
        }
        assert!(mine.next().await.is_none(), "it was too slow");
    }

    #[test]
    fn a_stream_without_listeners_is_forgotten() {
        let hub = Hub::default();
        let (first, second) = (hub.listen("s"), hub.listen("s"));
        drop(first);
        assert_eq!(hub.listeners(), 1);
        drop(second);
        assert!(hub.streams().is_empty());
    }
}
