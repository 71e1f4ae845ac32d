//! What customers and operators do to sagas: cancel, retry, abort, resolve.

use std::sync::Arc;

use skald_orchestrator::OperateError;
use skald_saga::{Definition, Exhausted, Reason, SagaId, State};
use skald_store::fence::ByHand;
use skald_store::journal::Operation;

use crate::common::ledger::Effects;
use crate::common::{Say, World};
use crate::scene::{STEPS, held, only, operate, three, world};

/// A saga whose last step is refused and whose second can't be compensated so many times.
fn stuck_back(failures: usize) -> (World, Arc<Definition>) {
    let world = world(move |seen| match (seen.step.as_str(), seen.back) {
        ("PAY", false) => Say::Reject("no_money"),
        ("ORDER", true) if seen.nth < failures => Say::Reject("not_now"),
        _ => Say::Done,
    });
    (world, Arc::new(three()))
}

#[test]
fn a_cancel_at_any_step_leaves_a_net_of_nothing() {
    for (at, step) in STEPS.into_iter().enumerate() {
        let definition = Arc::new(three());
        let world = world(|_| Say::Done);
        let (host, saga, gate) = held(&world, &definition, step, false);
        assert_eq!(
            operate(&host, saga, Operation::Cancel).expect("it runs"),
            State::Aborting
        );
        assert!(
            matches!(operate(&host, saga, Operation::Cancel), Err(OperateError::NotIn { .. })),
            "it is cancelled once"
        );
        drop(gate);
        // The step that runs commits; the compare-and-set of the next change, or the end, is lost then.
        assert_eq!(host.outcome(saga), State::Compensated, "at step {at}");
        host.assert_ended(saga, &definition);
        assert!(matches!(host.row(saga).reason, Some(Reason::Cancelled { .. })));
        host.stop();
    }
}

#[test]
fn a_cancel_while_compensating_is_refused_and_skips_nothing() {
    let (world, definition) = stuck_back(0);
    for step in ["ORDER", "RESERVE"] {
        let (host, saga, gate) = held(&world, &definition, step, true);
        let refused = operate(&host, saga, Operation::Cancel);
        assert!(
            matches!(
                refused,
                Err(OperateError::NotIn {
                    state: State::Aborting,
                    ..
                })
            ),
            "{refused:?}"
        );
        drop(gate);
        assert_eq!(host.outcome(saga), State::Compensated);
        host.assert_ended(saga, &definition);
        host.stop();
    }
}

#[test]
fn an_ended_saga_can_not_be_operated_on() {
    for refused in [false, true] {
        let definition = Arc::new(three());
        let world = world(only("PAY", Say::Reject("no_money"), refused));
        let host = world.open(&[&definition]);
        let saga = host.start(&definition);
        let end = host.outcome(saga);
        for operation in [Operation::Cancel, Operation::Retry, Operation::Abort] {
            assert!(matches!(operate(&host, saga, operation), Err(OperateError::NotIn { state, .. }) if state == end));
        }
        assert!(matches!(
            operate(&host, SagaId(1), Operation::Cancel),
            Err(OperateError::Unknown(SagaId(1)))
        ));
        host.assert_ended(saga, &definition);
        host.stop();
    }
}

#[test]
fn a_compensation_that_fails_is_made_again_until_its_budget_is_spent() {
    for (failures, expected) in [(2, State::Compensated), (3, State::StuckBack)] {
        let (world, definition) = stuck_back(failures);
        let host = world.open(&[&definition]);
        let saga = host.start(&definition);
        assert_eq!(
            host.outcome(saga),
            expected,
            "a refusal from a compensation is a failed attempt"
        );
        assert_eq!(
            world.script.calls("RESERVE", true),
            usize::from(expected == State::Compensated),
            "reverse order"
        );
        if expected == State::StuckBack {
            assert_eq!(host.told(saga).last().map(String::as_str), Some("2RollbackFail:Stuck"));
            assert_eq!(
                operate(&host, saga, Operation::Retry).expect("it is stuck"),
                State::Aborting
            );
            assert_eq!(host.outcome(saga), State::Compensated);
            let failed: Vec<_> = host
                .events()
                .into_iter()
                .filter(|event| event.event.step == 2)
                .collect();
            assert!(
                failed
                    .iter()
                    .all(|event| event.reason.as_deref().is_none_or(|reason| reason == "no_money")),
                "{failed:?}"
            );
        }
        host.assert_ended(saga, &definition);
        host.stop();
    }
}

#[test]
fn a_refusal_keeps_its_code_when_nothing_was_told_before_the_compensation_got_stuck() {
    let (world, definition) = stuck_back(1);
    let mut definition = Arc::unwrap_or_clone(definition);
    definition.compensation.attempts = 1;
    let definition = Arc::new(definition);
    let host = world.open(&[&definition]);
    let saga = host.start(&definition);
    assert_eq!(host.outcome(saga), State::StuckBack);
    let reasons: Vec<_> = host.events().into_iter().filter_map(|event| event.reason).collect();
    assert_eq!(reasons, ["no_money", "compensation_exhausted"]);
    host.stop();
}

#[test]
fn a_saga_that_is_stuck_forward_is_retried_aborted_or_cancelled() {
    for (operation, expected) in [
        (Operation::Retry, State::Completed),
        (Operation::Abort, State::Compensated),
        (Operation::Cancel, State::Compensated),
    ] {
        let mut definition = three();
        definition.steps[1].on_exhausted = Exhausted::Stick;
        let definition = Arc::new(definition);
        let world = world(|seen| {
            if seen.step == "ORDER" && seen.nth < 3 {
                Say::Retry
            } else {
                Say::Done
            }
        });
        let host = world.open(&[&definition]);
        let saga = host.start(&definition);
        assert_eq!(host.outcome(saga), State::StuckForward);
        operate(&host, saga, operation).expect("it is stuck forward");
        host.wait_for(saga, |state| state == expected);
        host.assert_ended(saga, &definition);
        host.stop();
    }
}

#[test]
fn a_step_is_resolved_by_hand_only_in_its_turn_and_once() {
    let (world, definition) = stuck_back(3);
    let host = world.open(&[&definition]);
    let saga = host.start(&definition);
    assert_eq!(host.outcome(saga), State::StuckBack);
    let resolve = |step| host.block_on(host.orchestrator.resolve(saga, step, "me", "paid back by hand"));
    assert!(
        matches!(resolve("RESERVE"), Err(OperateError::NotIn { .. })),
        "a later step is still done"
    );
    assert!(matches!(resolve("NOTHING"), Err(OperateError::NoStep { .. })));
    assert_eq!(resolve("ORDER").expect("it is its turn"), ByHand::Undo);
    assert_eq!(resolve("ORDER").expect("it was its turn"), ByHand::Nothing);
    operate(&host, saga, Operation::Retry).expect("it is stuck");
    assert_eq!(host.outcome(saga), State::Compensated);
    assert_eq!(
        world.script.calls("ORDER", true),
        3,
        "what was undone by hand is not compensated again"
    );
    assert_eq!(host.effects(saga, &definition)[0], Effects { acts: 1, undos: 1 });
    assert!(
        matches!(resolve("RESERVE"), Err(OperateError::NotIn { .. })),
        "it has ended"
    );
    host.stop();
}

/// A component ended its transaction under the host: nobody knows what the step has done.
#[test]
fn a_step_that_was_broken_off_is_resolved_by_hand_and_its_saga_turns_back() {
    for recovering in [false, true] {
        let mut definition = three();
        definition.steps[1].on_exhausted = Exhausted::Stick;
        let definition = Arc::new(definition);
        let world = world(only("ORDER", Say::Retry, true));
        let host = world.open(&[&definition]);
        let saga = host.start(&definition);
        assert_eq!(host.outcome(saga), State::StuckForward);
        host.break_off(saga, 2, "order");
        if recovering {
            host.force(saga, "UPDATE saga SET recovering = 1 WHERE id = ?");
        }
        let stuck_in = |operation, expected: State| {
            operate(&host, saga, operation).expect("it is stuck");
            assert_eq!(host.outcome(saga), expected);
            assert!(matches!(host.row(saga).reason, Some(Reason::Inconsistent { .. })));
        };
        stuck_in(Operation::Retry, State::StuckForward);
        assert!(!host.row(saga).recovering, "no saga with such a fence has ended");
        stuck_in(Operation::Abort, State::StuckBack);
        stuck_in(Operation::Retry, State::StuckBack);

        let resolve = |step| host.block_on(host.orchestrator.resolve(saga, step, "me", "looked, nothing there"));
        let early = resolve("RESERVE").expect_err("ORDER comes first").to_string();
        assert!(early.contains("resolve that one first"), "{early}");
        assert_eq!(resolve("ORDER").expect("it is its turn"), ByHand::CleanUp);
        assert_eq!(resolve("ORDER").expect("it was its turn"), ByHand::Nothing);
        operate(&host, saga, Operation::Retry).expect("it is stuck");
        assert_eq!(host.outcome(saga), State::Compensated);
        host.assert_ended(saga, &definition);
        assert_eq!(world.script.calls("ORDER", true), 0, "there is nothing to compensate");
        let detail = host
            .block_on(host.orchestrator.journal().detail(saga))
            .expect("it is read");
        let history = detail.expect("it is there").history;
        let noted = |entry: &serde_json::Value| {
            entry["action"] == "resolve ORDER" && entry["reason"] == "looked, nothing there"
        };
        assert!(history.iter().any(noted), "{history:?}");
        host.stop();
    }
}

#[test]
fn nothing_is_resolved_by_hand_while_the_frontier_is_open() {
    let mut definition = three();
    definition.compensation.attempts = 1;
    let definition = Arc::new(definition);
    let world = world(|_| Say::Done);
    let (host, saga, gate) = held(&world, &definition, "ORDER", false);
    // As if its search for the frontier had used the budget up before it was closed.
    host.force(saga, "UPDATE saga SET state = 'stuck_back', from_step = 1 WHERE id = ?");
    let resolved = host.block_on(host.orchestrator.resolve(saga, "RESERVE", "me", "paid back by hand"));
    assert!(
        matches!(resolved, Err(OperateError::NotIn { .. })),
        "ORDER may still land: {resolved:?}"
    );
    drop(gate);
    host.stop();
}

#[test]
fn a_recovering_saga_is_neither_cancelled_nor_turned_back() {
    let definition = Arc::new(three());
    let world = world(only("ORDER", Say::Retry, true));
    let (host, saga, gate) = held(&world, &definition, "ORDER", false);
    host.force(saga, "UPDATE saga SET recovering = 1 WHERE id = ?");
    assert!(matches!(
        operate(&host, saga, Operation::Cancel),
        Err(OperateError::Recovering(_))
    ));
    host.kill_at(gate);
    let host = world.open(&[&definition]);
    // RESERVE is found done, which proves nothing, and ORDER is never done: it may have ended before.
    assert_eq!(
        host.outcome(saga),
        State::StuckForward,
        "its policy is to turn back, but not while recovering"
    );
    assert!(host.row(saga).recovering);
    host.stop();
}

#[test]
fn a_recovering_saga_whose_step_was_never_run_has_not_ended_before() {
    let definition = Arc::new(three());
    let world = world(only("PAY", Say::Reject("no_money"), true));
    let (host, saga, gate) = held(&world, &definition, "RESERVE", false);
    host.force(saga, "UPDATE saga SET recovering = 1 WHERE id = ?");
    host.kill_at(gate);
    let host = world.open(&[&definition]);
    assert_eq!(host.outcome(saga), State::Compensated);
    assert!(
        !host.row(saga).recovering,
        "ORDER's fence was absent: nobody can have seen an end"
    );
    host.assert_ended(saga, &definition);
    host.stop();
}
