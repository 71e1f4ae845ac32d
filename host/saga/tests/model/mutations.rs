//! Each rule removed: the search must find what then goes wrong, and it must be that law.
//!
//! A rule of the databases or the journal is removed from the world; a rule of the decision by a
//! decision that breaks it. The rules are those of section 4 of the protocol, in its order.

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model};

use crate::deciders;
use crate::laws::{
    COMPENSATED, COMPENSATED_ONCE, COMPLETED, EFFECT_ONCE, ONE_END, ONLY_WHAT_WAS_DONE, REVERSE_ORDER, SAME_VERSION,
};
use crate::protocol::{Decider, Protocol, Rule};

/// Enough for the deepest violation; without fences there is no end to the states.
const BOUND: usize = 1_500_000;

fn must_break(protocol: Protocol, rule: &str, law: &'static str) {
    let wanted = HasDiscoveries::AllOf(BTreeSet::from([law]));
    let checker = protocol
        .checker()
        .finish_when(wanted)
        .target_state_count(BOUND)
        .spawn_bfs()
        .join();
    let Some(path) = checker.discovery(law) else {
        panic!(
            "without {rule}, \"{law}\" still holds in {} states",
            checker.unique_state_count()
        );
    };
    let moves = path.into_actions();
    println!(
        "without {rule}: \"{law}\" broken after {} moves, {} states",
        moves.len(),
        checker.unique_state_count()
    );
    assert!(!moves.is_empty(), "{rule}");
}

fn small() -> Protocol {
    Protocol {
        late: true,
        swap: true,
        ..Protocol::new(2, 1)
    }
}

fn cleaned() -> Protocol {
    Protocol {
        clean_up: true,
        ..small()
    }
}

fn restored() -> Protocol {
    Protocol {
        late: true,
        restore: true,
        clean_up: true,
        ..Protocol::new(2, 1)
    }
}

fn all_must_break(base: &Protocol, table: &[(Rule, &'static str)]) {
    for (rule, law) in table {
        let protocol = Protocol {
            removed: Some(*rule),
            ..base.clone()
        };
        must_break(protocol, &format!("{rule:?}"), law);
    }
}

#[test]
fn without_a_rule_of_the_fences_a_law_breaks() {
    all_must_break(
        &small(),
        &[
            (Rule::FenceInTheTransaction, EFFECT_ONCE),
            (Rule::LeavesUndone, COMPENSATED_ONCE),
            (Rule::NullTakesTheFence, COMPENSATED),
            (Rule::CloseWaits, COMPENSATED),
            (Rule::PlainReadNeverDecides, COMPENSATED),
            (Rule::RefusalIsRecorded, COMPENSATED),
            (Rule::NoReplyBeforeCommit, COMPLETED),
            (Rule::CompensatesOnTheDigest, SAME_VERSION),
        ],
    );
}

#[test]
fn without_a_rule_of_the_journal_a_law_breaks() {
    all_must_break(
        &small(),
        &[
            (Rule::AbortIsCas, COMPLETED),
            (Rule::CompletesFromRunningOnly, COMPLETED),
            (Rule::EndIsCas, COMPLETED),
            (Rule::CancelIsCas, ONE_END),
            (Rule::DefinitionIsPinned, COMPLETED),
        ],
    );
}

#[test]
fn without_a_rule_for_the_operator_a_law_breaks() {
    all_must_break(
        &small(),
        &[
            (Rule::OperatorRetryIsCas, COMPLETED),
            (Rule::HandRepairWritesTheFence, COMPENSATED_ONCE),
            (Rule::HandRepairUnderClosedFrontier, REVERSE_ORDER),
        ],
    );
}

#[test]
fn without_a_rule_of_the_clean_up_a_law_breaks() {
    all_must_break(
        &cleaned(),
        &[
            (Rule::CleanUpMovesAHorizon, COMPENSATED),
            (Rule::CleanUpOfEndedOnly, EFFECT_ONCE),
        ],
    );
}

#[test]
fn without_a_rule_of_the_restore_a_law_breaks() {
    all_must_break(
        &restored(),
        &[
            (Rule::RestoreStopsTheWorld, COMPLETED),
            (Rule::ActionSeesUndone, COMPLETED),
            (Rule::NoCancelWhileRecovering, ONE_END),
            (Rule::NoOperatorAbortWhileRecovering, ONE_END),
        ],
    );
    let decider: Decider = deciders::turns_back_while_recovering;
    must_break(Protocol { decider, ..restored() }, "sticking while recovering", ONE_END);
}

fn all_deciders_must_break(base: &Protocol, table: &[(Decider, &str, &'static str)]) {
    for (decider, rule, law) in table {
        let protocol = Protocol {
            decider: *decider,
            ..base.clone()
        };
        must_break(protocol, rule, law);
    }
}

#[test]
fn a_decision_that_turns_back_too_low_breaks_a_law() {
    all_deciders_must_break(
        &small(),
        &[
            (
                deciders::leaves_the_unknown_step_open,
                "closing the unknown step",
                COMPENSATED,
            ),
            (deciders::closes_the_unknown_step_only, "closing upwards", COMPENSATED),
            (
                deciders::takes_a_timeout_for_a_refusal,
                "a time-out is not a refusal",
                COMPENSATED,
            ),
        ],
    );
}

#[test]
fn a_decision_that_goes_on_without_knowing_breaks_a_law() {
    let table: [(Decider, &str, &'static str); 3] = [
        (deciders::takes_fenced_for_done, "fenced is not done", COMPENSATED),
        (
            deciders::completes_before_the_last_step,
            "running the last step",
            COMPLETED,
        ),
        (
            deciders::goes_on_after_a_failure,
            "asking again after a failure",
            COMPLETED,
        ),
    ];
    all_deciders_must_break(&small(), &table);
}

#[test]
fn a_decision_that_does_not_compensate_all_in_order_breaks_a_law() {
    let table: [(Decider, &str, &'static str); 3] = [
        (deciders::compensates_in_forward_order, "reverse order", REVERSE_ORDER),
        (
            deciders::ends_before_compensating,
            "compensating before the end",
            COMPENSATED,
        ),
        (
            deciders::gives_a_compensation_up,
            "sticking when exhausted",
            COMPENSATED,
        ),
    ];
    all_deciders_must_break(&small(), &table);
}

#[test]
fn a_refused_step_must_not_be_compensated() {
    // The decision and the fence both keep this rule: each alone is enough.
    let decider: Decider = deciders::compensates_the_refused_step;
    let removed = Some(Rule::RefusedIsNotCompensated);
    must_break(
        Protocol {
            removed,
            decider,
            ..small()
        },
        "a refused step is not compensated",
        ONLY_WHAT_WAS_DONE,
    );
}

#[test]
fn a_step_behind_the_horizon_must_not_be_taken_for_one_that_never_ran() {
    // Being turned away says nothing about the frontier. Every other rule would have to be kept by
    // the operator who restores the backup; here a backup is older than the horizon.
    let decider: Decider = deciders::takes_turned_away_for_the_frontier;
    let removed = Some(Rule::BackupsAreYoungerThanTheHorizon);
    must_break(
        Protocol {
            removed,
            decider,
            ..restored()
        },
        "closing what turned it away",
        ONE_END,
    );
}
