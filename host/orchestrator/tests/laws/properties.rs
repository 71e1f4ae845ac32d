//! Random sagas over random databases, with failures, refusals, duplicates, cancels and kills, against
//! a reference that only knows how each step answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use skald_saga::{Definition, Exhausted, SagaId, State};
use skald_store::fence::Action;
use skald_store::journal::Operation;

use crate::common::script::lock;
use crate::common::{Say, Seen, World, definition};
use crate::double::Double;

const DATABASES: [&str; 3] = ["a", "b", "c"];

/// How a step answers: so many failures, then this, and so many failures of its compensation.
#[derive(Clone, Debug)]
struct Behaviour {
    database: usize,
    failures: usize,
    refuses: bool,
    failures_back: usize,
}

/// A saga, and what happens to it from outside.
#[derive(Clone, Debug)]
struct Case {
    steps: Vec<Behaviour>,
    cancelled: bool,
    /// Its first step is delivered once more after its end.
    doubled: bool,
}

fn case() -> impl Strategy<Value = Case> {
    let step = (0..DATABASES.len(), 0..4_usize, prop::bool::weighted(0.15), 0..3_usize).prop_map(
        |(database, failures, refuses, failures_back)| Behaviour {
            database,
            // Three failures in a row are the whole budget: seldom.
            failures: if failures == 3 && failures_back > 0 {
                0
            } else {
                failures
            },
            refuses,
            failures_back,
        },
    );
    (
        prop::collection::vec(step, 1..=8),
        prop::bool::weighted(0.2),
        any::<bool>(),
    )
        .prop_map(|(steps, cancelled, doubled)| Case {
            steps,
            cancelled,
            doubled,
        })
}

impl Case {
    fn definition(&self) -> Definition {
        let names: Vec<String> = self
            .steps
            .iter()
            .enumerate()
            .map(|(n, step)| format!("S{n}@{}", DATABASES[step.database]))
            .collect();
        let mut definition = definition(&names.iter().map(String::as_str).collect::<Vec<_>>());
        for step in &mut definition.steps {
            step.on_exhausted = Exhausted::Abort;
        }
        // Kills count attempts too; how a budget is spent is tested elsewhere.
        definition.compensation.attempts = 100;
        definition
    }

    /// What one call is answered.
    fn answer(&self, seen: &Seen) -> Say {
        let step = &self.steps[seen.step[1..].parse::<usize>().expect("S and its number")];
        match seen.back {
            true if seen.nth < step.failures_back => Say::Retry,
            false if seen.nth < step.failures => Say::Retry,
            false if step.refuses => Say::Reject("no"),
            _ => Say::Done,
        }
    }

    /// The only end, where nobody interferes.
    fn reference(&self) -> State {
        let fails = |step: &Behaviour| step.refuses || step.failures >= 3;
        if self.steps.iter().any(fails) {
            State::Compensated
        } else {
            State::Completed
        }
    }
}

/// Runs the sagas, killing the host so many times in between, and checks every one.
fn check(cases: &[Case], kills: usize) {
    let plans: Arc<Mutex<HashMap<SagaId, Case>>> = Arc::default();
    let answers = plans.clone();
    let plan = move |seen: &Seen| {
        lock(&answers)
            .get(&seen.saga)
            .map_or(Say::Retry, |case| case.answer(seen))
    };
    let world = World::new(&DATABASES, plan);
    let definitions: Vec<_> = cases.iter().map(|case| Arc::new(case.definition())).collect();
    let known: Vec<_> = definitions.iter().collect();
    let mut host = world.open(&known);
    let mut sagas = vec![];
    for (case, definition) in cases.iter().zip(&definitions) {
        let saga = host.start_where(definition, |id| lock(&plans).insert(id, case.clone()).is_none());
        sagas.push(saga);
        if case.cancelled {
            // It may have ended already.
            let _ = host.block_on(host.orchestrator.operate(saga, Operation::Cancel, "me", "a test"));
        }
    }
    for _ in 0..kills {
        host.kill();
        host = world.open(&known);
    }
    for ((case, definition), saga) in cases.iter().zip(&definitions).zip(&sagas) {
        host.outcome(*saga);
        if case.doubled {
            let key = skald_store::fence::Key {
                saga: *saga,
                step: 0,
                nonce: host.nonce(*saga),
            };
            let (job, reply) = Action::new(key, None, Box::new(Double(*saga, "S0")));
            let file = host
                .orchestrator
                .database(&definition.steps[0].database)
                .expect("it is open");
            file.writer.submit(Box::new(job)).expect("there is room");
            assert!(host.block_on(reply).expect("the writer answers").found);
        }
        let end = host.assert_ended(*saga, definition);
        if !case.cancelled && kills == 0 {
            assert_eq!(end, case.reference(), "{case:?}");
        } else if end == State::Completed {
            assert_eq!(case.reference(), State::Completed, "{case:?}");
        }
    }
    host.kill();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn random_sagas_end_as_the_reference_says(cases in prop::collection::vec(case(), 1..12), kills in 0..3_usize) {
        check(&cases, kills);
    }
}
