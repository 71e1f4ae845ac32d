//! What the decision does not read: the model leaves it out of its states.

use proptest::prelude::*;
use skald_saga::{Action, Exhausted, Fact, Progress, State, decide};

use crate::plan::definition;

fn fact() -> impl Strategy<Value = Option<Fact>> {
    use Fact::{Alien, Done, Fenced, Rejected, TurnedAway, Undone};
    proptest::option::of(proptest::sample::select(vec![
        Done, Rejected, TurnedAway, Fenced, Undone, Alien,
    ]))
}

fn any_progress(state: State) -> impl Strategy<Value = Progress> {
    let facts = proptest::collection::vec(fact(), 1..=8);
    let step = proptest::option::weighted(0.3, 0..8_usize);
    (
        facts,
        0..=8_usize,
        step.clone(),
        step,
        0..4_u32,
        0..4_u32,
        any::<[bool; 2]>(),
    )
        .prop_map(
            move |(facts, from, att_step, failed, att, att_back, [recovering, overdue])| {
                let steps = facts.len();
                let within = |step: usize| step % steps;
                Progress {
                    state,
                    from: from.min(steps),
                    facts,
                    att_step: att_step.map(within),
                    att,
                    att_back,
                    recovering,
                    failed: failed.map(within),
                    overdue,
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_saga_on_its_way_back_is_decided_without_its_attempts_forward(progress in any_progress(State::Aborting)) {
        let definition = definition(&vec![(2, Exhausted::Abort); progress.facts.len()], 2);
        let mut less = progress.clone();
        (less.att_step, less.att, less.recovering, less.overdue) = (None, 0, false, false);
        prop_assert_eq!(decide(&definition, &progress), decide(&definition, &less));
    }

    #[test]
    fn a_running_saga_never_goes_back_without_the_journal(progress in any_progress(State::Running)) {
        let definition = definition(&vec![(2, Exhausted::Abort); progress.facts.len()], 2);
        let action = decide(&definition, &progress);
        let forward = matches!(
            action,
            Action::Run(_) | Action::Count(_) | Action::Abort(..) | Action::StickForward(_) | Action::Complete
        );
        prop_assert!(forward, "{:?}", action);
    }

    #[test]
    fn a_saga_on_its_way_back_never_goes_forward(progress in any_progress(State::Aborting)) {
        let definition = definition(&vec![(2, Exhausted::Abort); progress.facts.len()], 2);
        let action = decide(&definition, &progress);
        let back = matches!(
            action,
            Action::Close(_) | Action::Compensate(_) | Action::CountBack(_) | Action::StickBack(_) | Action::EndCompensated
        );
        prop_assert!(back, "{:?}", action);
    }
}
