//! The protocol as it is: every law holds in every state, and everything that must be seen is seen.

use stateright::{Checker, Model};

use crate::protocol::Protocol;

/// Searches everything, and sees to it that there was enough to be searched.
fn every_law_holds(name: &str, protocol: Protocol, at_least: usize) {
    let checker = protocol.checker().threads(2).spawn_bfs().join();
    let states = checker.unique_state_count();
    println!(
        "{name}: {states} states, {} moves, depth {}",
        checker.state_count(),
        checker.max_depth()
    );
    checker.assert_properties();
    assert!(
        states >= at_least,
        "{name}: only {states} states, the search has become vacuous"
    );
}

/// Whether the long searches were asked for.
pub fn full() -> bool {
    std::env::var("SKALD_MODEL").is_ok_and(|which| which == "full")
}

fn pushed(steps: usize, budget: u32) -> Protocol {
    Protocol {
        late: true,
        swap: true,
        clean_up: true,
        ..Protocol::new(steps, budget)
    }
}

fn restored(steps: usize, budget: u32) -> Protocol {
    Protocol {
        late: true,
        restore: true,
        clean_up: true,
        ..Protocol::new(steps, budget)
    }
}

#[test]
fn every_law_holds_with_late_deliveries_a_push_and_a_clean_up() {
    every_law_holds("A, budget 1", pushed(2, 1), 100_000);
}

#[test]
fn every_law_holds_with_a_retry_before_the_budget_is_spent() {
    every_law_holds("2 steps, budget 2", Protocol::new(2, 2), 50_000);
}

#[test]
fn every_law_holds_over_three_steps() {
    every_law_holds("3 steps, budget 1", Protocol::new(3, 1), 100_000);
}

#[test]
fn every_law_holds_when_each_orchestrator_has_its_own_clock() {
    every_law_holds(
        "2 steps, deadline",
        Protocol {
            overdue: true,
            ..Protocol::new(2, 1)
        },
        15_000,
    );
}

#[test]
fn every_law_holds_after_the_journal_is_restored() {
    every_law_holds("C, 2 steps, budget 1", restored(2, 1), 100_000);
}

#[test]
fn every_law_holds_in_the_full_configurations() {
    if !full() {
        println!("skipped: set SKALD_MODEL=full and build with --release");
        return;
    }
    every_law_holds(
        "A",
        Protocol {
            overdue: true,
            ..pushed(2, 2)
        },
        400_000,
    );
    every_law_holds("B", pushed(3, 2), 2_000_000);
    every_law_holds("C", restored(3, 2), 2_000_000);
    every_law_holds(
        "C, 2 steps, deadline",
        Protocol {
            overdue: true,
            ..restored(2, 2)
        },
        400_000,
    );
}
