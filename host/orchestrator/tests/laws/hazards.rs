//! The hazards that every saga system meets, one test each over all its cases.

use std::sync::Arc;

use skald_saga::State;
use skald_saga::status::{Event, Phase, Status};
use skald_store::clock::now_ms;
use skald_store::fence::Outcome;
use skald_store::journal::News;

use crate::common::world::{STREAM, patient};
use crate::common::{Say, definition};
use crate::double::{deliver, deliver_back, told};
use crate::scene::{STEPS, cancel, held, only, three, world};

#[test]
fn a_duplicate_delivery_at_once_or_late_changes_nothing() {
    for refused in [false, true] {
        let definition = Arc::new(three());
        let world = world(only("PAY", Say::Reject("no_money"), refused));
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
        let definition = Arc::new(three());
        let world = world(only("ORDER", Say::Retry, lost));
        let (host, saga, gate) = held(&world, &definition, "RESERVE", false);
        if !lost {
            cancel(&host, saga);
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
        let definition = Arc::new(three());
        let world = world(only("ORDER", Say::Retry, !commits));
        let (host, saga, gate) = held(&world, &definition, "ORDER", false);
        cancel(&host, saga);
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

/// A stale orchestrator may be further than the one that turns the saga back: the frontier is closed
/// upwards, over what it did.
#[test]
fn the_frontier_is_closed_above_what_the_aborting_orchestrator_knows() {
    let definition = Arc::new(three());
    let world = world(only("PAY", Say::Retry, true));
    let (host, saga, gate) = held(&world, &definition, "RESERVE", false);
    // It knows of nothing done when it turns the saga back; somebody else has done ORDER by then.
    assert!(matches!(
        told(&host, deliver(&host, &definition, saga, 1)),
        Outcome::Done { .. }
    ));
    cancel(&host, saga);
    drop(gate);
    assert_eq!(host.outcome(saga), State::Compensated);
    host.assert_ended(saga, &definition);
    host.stop();
}

/// As after a restore of the journal: a step is fenced, or was undone, and the saga runs all the same.
#[test]
fn a_running_saga_that_finds_a_step_fenced_turns_back() {
    for undone in [false, true] {
        let definition = Arc::new(three());
        let world = world(|_| Say::Done);
        let (host, saga, gate) = held(&world, &definition, "RESERVE", false);
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
    cancel(&host, unfinished);
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
    let definition = Arc::new(three());
    let world = world(only("RESERVE", Say::Reject("no_luck"), true));
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
