//! What the host counts, as Prometheus reads it.
//!
//! Labels come from the manifest or from a fixed list: routes by their pattern and never by path,
//! sagas by definition and never by id. So the number of series is bounded by the manifest. What only
//! has a value now (queues, unfinished sagas) is read when somebody asks, in `scrape`.

mod http;

mod scrape;

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use skald_orchestrator::{Attempt, Kept, Observer};
use skald_saga::{Definition, State};

use scrape::Now;

/// The metrics of a host. Clones share everything.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    started: Family<DefinitionLabels, Counter>,
    ended: Family<EndLabels, Counter>,
    steps: Family<StepLabels, Histogram>,
    requests: Family<RequestLabels, Histogram>,
    forgotten: Family<KeptLabels, Counter>,
    now: Now,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DefinitionLabels {
    definition: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndLabels {
    definition: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabels {
    component: String,
    direction: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KeptLabels {
    what: &'static str,
}

/// From a tenth of a millisecond to seven seconds, each bucket three times the one before.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.0001, 3.0, 11))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("skald");
        let started = Family::default();
        registry.register("sagas_started", "Sagas that were started", started.clone());
        let ended = Family::default();
        registry.register(
            "sagas_ended",
            "Sagas that ended or got stuck, by what came of them",
            ended.clone(),
        );
        let steps = Family::new_with_constructor(durations as fn() -> Histogram);
        let about = "Answered calls of steps and compensations, their wait for the database included";
        registry.register_with_unit("step_duration", about, Unit::Seconds, steps.clone());
        let requests = Family::new_with_constructor(durations as fn() -> Histogram);
        let about = "Requests to the public API until their answer begins";
        registry.register_with_unit("http_request_duration", about, Unit::Seconds, requests.clone());
        let forgotten = Family::<KeptLabels, Counter>::default();
        for what in Kept::ALL.map(Kept::name) {
            forgotten.get_or_create(&KeptLabels { what }).inc_by(0);
        }
        let about = "What was forgotten long after its end: fences, keys of starts, sagas";
        registry.register("forgotten", about, forgotten.clone());
        let now = Now::register(&mut registry);
        Self(Arc::new(Inner {
            registry,
            started,
            ended,
            steps,
            requests,
            forgotten,
            now,
        }))
    }
}

impl Observer for Metrics {
    fn started(&self, definition: &Definition) {
        self.0
            .started
            .get_or_create(&DefinitionLabels {
                definition: definition.name.clone(),
            })
            .inc();
    }

    fn ended(&self, definition: &Definition, state: State) {
        self.0
            .ended
            .get_or_create(&EndLabels {
                definition: definition.name.clone(),
                outcome: state.name(),
            })
            .inc();
    }

    fn attempted(&self, attempt: &Attempt<'_>) {
        let labels = StepLabels {
            component: attempt.component.to_owned(),
            direction: attempt.direction,
            outcome: attempt.outcome,
        };
        self.0.steps.get_or_create(&labels).observe(attempt.took.as_secs_f64());
    }

    fn forgot(&self, what: Kept, rows: usize) {
        self.0
            .forgotten
            .get_or_create(&KeptLabels { what: what.name() })
            .inc_by(rows as u64);
    }
}
