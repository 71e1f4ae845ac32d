//! What only has a value now: it is read when Prometheus asks.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use skald_saga::State;
use skald_store::outbox;
use skald_store::sqlite::File;

use super::Metrics;
use crate::http::App;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DatabaseLabels {
    database: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FilterLabels {
    filter: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ComponentLabels {
    component: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabels {
    component: String,
    kind: &'static str,
}

/// The series of what is read.
#[derive(Default)]
pub(super) struct Now {
    running: Gauge,
    unfinished: Family<StateLabels, Gauge>,
    oldest: Gauge<f64, AtomicU64>,
    queue: Family<DatabaseLabels, Gauge>,
    commits: Family<DatabaseLabels, Counter>,
    jobs: Family<DatabaseLabels, Counter>,
    outbox: Family<DatabaseLabels, Gauge>,
    dead_letters: Family<DatabaseLabels, Gauge>,
    streams: Gauge,
    filter_items: Family<FilterLabels, Gauge>,
    filter_certain: Family<FilterLabels, Gauge>,
    calls: Family<ComponentLabels, Counter>,
    failures: Family<FailureLabels, Counter>,
    resident: Gauge,
}

impl Now {
    pub fn register(registry: &mut Registry) -> Self {
        let now = Self::default();
        registry.register(
            "sagas_running",
            "Sagas in the hands of this process",
            now.running.clone(),
        );
        registry.register(
            "sagas_unfinished",
            "Sagas that have not ended, by state",
            now.unfinished.clone(),
        );
        let about = "Age of the oldest saga that has not ended; 0 when there is none";
        registry.register_with_unit("saga_oldest_unfinished", about, Unit::Seconds, now.oldest.clone());
        registry.register(
            "database_queue",
            "Jobs that wait for a database's writer",
            now.queue.clone(),
        );
        registry.register("database_commits", "Group commits", now.commits.clone());
        registry.register(
            "database_jobs",
            "Jobs in those commits: divided by them, the size of a group",
            now.jobs.clone(),
        );
        registry.register("outbox_events", "Events that wait to be delivered", now.outbox.clone());
        registry.register("dead_letters", "Events that were given up", now.dead_letters.clone());
        registry.register("result_streams", "Open streams of results", now.streams.clone());
        registry.register("filter_items", "Items in a membership filter", now.filter_items.clone());
        registry.register(
            "filter_certain",
            "1 when a filter says \"surely not\", 0 when it is being filled or is full and says \"perhaps\" to everything",
            now.filter_certain.clone(),
        );
        registry.register(
            "component_calls",
            "Calls of components that were begun",
            now.calls.clone(),
        );
        registry.register(
            "component_failures",
            "Calls that a component did not survive",
            now.failures.clone(),
        );
        registry.register_with_unit(
            "process_resident",
            "Memory of the process",
            Unit::Bytes,
            now.resident.clone(),
        );
        registry.register(
            "build",
            "What is running",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        now
    }
}

impl Metrics {
    /// All of it, as Prometheus text.
    ///
    /// # Errors
    /// When the journal or a database can't be read.
    pub async fn scrape(&self, app: &App) -> Result<String, skald_store::journal::Error> {
        let now = &self.0.now;
        now.running.set(app.orchestrator.running().cast_signed() as i64);
        now.streams.set(app.hub.listeners().cast_signed() as i64);
        now.resident.set(resident_bytes());
        let counts = app.orchestrator.journal().counts().await?;
        for state in State::ALL
            .into_iter()
            .filter(|state| !state.is_terminal())
            .map(State::name)
        {
            let count = counts.unfinished.get(state).copied().unwrap_or(0);
            now.unfinished.get_or_create(&StateLabels { state }).set(count);
        }
        let oldest = counts.oldest_unfinished_ms.unwrap_or(0).max(0).unsigned_abs();
        now.oldest.set(std::time::Duration::from_millis(oldest).as_secs_f64());
        now.read_database("journal", app.orchestrator.journal().file());
        for (label, file) in app.orchestrator.databases() {
            now.read_database(label, file);
            now.read_events(label, file).await?;
        }
        now.read_filters(app);
        now.read_components(app);
        let mut text = String::new();
        encode(&mut text, &self.0.registry).expect("writing to a text does not fail");
        Ok(text)
    }
}

impl Now {
    fn read_database(&self, label: &str, file: &File) {
        let labels = DatabaseLabels {
            database: label.to_owned(),
        };
        let (commits, jobs) = file.writer.committed();
        self.queue
            .get_or_create(&labels)
            .set(file.writer.backlog().cast_signed() as i64);
        set(&self.commits.get_or_create(&labels), commits);
        set(&self.jobs.get_or_create(&labels), jobs);
    }

    async fn read_events(&self, label: &str, file: &File) -> rusqlite::Result<()> {
        let labels = DatabaseLabels {
            database: label.to_owned(),
        };
        let events =
            |connection: &rusqlite::Connection| Ok((outbox::backlog(connection)?, outbox::dead_letters(connection)?));
        let (waiting, given_up) = file.readers.read(events).await?;
        self.outbox.get_or_create(&labels).set(waiting);
        self.dead_letters.get_or_create(&labels).set(given_up);
        Ok(())
    }

    fn read_filters(&self, app: &App) {
        for state in app.cache.filter_states() {
            let labels = FilterLabels {
                filter: state.label.to_string(),
            };
            self.filter_items
                .get_or_create(&labels)
                .set(state.items.cast_signed() as i64);
            self.filter_certain.get_or_create(&labels).set(state.certain.into());
        }
    }

    fn read_components(&self, app: &App) {
        for (component, version) in app.registry.components() {
            let component = component.to_owned();
            for (kind, count) in version.counts().failures() {
                set(
                    &self.failures.get_or_create(&FailureLabels {
                        component: component.clone(),
                        kind,
                    }),
                    count,
                );
            }
            set(
                &self.calls.get_or_create(&ComponentLabels { component }),
                version.counts().calls(),
            );
        }
    }
}

/// Takes over a count that is kept elsewhere.
fn set(counter: &Counter, count: u64) {
    counter.inner().store(count, Ordering::Relaxed);
}

/// What the system says; 0 where it says nothing.
fn resident_bytes() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: Option<i64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.unwrap_or(0) * 1024
}
