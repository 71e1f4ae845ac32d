//! The way from the writer's thread into a component and back, with nothing else: a step of the order
//! component, which executes two statements, beside the same call through wasmtime's own interface.
//!
//! Both run where steps run: on the writer's thread, within a fence's transaction, on the same engine
//! configuration, and both execute the statements for real. What is measured is the call alone: make an
//! instance (or take the group's), call, and drop it.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use skald_host::registry::Registry;
use skald_host::steps::Steps;
use skald_orchestrator::{Call, Components as _};
use skald_saga::{Digest, Nonce, SagaId};
use skald_store::fence::{Action, Guest, GuestAnswer, Key, Outcome, StepSession};
use skald_store::sqlite::File;

use crate::engine::{self, Instances};
use crate::extra;
use crate::measure::median;
use crate::raw::{Kept, Raw, Theirs};
use crate::report::Extra;

/// How many calls are measured of each kind, and how many share a group commit.
const CALLS: u64 = 8_192;
const AT_ONCE: u64 = 64;

/// The step that is called, its component and its database bear this name.
pub const STEP: &str = "order";
/// Its input.
pub const INPUT: &str = r#"{"purchase_items":[{"product_id":1,"amount":1,"price":7}]}"#;

/// Measures the host's dispatch, fresh and reused, beside raw wasmtime.
pub async fn measure(manifest: &Path, components: &Path, data: &Path) -> Result<Vec<Extra>> {
    let raw = Arc::new(Raw::load(&components.join("order.wasm"))?);
    let mut told = vec![];
    let mut nonce = 0;
    for (what, instances) in [("fresh", Instances::Fresh), ("reused", Instances::Group)] {
        let data = data.join(format!("dispatch-{what}"));
        std::fs::create_dir_all(&data)?;
        let (registry, file) = engine::component(manifest, components, &data, instances, STEP).await?;
        let (mut ours, mut theirs) = (vec![], vec![]);
        // In turns, so that both meet the same machine.
        for _ in 0..CALLS / AT_ONCE {
            nonce += 1;
            ours.append(&mut run(&file, nonce, |saga| Box::new(Ours::new(registry.clone(), saga))).await?);
            nonce += 1;
            let kept = (instances == Instances::Group).then(Kept::default);
            let call = |saga| -> Box<dyn Timed> { Box::new(Theirs::new(raw.clone(), saga, kept.clone())) };
            theirs.append(&mut run(&file, nonce, call).await?);
        }
        let (ours, theirs) = (median(ours), median(theirs));
        told.push(extra(
            &format!("dispatch, {what} instance, two statements, p50"),
            format!("{ours:.1} µs; raw wasmtime {theirs:.1} µs ({:.2} times)", ours / theirs),
        ));
    }
    Ok(told)
}

/// A call that tells how long it took, in microseconds.
pub trait Timed: Guest {
    /// How long it took.
    fn took(&self) -> f64;
}

/// Runs one group of steps, and says how long the call of each took.
async fn run(file: &File, nonce: u64, call: impl Fn(u64) -> Box<dyn Timed>) -> Result<Vec<f64>> {
    let (told, took) = crossbeam_channel::unbounded();
    let mut replies = vec![];
    for number in 0..AT_ONCE {
        let saga = nonce * AT_ONCE + number;
        let key = Key {
            saga: SagaId(saga),
            step: 0,
            nonce: Nonce([0; 16]),
        };
        let (job, reply) = Action::new(key, None, Box::new(Watched(call(saga), told.clone())));
        file.writer.submit(Box::new(job))?;
        replies.push(reply);
    }
    for reply in replies {
        let outcome = reply.await?.outcome;
        anyhow::ensure!(matches!(outcome, Outcome::Done { .. }), "a step ended {outcome:?}");
    }
    Ok(took.try_iter().collect())
}

/// Tells how long a call took once it is over.
struct Watched(Box<dyn Timed>, crossbeam_channel::Sender<f64>);

impl Guest for Watched {
    fn step(&mut self, session: StepSession) -> (StepSession, GuestAnswer, Digest) {
        let stepped = self.0.step(session);
        // The receiver lives until all have answered.
        let _ = self.1.send(self.0.took());
        stepped
    }

    fn compensate(
        &mut self,
        session: StepSession,
        digest: Option<Digest>,
        output: Option<&str>,
    ) -> (StepSession, GuestAnswer) {
        self.0.compensate(session, digest, output)
    }
}

/// Through the host.
struct Ours {
    steps: Steps,
    call: Call,
    took: f64,
}

impl Ours {
    fn new(registry: Arc<Registry>, saga: u64) -> Self {
        Self {
            steps: Steps(registry),
            call: Call {
                saga: SagaId(saga),
                definition: "purchase".into(),
                step: STEP.into(),
                component: STEP.into(),
                database: STEP.into(),
                attempt: 1,
                deadline_ms: 5_000,
                principal: Some(r#"{"subject":"7","roles":[],"claims":[]}"#.into()),
                input: INPUT.into(),
            },
            took: 0.0,
        }
    }
}

impl Timed for Ours {
    fn took(&self) -> f64 {
        self.took
    }
}

impl Guest for Ours {
    fn step(&mut self, session: StepSession) -> (StepSession, GuestAnswer, Digest) {
        let begun = Instant::now();
        let stepped = self.steps.step(&self.call, session);
        self.took = begun.elapsed().as_secs_f64() * 1e6;
        stepped
    }

    fn compensate(&mut self, session: StepSession, _: Option<Digest>, _: Option<&str>) -> (StepSession, GuestAnswer) {
        (session, unasked())
    }
}

/// Nothing is compensated here.
pub fn unasked() -> GuestAnswer {
    GuestAnswer::Retry {
        detail: "nothing is compensated here".into(),
        after_ms: None,
    }
}
