//! The hazards that every saga system meets, one test each over all its cases.

use std::sync::{Arc, mpsc};

use skald_saga::status::{Event, Phase, Status};
use skald_saga::{Definition, Digest, SagaId, State};
use skald_store::clock::now_ms;
use skald_store::fence::{Action, Back, Close, Guest, GuestAnswer, Key, Outcome, Reply, StepSession};
use skald_store::journal::{News, Operation};
use skald_store::sql::{Session, Value};
use tokio::sync::oneshot;

use crate::common::world::{STREAM, patient};
use crate::common::{Host, Say, Seen, World, definition};

const STEPS: [&str; 3] = ["RESERVE", "ORDER", "PAY"];

fn three() -> Arc<Definition> {
    Arc::new(definition(&["RESERVE@product", "ORDER@order", "PAY@payment"]))
}

fn world(plan: impl Fn(&Seen) -> Say + Send + Sync + 'static) -> World {
    World::new(&["product", "order", "payment"], plan)
}

/// A component that does the step's work once more if it is called.
pub struct Double(pub SagaId, pub &'static str);

impl Double {
    fn act(&self, mut session: StepSession, kind: &str) -> StepSession {
        let row = [
            Value::Integer(self.0.0.cast_signed()),
            Value::Text(self.1.into()),
            Value::Text(kind.into()),
        ];
        session
            .execute("INSERT INTO effect (saga, step, kind) VALUES (?, ?, ?)", &row)
            .expect("it is open");
        session
    }
}

impl Guest for Double {
    fn step(&mut self, session: StepSession) -> (StepSession, GuestAnswer, Digest) {
        (
            self.act(session, "act"),
            GuestAnswer::Done("{}".into()),
            Digest::of(b"a double"),
        )
    }

    fn compensate(&mut self, session: StepSession, _: Option<Digest>, _: Option<&str>) -> (StepSession, GuestAnswer) {
        (self.act(session, "undo"), GuestAnswer::Done(String::new()))
    }
}

fn key(host: &Host, saga: SagaId, step: usize) -> Key {
    Key {
        saga,
        step,
        nonce: host.nonce(saga),
    }
}

/// Delivers a step's action once more.
fn deliver(host: &Host, definition: &Definition, saga: SagaId, step: usize) -> oneshot::Receiver<Reply> {
    let (job, reply) = Action::new(key(host, saga, step), None, Box::new(Double(saga, STEPS[step])));
    let file = host
        .orchestrator
        .database(&definition.steps[step].database)
        .expect("it is open");
    file.writer.submit(Box::new(job)).expect("there is room");
    reply
}

/// Delivers a step's compensation once more.
fn deliver_back(host: &Host, definition: &Definition, saga: SagaId, step: usize) -> oneshot::Receiver<Reply> {
    let double = Box::new(Double(saga, STEPS[step]));
    let (job, reply) = Back::new(key(host, saga, step), Close::AndCompensate, false, double);
    let file = host
        .orchestrator
        .database(&definition.steps[step].database)
        .expect("it is open");
    file.writer.submit(Box::new(job)).expect("there is room");
    reply
}

fn told(host: &Host, reply: oneshot::Receiver<Reply>) -> Outcome {
    host.block_on(reply).expect("the writer answers").outcome
}

#[test]
fn a_duplicate_delivery_at_once_or_late_changes_nothing() {
    for refused in [false, true] {
        let definition = three();
        let world = world(move |seen| {
            if refused && seen.step == "PAY" {
                Say::Reject("no_money")
            } else {
                Say::Done
            }
        });
        let host = world.open(&[&definition]);
        let mut doubles = vec![];
        let gates: Vec<_> = STEPS
            .map(|step| world.script.gate(step, false, 0))
            .into_iter()
            .collect();
        let saga = host.start(&definition);
        for (step, gate) in gates.into_iter().enumerate() {
            gate.reached();
            doubles.extend([(); 2].map(|()| (step, deliver(&host, &definition, saga, step))));
            drop(gate);
        }
        host.outcome(saga);
        for (step, double) in doubles {
            let at_once = told(&host, double);
            let turned = refused && step == 2;
            assert!(matches!(at_once, Outcome::Done { .. }) != turned, "{at_once:?}");
        }
        for step in 0..3 {
            let late = told(&host, deliver(&host, &definition, saga, step));
            match (refused, step) {
                (false, _) => assert!(matches!(late, Outcome::Done { .. }), "{late:?}"),
                (true, 2) => assert!(matches!(late, Outcome::Rejected(_)), "{late:?}"),
                (true, _) => {
                    assert_eq!(late, Outcome::TurnedAway);
                    assert_eq!(
                        told(&host, deliver_back(&host, &definition, saga, step)),
                        Outcome::Undone
                    );
                }
            }
        }
        host.assert_ended(saga, &definition);
        host.stop();
    }
}

/// Null compensation and hanging: whatever became of the action, it takes no effect after the end.
#[test]
fn an_action_that_was_never_sent_or_got_lost_can_not_come_late() {
    for lost in [false, true] {
        let definition = three();
        let world = world(move |seen| {
            if lost && seen.step == "ORDER" {
                Say::Retry
            } else {
                Say::Done
            }
        });
        let gate = world.script.gate("RESERVE", false, 0);
        let host = world.open(&[&definition]);
        let saga = host.start(&definition);
        gate.reached();
        if !lost {
            let cancel = host.orchestrator.operate(saga, Operation::Cancel, "me", "a test");
            host.block_on(cancel).expect("it runs");
        }
        drop(gate);
        assert_eq!(host.outcome(saga), State::Compensated);
        assert_eq!(host.fences(saga, &definition)[1].as_deref(), Some("fenced"));
        assert_eq!(told(&host, deliver(&host, &definition, saga, 1)), Outcome::TurnedAway);
        host.assert_ended(saga, &definition);
        host.stop();
    }
}

#[test]
fn a_compensation_waits_for_an_action_that_runs() {
    for commits in [true, false] {
        let definition = three();
        let world = world(move |seen| {
            if !commits && seen.step == "ORDER" {
                Say::Retry
            } else {
                Say::Done
            }
        });
        let gate = world.script.gate("ORDER", false, 0);
        let host = world.open(&[&definition]);
        let saga = host.start(&definition);
        gate.reached();
        let cancel = host.orchestrator.operate(saga, Operation::Cancel, "me", "a test");
        host.block_on(cancel).expect("it runs");
        let mut closed = deliver_back(&host, &definition, saga, 1);
        assert!(closed.try_recv().is_err(), "the action holds its transaction open");
        drop(gate);
        let closed = told(&host, closed);
        assert_eq!(closed, if commits { Outcome::Undone } else { Outcome::Fenced });
        assert_eq!(host.outcome(saga), State::Compensated);
        let effects = host.effects(saga, &definition);
        assert!(effects.iter().all(|one| one.acts == one.undos), "{effects:?}");
        host.stop();
    }
}

/// How a saga goes while one of its two orchestrators is frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Success,
    Refused,
    Cancelled,
}

#[test]
fn two_orchestrators_agree_on_one_end() {
    for way in [Way::Success, Way::Refused, Way::Cancelled] {
        let back = [("ORDER", true), ("RESERVE", true)]
            .into_iter()
            .filter(|_| way == Way::Refused);
        for (step, direction) in STEPS.map(|step| (step, false)).into_iter().chain(back) {
            let definition = three();
            let world = world(move |seen| {
                if way == Way::Refused && seen.step == "PAY" && !seen.back {
                    Say::Reject("no_money")
                } else {
                    Say::Done
                }
            });
            let gate = world.script.gate(step, direction, 0);
            let frozen = world.open(&[&definition]);
            let saga = frozen.start(&definition);
            gate.reached();
            let ice = frozen.freeze();
            drop(gate);
            let rival = world.rival(&frozen, &[&definition]);
            if way == Way::Cancelled {
                // The rival may have completed it by now.
                let _ = rival.block_on(rival.orchestrator.operate(saga, Operation::Cancel, "me", "a test"));
            }
            let end = rival.outcome(saga);
            drop(ice);
            frozen.block_on(async {
                while frozen.orchestrator.running() > 0 {
                    tokio::task::yield_now().await;
                }
            });
            assert_eq!(rival.assert_ended(saga, &definition), end, "{way:?} frozen in {step}");
            match way {
                Way::Success => assert_eq!(end, State::Completed),
                Way::Refused => assert_eq!(end, State::Compensated),
                Way::Cancelled => {}
            }
            rival.kill();
            frozen.kill();
        }
    }
}

#[test]
fn two_orchestrators_that_race_agree_on_one_end() {
    let definition = three();
    let world = world(|seen| match seen.saga.0 % 4 {
        0 if seen.step == "PAY" && !seen.back => Say::Reject("no_money"),
        1 if seen.step == "ORDER" && seen.nth < 2 => Say::Retry,
        _ => Say::Done,
    });
    let host = world.open(&[&definition]);
    let gate = world.script.gate("RESERVE", false, 0);
    let sagas: Vec<_> = (0..24).map(|_| host.start(&definition)).collect();
    gate.reached();
    let rival = world.rival(&host, &[&definition]);
    drop(gate);
    for (number, saga) in sagas.iter().enumerate() {
        if number % 5 == 0 {
            let _ = rival.block_on(rival.orchestrator.operate(*saga, Operation::Cancel, "me", "a test"));
        }
    }
    for saga in &sagas {
        host.outcome(*saga);
    }
    for one in [&host, &rival] {
        one.block_on(async {
            while one.orchestrator.running() > 0 {
                tokio::task::yield_now().await;
            }
        });
    }
    for saga in sagas {
        host.assert_ended(saga, &definition);
    }
    rival.kill();
    host.kill();
}

/// A stale orchestrator may be further than the one that turns the saga back: the frontier is closed
/// upwards, over what it did.
#[test]
fn the_frontier_is_closed_above_what_the_aborting_orchestrator_knows() {
    let definition = three();
    let world = world(|seen| if seen.step == "PAY" { Say::Retry } else { Say::Done });
    let gate = world.script.gate("RESERVE", false, 0);
    let host = world.open(&[&definition]);
    let saga = host.start(&definition);
    gate.reached();
    // It knows of nothing done when it turns the saga back; somebody else has done ORDER by then.
    assert!(matches!(
        told(&host, deliver(&host, &definition, saga, 1)),
        Outcome::Done { .. }
    ));
    let cancel = host.orchestrator.operate(saga, Operation::Cancel, "me", "a test");
    host.block_on(cancel).expect("it runs");
    drop(gate);
    assert_eq!(host.outcome(saga), State::Compensated);
    host.assert_ended(saga, &definition);
    host.stop();
}

/// As after a restore of the journal: a step is fenced, or was undone, and the saga runs all the same.
#[test]
fn a_running_saga_that_finds_a_step_fenced_turns_back() {
    for undone in [false, true] {
        let definition = three();
        let world = world(|_| Say::Done);
        let gate = world.script.gate("RESERVE", false, 0);
        let host = world.open(&[&definition]);
        let saga = host.start(&definition);
        gate.reached();
        if undone {
            assert!(matches!(
                told(&host, deliver(&host, &definition, saga, 1)),
                Outcome::Done { .. }
            ));
        }
        told(&host, deliver_back(&host, &definition, saga, 1));
        drop(gate);
        assert_eq!(host.outcome(saga), State::Compensated);
        assert_eq!(host.row(saga).reason, Some(skald_saga::Reason::Fenced));
        assert_eq!(world.script.calls("PAY", false), 0, "a fenced step is not done");
        host.assert_ended(saga, &definition);
        host.stop();
    }
}

/// A message that comes after the clean-up is turned away, and clean-up takes no unfinished saga's fences.
#[test]
fn clean_up_takes_only_what_has_ended_and_leaves_a_horizon() {
    let mut waits = definition(&["RESERVE@product", "ORDER@order", "PAY@payment"]);
    waits.steps[2].retry = patient(5);
    let definition = Arc::new(waits);
    let mut world = world(|seen| {
        if seen.step == "PAY" && seen.saga.0 % 2 == 1 {
            Say::Retry
        } else {
            Say::Done
        }
    });
    world.settings.retention = std::time::Duration::ZERO;
    let host = world.open(&[&definition]);
    let start = |odd: bool| host.start_where(&definition, |id| (id.0 % 2 == 1) == odd);
    let ended = start(false);
    assert_eq!(host.outcome(ended), State::Completed);
    // The next one is born in a later millisecond: the horizon lies between the two.
    let unfinished = host.start_where(&definition, |id| id.0 % 2 == 1 && id.born_ms() > ended.born_ms());
    host.until_told(unfinished, "3Execute:Running");
    // The saga's row may be born long after its id: the fences go by the id.
    host.force(unfinished, "UPDATE saga SET born = born + 1000 WHERE id = ?");
    let gone = host
        .block_on(host.orchestrator.clean_up(now_ms()))
        .expect("the files work");
    assert_eq!(gone.fences, 3, "those of the ended saga");
    let kept = [Some("done".into()), Some("done".into()), None];
    assert_eq!(host.fences(unfinished, &definition), kept);
    let cancel = host.orchestrator.operate(unfinished, Operation::Cancel, "me", "a test");
    host.block_on(cancel).expect("it waits");
    assert_eq!(host.outcome(unfinished), State::Compensated);
    host.assert_ended(unfinished, &definition);
    for step in 0..3 {
        assert_eq!(
            told(&host, deliver(&host, &definition, ended, step)),
            Outcome::TurnedAway
        );
        let back = told(&host, deliver_back(&host, &definition, ended, step));
        assert!(
            matches!(back, Outcome::Alien(_)),
            "below the horizon absent proves nothing: {back:?}"
        );
    }
    let counted = host.effects(ended, &definition);
    assert!(counted.iter().all(|one| one.acts == 1 && one.undos == 0), "{counted:?}");
    host.stop();
}

/// No event says more than the journal's row: an orchestrator that is behind tells nothing.
#[test]
fn nothing_is_told_of_a_state_that_the_saga_has_left() {
    let definition = three();
    let world = world(|seen| {
        if seen.step == "RESERVE" {
            Say::Reject("no_luck")
        } else {
            Say::Done
        }
    });
    let host = world.open(&[&definition]);
    let saga = host.start(&definition);
    assert_eq!(host.outcome(saga), State::Compensated);
    let stale = Event {
        step: 1,
        status: Status::Execute,
        phase: Phase::Running,
    };
    let news = News {
        saga,
        nonce: host.nonce(saga),
        definition: definition.digest(),
        stream: STREAM.into(),
        round: 0,
        events: vec![stale],
        reason: None,
        stuck: None,
        at_ms: 0,
    };
    let told = host
        .block_on(host.orchestrator.journal().tell(news, State::Running))
        .expect("the journal works");
    assert_eq!(told, []);
    host.assert_ended(saga, &definition);
    host.stop();
}

/// The freezing side of `SIGSTOP`.
pub struct Ice {
    _thaw: mpsc::Sender<()>,
}

impl Host {
    /// Freezes this host until the ice is dropped: its one working thread does nothing.
    fn freeze(&self) -> Ice {
        let (thaw, thawed) = mpsc::channel::<()>();
        let (arrived, seen) = mpsc::channel();
        self.runtime().spawn(async move {
            let _ = arrived.send(());
            // It ends when the ice is dropped.
            let _ = thawed.recv();
        });
        seen.recv().expect("its thread works");
        Ice { _thaw: thaw }
    }
}
