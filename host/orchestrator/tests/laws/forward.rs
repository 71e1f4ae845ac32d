//! Sagas that go well, are refused, or run out of attempts.

use std::sync::Arc;

use skald_saga::{Exhausted, Reason, State};

use crate::common::ledger::Effects;
use crate::common::world::patient;
use crate::common::{Host, Say, World, definition};
use crate::scene::{STEPS, only, three, world};

/// The events of a saga that was turned back at a step (from 0) that had begun.
fn turned_back(step: usize) -> Vec<String> {
    let mut told: Vec<String> = (1..=step)
        .flat_map(|n| [format!("{n}Execute:Running"), format!("{n}Success:Running")])
        .collect();
    let last = step == 0;
    told.push(format!("{}Execute:Running", step + 1));
    told.push(format!(
        "{}Failed:{}",
        step + 1,
        if last { "Compensated" } else { "Compensating" }
    ));
    for n in (1..=step).rev() {
        told.push(format!(
            "{n}RolledBack:{}",
            if n == 1 { "Compensated" } else { "Compensating" }
        ));
    }
    told
}

fn assert_effects(host: &Host, saga: skald_saga::SagaId, definition: &skald_saga::Definition, expected: &[(i64, i64)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(acts, undos)| Effects {
            acts: *acts,
            undos: *undos,
        })
        .collect();
    assert_eq!(host.effects(saga, definition), expected);
}

#[test]
fn three_steps_complete_and_are_told_in_six_events() {
    let definition = Arc::new(three());
    let world = world(|_| Say::Done);
    let host = world.open(&[&definition]);
    let saga = host.start(&definition);
    assert_eq!(host.outcome(saga), State::Completed);
    assert_effects(&host, saga, &definition, &[(1, 0); 3]);
    assert_eq!(
        host.told(saga),
        [
            "1Execute:Running",
            "1Success:Running",
            "2Execute:Running",
            "2Success:Running",
            "3Execute:Running",
            "3Success:Completed"
        ]
    );
    host.assert_ended(saga, &definition);
    host.stop();
}

#[test]
fn a_refusal_at_any_step_leaves_a_net_of_nothing() {
    for (at, step) in STEPS.into_iter().enumerate() {
        let definition = Arc::new(three());
        let world = world(only(step, Say::Reject("no_luck"), true));
        let host = world.open(&[&definition]);
        let saga = host.start(&definition);
        assert_eq!(host.outcome(saga), State::Compensated);
        host.assert_ended(saga, &definition);
        assert_eq!(host.told(saga), turned_back(at));
        let failed = host
            .events()
            .into_iter()
            .find(|event| event.event.status == skald_saga::status::Status::Failed);
        assert_eq!(failed.and_then(|failed| failed.reason).as_deref(), Some("no_luck"));
        assert_eq!(world.script.calls(step, true), 0, "a refused step is not compensated");
        host.stop();
    }
}

#[test]
fn a_failed_attempt_is_made_again_until_the_budget_is_spent() {
    for (failures, policy, expected) in [
        (2, Exhausted::Abort, State::Completed),
        (3, Exhausted::Abort, State::Compensated),
        (3, Exhausted::Stick, State::StuckForward),
    ] {
        for say in [Say::Retry, Say::Swallow] {
            let mut definition = three();
            definition.steps[1].on_exhausted = policy;
            let definition = Arc::new(definition);
            let world = world(move |seen| {
                let failing = seen.step == "ORDER" && seen.nth < failures;
                // A swallowed error ends the transaction: the writer runs the call again by itself.
                if failing || (say == Say::Swallow && seen.step == "ORDER" && seen.nth < 2 * failures) {
                    say
                } else {
                    Say::Done
                }
            });
            let host = world.open(&[&definition]);
            let saga = host.start(&definition);
            assert_eq!(host.outcome(saga), expected, "{failures} failures {say:?}");
            match expected {
                State::StuckForward => {
                    assert_effects(&host, saga, &definition, &[(1, 0), (0, 0), (0, 0)]);
                    assert_eq!(host.told(saga).last().map(String::as_str), Some("2Failed:Stuck"));
                }
                State::Compensated => {
                    assert_eq!(host.assert_ended(saga, &definition), expected);
                    assert_eq!(host.told(saga), turned_back(1));
                    assert!(matches!(host.row(saga).reason, Some(Reason::Exhausted { .. })));
                }
                _ => assert_eq!(host.assert_ended(saga, &definition), expected),
            }
            host.stop();
        }
    }
}

#[test]
fn a_saga_past_its_deadline_turns_back() {
    let mut definition = three();
    definition.deadline_ms = Some(0);
    let definition = Arc::new(definition);
    let world = world(|_| Say::Done);
    let host = world.open(&[&definition]);
    let saga = host.start(&definition);
    assert_eq!(host.outcome(saga), State::Compensated);
    assert_eq!(host.told(saga), ["1Failed:Compensated"]);
    assert_eq!(host.row(saga).reason, Some(Reason::Overdue));
    host.assert_ended(saga, &definition);
    host.stop();
}

#[test]
fn many_sagas_at_once_each_end_as_they_should() {
    let definition = Arc::new(three());
    let world = world(|seen| match seen.saga.0 % 3 {
        0 if seen.step == "PAY" => Say::Reject("no_money"),
        1 if seen.step == "ORDER" && seen.nth == 0 => Say::Retry,
        _ => Say::Done,
    });
    let host = world.open(&[&definition]);
    let sagas: Vec<_> = (0..60).map(|_| host.start(&definition)).collect();
    for saga in sagas {
        host.outcome(saga);
        let expected = if saga.0 % 3 == 0 {
            State::Compensated
        } else {
            State::Completed
        };
        assert_eq!(host.assert_ended(saga, &definition), expected);
    }
    host.stop();
}

#[test]
fn a_wait_for_the_next_attempt_survives_a_restart_and_an_operator_ends_it() {
    let mut definition = three();
    definition.steps[1].retry = patient(5);
    let definition = Arc::new(definition);
    let world = world(|seen| {
        if seen.step == "ORDER" && seen.nth == 0 {
            Say::Retry
        } else {
            Say::Done
        }
    });
    let host = world.open(&[&definition]);
    let saga = host.start(&definition);
    host.until_told(saga, "2Execute:Running");
    host.kill();
    let host = world.open(&[&definition]);
    assert!(host.row(saga).next_at.is_some());
    let operation = skald_store::journal::Operation::Cancel;
    host.block_on(host.orchestrator.operate(saga, operation, "me", "enough"))
        .expect("a waiting saga can be cancelled");
    assert_eq!(host.outcome(saga), State::Compensated);
    host.assert_ended(saga, &definition);
    assert_eq!(world.script.calls("ORDER", false), 1);
    host.stop();
}

/// Back pressure is no failure: who finds no room waits for some.
#[test]
fn a_full_queue_costs_no_attempt() {
    let definition = Arc::new(definition(&["RESERVE@product", "ORDER@order"]));
    let mut world = World::new(&["product", "order"], |_| Say::Done);
    world.group.queue = 1;
    let gate = world.script.gate("RESERVE", false, 0);
    let host = world.open(&[&definition]);
    let sagas: Vec<_> = (0..9).map(|_| host.start(&definition)).collect();
    gate.reached();
    for saga in &sagas {
        // It is told only because it takes long: one of them works, one is queued, the others wait.
        host.until_told(*saga, "1Execute:Running");
    }
    drop(gate);
    for saga in sagas {
        assert_eq!(host.outcome(saga), State::Completed);
        assert_eq!(host.row(saga).att_step, None, "no attempt was counted");
        host.assert_ended(saga, &definition);
    }
    host.stop();
}
