//! What the customer is told, by the rules of the result stream in the shop's contract.

use proptest::prelude::*;
use skald_saga::State;
use skald_saga::status::{Event, Phase, Status};

use crate::host::{Effect, Outcome, run};
use crate::plan::any_plan;

/// The event without its phase, which the last one may change.
type Key = (usize, Status);

fn keys(events: &[Event]) -> Vec<Key> {
    events.iter().map(|event| (event.step, event.status)).collect()
}

fn stop(event: &Event) -> bool {
    matches!(event.phase, Phase::Completed | Phase::Compensated | Phase::Stuck)
}

/// The stream as it comes about: each list adds just what no earlier one had.
fn stream(outcome: &Outcome) -> Vec<Key> {
    let mut stream = vec![];
    for key in outcome.lives.iter().flatten().flat_map(|list| keys(list)) {
        if !stream.contains(&key) {
            stream.push(key);
        }
    }
    stream
}

fn last_list(outcome: &Outcome) -> Vec<Event> {
    outcome.lives.iter().flatten().last().cloned().unwrap_or_default()
}

/// The stream of an ended saga, from its effects alone.
fn by_contract(outcome: &Outcome) -> Vec<Event> {
    let acts = outcome
        .effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Act(_)))
        .count();
    let event = |step, status, phase| Event { step, status, phase };
    let mut events = vec![];
    for step in 0..acts {
        events.extend([Status::Execute, Status::Success].map(|status| event(step, status, Phase::Running)));
    }
    if outcome.state == State::Compensated {
        let begun = outcome.begun.get(acts).copied().unwrap_or_default();
        if begun {
            events.push(event(acts, Status::Execute, Phase::Running));
        }
        if begun || acts == 0 {
            events.push(event(acts, Status::Failed, Phase::Compensating));
        }
        events.extend(
            (0..acts)
                .rev()
                .map(|step| event(step, Status::RolledBack, Phase::Compensating)),
        );
    }
    let last = events.last_mut().expect("an ended saga has been told of");
    last.phase = if outcome.state == State::Completed {
        Phase::Completed
    } else {
        Phase::Compensated
    };
    events
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_orchestrator_only_ever_adds_to_what_it_has_told(plan in any_plan()) {
        for life in run(&plan).lives {
            for pair in life.windows(2) {
                let (before, after) = (&pair[0], &pair[1]);
                prop_assert!(after.len() >= before.len(), "{:?} then {:?}", before, after);
                for (i, (old, new)) in before.iter().zip(after).enumerate() {
                    let ends = i + 1 == before.len() && stop(new) && (old.step, old.status) == (new.step, new.status);
                    prop_assert!(old == new || ends, "{:?} then {:?}", before, after);
                }
            }
        }
    }

    #[test]
    fn no_list_tells_a_thing_twice_or_goes_on_after_an_end(plan in any_plan()) {
        for list in run(&plan).lives.iter().flatten() {
            let keys = keys(list);
            let twice = (1..keys.len()).any(|i| keys[..i].contains(&keys[i]));
            prop_assert!(!twice, "{:?}", list);
            let early = list.iter().rev().skip(1).any(stop);
            prop_assert!(!early, "{:?}", list);
        }
    }

    #[test]
    fn an_ended_saga_has_been_told_as_the_contract_says_whoever_told_it(plan in any_plan()) {
        let outcome = run(&plan);
        if outcome.state.is_terminal() {
            let contract = by_contract(&outcome);
            prop_assert_eq!(&last_list(&outcome), &contract);
            prop_assert_eq!(stream(&outcome), keys(&contract));
        }
    }

    #[test]
    fn a_stuck_saga_has_been_told_so_last(plan in any_plan()) {
        let outcome = run(&plan);
        if outcome.state.is_stuck() {
            let list = last_list(&outcome);
            let status = if outcome.state == State::StuckForward { Status::Failed } else { Status::RollbackFail };
            prop_assert!(list.last().is_some_and(|last| (last.status, last.phase) == (status, Phase::Stuck)), "{:?}", list);
            prop_assert_eq!(stream(&outcome).last().copied(), keys(&list).last().copied());
        }
    }
}
