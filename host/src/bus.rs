//! Events between components, in this process: from the outboxes to `handle` exports, at least once.
//!
//! A row leaves its outbox once every subscriber has taken it. One that can't take it is asked again
//! with growing pauses; what is given up goes to the dead letters, with the reason. Events of one
//! outbox are delivered in the order of their rows, so those of one key stay in order, unless one is
//! put off: then those behind it with the same topic and key wait for it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use skald_saga::Retry;
use skald_store::clock::now_ms;
use skald_store::outbox::{self, Pending};
use skald_store::sqlite::File;
use tokio_util::sync::CancellationToken;

use crate::invoke::{Event, Unhandled};
use crate::registry::Registry;

/// How often an outbox is looked at: what an event waits at most.
const LOOK: Duration = Duration::from_millis(50);

/// How many events are taken from an outbox at a time.
const BATCH: u32 = 200;

/// How often an event is delivered before it becomes a dead letter: two days at the longest pause.
const POLICY: Retry = Retry {
    attempts: 600,
    initial_ms: 100,
    factor: 2.0,
    max_ms: 300_000,
    jitter: 0.2,
};

/// Who takes which topic.
pub type Subscribers = BTreeMap<String, Vec<String>>;

/// Delivers the events of one database until `stop`.
pub async fn deliver(file: File, registry: Arc<Registry>, subscribers: Arc<Subscribers>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
        while !stop.is_cancelled() {
            match deliver_batch(&file, &registry, &subscribers).await {
                Ok(full) if full => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(
                        database = file.writer.label(),
                        error,
                        "events are late: the outbox can't be used"
                    );
                    break;
                }
            }
        }
    }
}

/// True when there may be more.
async fn deliver_batch(file: &File, registry: &Registry, subscribers: &Subscribers) -> Result<bool, String> {
    let due = file
        .readers
        .read(|connection| outbox::due(connection, now_ms(), BATCH))
        .await;
    let due = due.map_err(|error| error.to_string())?;
    let full = due.len() == BATCH as usize;
    let mut delivered = vec![];
    let mut held: HashSet<(String, Option<String>)> = HashSet::new();
    for pending in due {
        let place = (pending.event.topic.clone(), pending.event.key.clone());
        if pending.event.key.is_some() && held.contains(&place) {
            continue;
        }
        match offer(&pending, file.writer.label(), registry, subscribers).await {
            Offered::Taken => delivered.push(pending.row),
            Offered::Later(pause_ms) => {
                held.insert(place);
                let until = now_ms().saturating_add(i64::try_from(pause_ms).unwrap_or(i64::MAX));
                write(file, move |connection| outbox::put_off(connection, pending.row, until)).await?;
            }
            Offered::Never(subscriber, reason) => {
                tracing::error!(
                    topic = pending.event.topic,
                    subscriber,
                    reason,
                    "an event became a dead letter"
                );
                write(file, move |connection| {
                    outbox::bury(connection, pending.row, &subscriber, &reason)
                })
                .await?;
            }
        }
    }
    if !delivered.is_empty() {
        write(file, move |connection| outbox::delivered(connection, &delivered)).await?;
    }
    Ok(full && held.is_empty())
}

async fn write<T: Send + 'static>(
    file: &File,
    work: impl FnMut(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, String> {
    file.writer.write(work).await.map_err(|error| error.to_string())
}

/// What became of an event.
enum Offered {
    Taken,
    Later(u64),
    Never(String, String),
}

async fn offer(pending: &Pending, label: &str, registry: &Registry, subscribers: &Subscribers) -> Offered {
    for component in subscribers.get(&pending.event.topic).into_iter().flatten() {
        let refused = match registry.active(component) {
            None => Unhandled::Redeliver(0),
            Some(version) => match version.handle(event(pending, label)).await {
                Ok(Ok(())) => continue,
                Ok(Err(unhandled)) => unhandled,
                Err(error) => {
                    tracing::warn!(component, topic = pending.event.topic, %error, "an event was not handled");
                    Unhandled::Redeliver(0)
                }
            },
        };
        let failed = pending.attempts + 1;
        return match refused {
            Unhandled::Discard(reason) => Offered::Never(component.clone(), reason),
            Unhandled::Redeliver(_) if POLICY.exhausted(failed) => {
                Offered::Never(component.clone(), format!("it was not handled {failed} times"))
            }
            Unhandled::Redeliver(after_ms) => Offered::Later(POLICY.pause_ms(failed, 0.5).max(after_ms.into())),
        };
    }
    Offered::Taken
}

fn event(pending: &Pending, label: &str) -> Event {
    Event {
        id: format!("{label}-{}-{}", pending.row, pending.published_us),
        topic: pending.event.topic.clone(),
        key: pending.event.key.clone(),
        published_us: pending.published_us,
        data: pending.event.data.clone(),
    }
}
