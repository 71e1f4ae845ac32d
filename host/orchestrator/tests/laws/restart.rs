//! Sagas over restarts: killed at every step in both directions, on changed definitions and versions.

use std::sync::Arc;

use serde_json::json;
use skald_saga::mapping::Mapping;
use skald_saga::{Definition, Digest, State};
use skald_store::journal::Operation;

use crate::common::Say;
use crate::scene::{self, STEPS, held, only, world};

/// Each step but the first gets what the one before put out.
fn three() -> Definition {
    let mut definition = scene::three();
    definition.steps[1].input = Mapping::Template(json!({"after": "$outputs.RESERVE.by"}));
    definition.steps[2].input = Mapping::Template(json!({"after": "$outputs.ORDER.by", "for": "$principal"}));
    definition
}

#[test]
fn a_kill_in_any_call_is_survived_in_both_directions() {
    for refused in [false, true] {
        let calls = STEPS.map(|step| (step, false)).into_iter();
        let back = [("ORDER", true), ("RESERVE", true)].into_iter().filter(|_| refused);
        for (step, direction) in calls.chain(back) {
            let definition = Arc::new(three());
            let world = world(only("PAY", Say::Reject("no_money"), refused));
            let (host, saga, gate) = held(&world, &definition, step, direction);
            host.kill_at(gate);
            let host = world.open(&[&definition]);
            let expected = if refused { State::Compensated } else { State::Completed };
            assert_eq!(host.outcome(saga), expected, "killed in {step}, back {direction}");
            host.assert_ended(saga, &definition);
            if refused {
                let told = host.told(saga);
                assert!(
                    told.contains(&"3Execute:Running".into()) && told.contains(&"3Failed:Compensating".into()),
                    "{told:?}"
                );
            }
            for seen in world.script.seen().iter().filter(|seen| seen.step == "ORDER") {
                assert_eq!(seen.input, r#"{"after":"RESERVE"}"#, "also on the way back");
            }
            host.stop();
        }
    }
}

#[test]
fn the_budget_of_a_step_survives_restarts() {
    let definition = Arc::new(three());
    let world = world(only("ORDER", Say::Retry, true));
    let mut host = world.open(&[&definition]);
    let gate = world.script.gate("ORDER", false, 0);
    let saga = host.start(&definition);
    gate.reached();
    host.kill_at(gate);
    // Each pick-up after a crash counts an attempt: a step that kills its host is not tried for ever.
    for killed in 1..3 {
        let gate = world.script.gate("ORDER", false, world.script.calls("ORDER", false));
        host = world.open(&[&definition]);
        gate.reached();
        assert!(host.row(saga).att >= killed, "{:?}", host.row(saga));
        host.kill_at(gate);
    }
    host = world.open(&[&definition]);
    assert_eq!(host.outcome(saga), State::Compensated);
    assert_eq!(
        world.script.calls("ORDER", false),
        3,
        "no more calls than the budget has attempts"
    );
    host.assert_ended(saga, &definition);
    host.stop();
}

#[test]
fn the_budget_of_a_compensation_survives_restarts() {
    let mut three = three();
    three.compensation.attempts = 6;
    let definition = Arc::new(three);
    let world = world(|seen| match (seen.step.as_str(), seen.back) {
        ("PAY", false) => Say::Reject("no_money"),
        ("ORDER", true) if seen.nth < 5 => Say::Retry,
        _ => Say::Done,
    });
    let gate = world.script.gate("ORDER", true, 2);
    let host = world.open(&[&definition]);
    let saga = host.start(&definition);
    gate.reached();
    assert_eq!(host.row(saga).att_back, 2);
    host.kill_at(gate);
    let host = world.open(&[&definition]);
    assert_eq!(host.outcome(saga), State::Compensated);
    assert!(
        (4..=5).contains(&host.row(saga).att_back),
        "the attempt that was killed may be counted or not"
    );
    host.assert_ended(saga, &definition);
    host.stop();
}

#[test]
fn a_clean_stop_costs_no_attempt() {
    let definition = Arc::new(three());
    let world = world(|_| Say::Done);
    let (host, saga, gate) = held(&world, &definition, "ORDER", false);
    host.stop_at(gate);
    let host = world.open(&[&definition]);
    assert_eq!(host.outcome(saga), State::Completed);
    assert_eq!(host.row(saga).att, 0);
    host.assert_ended(saga, &definition);
    host.stop();
}

#[test]
fn a_saga_ends_by_the_definition_it_started_with() {
    let definition = Arc::new(three());
    let mut shorter = three();
    shorter.steps.truncate(1);
    let world = world(|_| Say::Done);
    let (host, saga, gate) = held(&world, &definition, "RESERVE", false);
    host.kill_at(gate);
    let host = world.open(&[&Arc::new(shorter)]);
    assert_eq!(host.outcome(saga), State::Completed);
    host.assert_ended(saga, &definition);
    host.stop();
}

#[test]
fn a_compensation_runs_on_the_version_that_ran_its_step_or_not_at_all() {
    let old = Digest::of(b"version 1");
    for missing in [false, true] {
        let definition = Arc::new(three());
        let world = world(only("PAY", Say::Reject("no_money"), true));
        let (host, saga, gate) = held(&world, &definition, "PAY", false);
        world.script.activate(Digest::of(b"version 2"));
        if missing {
            world.script.lose(&[old]);
        }
        drop(gate);
        let expected = if missing { State::StuckBack } else { State::Compensated };
        assert_eq!(host.outcome(saga), expected);
        assert!(
            world
                .script
                .seen()
                .iter()
                .filter(|seen| seen.back)
                .all(|seen| seen.digest == Some(old))
        );
        if missing {
            world.script.lose(&[]);
            let retry = host.orchestrator.operate(saga, Operation::Retry, "me", "it is back");
            host.block_on(retry).expect("it is stuck");
            assert_eq!(host.outcome(saga), State::Compensated);
        }
        host.assert_ended(saga, &definition);
        host.stop();
    }
}
