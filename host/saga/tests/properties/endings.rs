//! How sagas end: by the laws, and as the reference says.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use skald_saga::{Exhausted, State};

use crate::host::{Effect, Outcome, run, run_with};
use crate::plan::{Attempt, Plan, any_plan, definition};
use crate::reference;

/// Checks so many random sagas, and sees to it that each way to end was taken often enough.
fn for_all(cases: u32, check: impl Fn(Plan) -> Result<Outcome, TestCaseError>) {
    let seen = RefCell::new(BTreeMap::<State, u32>::new());
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&any_plan(), |plan| {
        let outcome = check(plan)?;
        *seen.borrow_mut().entry(outcome.state).or_default() += 1;
        Ok(())
    });
    if let Err(broken) = result {
        panic!("{broken}");
    }
    let seen = seen.into_inner();
    for state in [
        State::Completed,
        State::Compensated,
        State::StuckForward,
        State::StuckBack,
    ] {
        let count = seen.get(&state).copied().unwrap_or_default();
        assert!(
            count >= cases / 100,
            "only {count} of {cases} sagas ended {}",
            state.name()
        );
    }
}

fn acts(outcome: &Outcome) -> Vec<usize> {
    let act = |effect: &Effect| {
        if let Effect::Act(step) = effect {
            Some(*step)
        } else {
            None
        }
    };
    outcome.effects.iter().filter_map(act).collect()
}

fn undos(outcome: &Outcome) -> Vec<usize> {
    let undo = |effect: &Effect| {
        if let Effect::Undo(step) = effect {
            Some(*step)
        } else {
            None
        }
    };
    outcome.effects.iter().filter_map(undo).collect()
}

#[test]
fn every_saga_ends_or_is_stuck_and_its_effects_say_the_same() {
    for_all(4_000, |plan| {
        let outcome = run(&plan);
        let (acts, undos) = (acts(&outcome), undos(&outcome));
        let in_order: Vec<_> = (0..acts.len()).collect();
        let reversed: Vec<_> = (0..acts.len()).rev().collect();
        prop_assert_eq!(&acts, &in_order, "each effect once, in order");
        prop_assert_eq!(
            &undos[..],
            &reversed[..undos.len()],
            "each compensation once, in reverse order"
        );
        let turned = outcome
            .effects
            .iter()
            .position(|effect| matches!(effect, Effect::Undo(_)));
        prop_assert!(
            turned.is_none_or(|at| at == acts.len()),
            "no effect after a compensation"
        );
        match outcome.state {
            State::Completed => prop_assert!(acts.len() == plan.steps() && undos.is_empty()),
            State::Compensated => prop_assert_eq!(undos.len(), acts.len()),
            State::StuckForward => prop_assert!(undos.is_empty()),
            State::StuckBack => {}
            State::Running | State::Aborting => prop_assert!(false, "it doesn't rest"),
        }
        Ok(outcome)
    });
}

#[test]
fn a_budget_is_never_exceeded() {
    for_all(2_000, |plan| {
        let outcome = run(&plan);
        for (step, runs) in outcome.runs.iter().enumerate() {
            prop_assert!(*runs <= plan.definition.steps[step].retry.attempts, "step {step}");
        }
        prop_assert!(outcome.failures_back <= plan.definition.compensation.attempts);
        Ok(outcome)
    });
}

#[test]
fn an_undisturbed_saga_ends_as_the_reference_says() {
    for_all(4_000, |plan| {
        let plan = plan.undisturbed();
        let outcome = run(&plan);
        let end = reference::End {
            state: outcome.state,
            effects: outcome.effects.clone(),
        };
        prop_assert_eq!(end, reference::end(&plan));
        Ok(outcome)
    });
}

#[test]
fn a_step_that_kills_its_host_is_not_tried_for_ever() {
    let plan = Plan {
        definition: definition(&[(3, Exhausted::Abort)], 3),
        forward: vec![vec![Attempt::Kills; 9]],
        back: vec![vec![]],
        cancel: None,
        duplicates: vec![],
        kills: vec![],
        overdue: None,
    };
    let counted = run(&plan);
    assert_eq!((counted.runs, counted.state), (vec![3], State::Compensated));
    // Without the rule that a pick-up after a dead owner counts, the budget is never spent.
    assert_eq!(run_with(&plan, false).runs, [10]);
}
