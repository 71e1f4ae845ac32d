//! Every point × what can go wrong there × every time it is passed × how the saga goes. Afterwards a
//! fresh host ends every saga, each effect is there once or not at all in the end, and the events are
//! complete and in order.

use std::sync::{Arc, Mutex};

use fail::FailScenario;
use skald_orchestrator::Orchestrator;
use skald_saga::{Definition, Exhausted, SagaId, State};
use skald_store::fault;
use skald_store::journal::Operation;

use crate::common::script::lock;
use crate::common::{Host, Say, Seen, World, definition, request};

/// Points of every database, with the faults that are possible there. A fault that comes twice in a
/// row is one that the writer's own repetition does not heal.
const POINTS: [(&str, &[&str]); 7] = [
    ("ask", &["1*return(error)", "1*return(crash)"]),
    ("begin", &["1*return(error)", "2*return(error)", "1*return(crash)"]),
    ("job", &["1*return(error)", "2*return(error)", "1*return(crash)"]),
    (
        "commit",
        &[
            "1*return(error)",
            "2*return(error)",
            "1*return(lost)",
            "2*return(lost)",
            "1*return(crash)",
        ],
    ),
    ("committed", &["1*return(crash)"]),
    ("sync", &["1*return(crash)"]),
    ("answered", &["1*return(lost)", "1*return(crash)"]),
];

/// More often than any point is passed in one saga.
const MOST_PASSES: usize = 40;

/// How a saga goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Success,
    Refused,
    /// Cancelled in the middle of its second step.
    Cancelled,
}

/// The host that a component may call, and what runs it.
type Running = Arc<Mutex<Option<(tokio::runtime::Handle, Orchestrator)>>>;

/// A world whose sagas go that way, and where a running host is put so that its sagas can be cancelled.
fn world(way: Way) -> (World, Running) {
    let running = Running::default();
    let host = running.clone();
    let plan = move |seen: &Seen| match way {
        Way::Refused if seen.step == "PAY" && !seen.back => Say::Reject("no_money"),
        Way::Cancelled if seen.step == "ORDER" && !seen.back && seen.nth == 0 => {
            // It may fail, as everything here may; then the saga completes.
            if let Some((runtime, host)) = lock(&host).clone() {
                let _ =
                    runtime.block_on(host.operate(seen.saga, Operation::Cancel, "a customer", "changed their mind"));
            }
            Say::Done
        }
        _ => Say::Done,
    };
    (World::new(&["product", "order"], plan), running)
}

fn purchase() -> Arc<Definition> {
    let mut purchase = definition(&["RESERVE@product", "ORDER@order", "PAY@product"]);
    for step in &mut purchase.steps {
        step.on_exhausted = Exhausted::Stick;
    }
    Arc::new(purchase)
}

/// Starts a saga under a fault, and lets the host go on until the saga is over or the host has
/// crashed. None: the start was refused for good.
fn under_fault(host: &Host, definition: &Arc<Definition>) -> Option<SagaId> {
    let mut count = fault::count();
    let before = count.borrow_and_update().crashes;
    let request = request(definition);
    let id = request.id;
    host.block_on(async {
        let mut crashed = count.clone();
        tokio::select! {
            _ = crashed.wait_for(|count| count.crashes > before) => Some(id),
            started = host.orchestrator.start(request) => started.ok().map(|_| id),
        }
    })?;
    host.block_on(async {
        tokio::select! {
            _ = count.wait_for(|count| count.crashes > before) => {}
            _ = host.reaches(id, |state| state.is_terminal() || state.is_stuck()) => {}
        }
    });
    Some(id)
}

/// One case; false: the point is not passed so often.
fn one(way: Way, point: &str, passes: usize, fault: &str) -> bool {
    let case = format!("{way:?} {point} {passes} {fault}");
    let definition = purchase();
    let (world, running) = world(way);
    let host = world.open(&[&definition]);
    *lock(&running) = Some((host.runtime(), host.orchestrator.clone()));
    let before = fault::count().borrow().faults;
    fail::cfg(point, &format!("{passes}*off->{fault}->off")).expect("an action");
    let saga = under_fault(&host, &definition);
    fail::remove(point);
    let fired = fault::count().borrow().faults > before;
    host.kill();
    *lock(&running) = None;

    let host = world.open(&[&definition]);
    let Some(saga) = saga.filter(|saga| host.find(*saga).is_some()) else {
        assert!(
            world.script.seen().is_empty(),
            "{case}: nothing ran of a saga that was never started"
        );
        return fired;
    };
    host.outcome(saga);
    let state = host.assert_ended(saga, &definition);
    let possible = match way {
        Way::Success => state == State::Completed,
        Way::Refused => state == State::Compensated,
        Way::Cancelled => true,
    };
    assert!(possible, "{case}: {state:?}");
    host.stop();
    fired
}

/// Sweeps the points of one database; each must be passed at least once.
fn sweep(label: &str, points: &[&str]) {
    let _scenario = FailScenario::setup();
    let mut cases = 0;
    let begun = std::time::Instant::now();
    for (point, faults) in POINTS.iter().filter(|(point, _)| points.contains(point)) {
        for fault in *faults {
            for way in [Way::Success, Way::Refused, Way::Cancelled] {
                let name = format!("{label}.{point}");
                let fired = (0..MOST_PASSES)
                    .take_while(|passes| one(way, &name, *passes, fault))
                    .count();
                assert!((1..MOST_PASSES).contains(&fired), "{name} is passed {fired} times");
                cases += fired;
            }
        }
    }
    println!("{label}: {cases} cases {:?}", begun.elapsed());
}

#[test]
fn a_fault_anywhere_in_the_journal_is_survived() {
    sweep("journal", &["begin", "job", "commit", "committed", "sync"]);
}

#[test]
fn a_fault_anywhere_in_a_service_is_survived() {
    sweep(
        "product",
        &["ask", "begin", "job", "commit", "committed", "sync", "answered"],
    );
    sweep(
        "order",
        &["ask", "begin", "job", "commit", "committed", "sync", "answered"],
    );
}
