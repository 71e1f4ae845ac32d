//! From every state an end is reachable once the faults stop.
//!
//! That is reachability, not fairness: it finds states from which no schedule of fault-free moves
//! ends the saga. A stuck saga counts on its operator.

use std::collections::HashMap;

use stateright::Model;

use skald_saga::Action;
use skald_saga::decide::Cause;

use crate::deciders;
use crate::protocol::{Move, Protocol, Rule};
use crate::service::Finish;
use crate::world::World;

/// All states, and the fault-free moves between them as pairs (to, from).
struct Graph {
    states: Vec<World>,
    back: Vec<(usize, usize)>,
}

impl Graph {
    fn of(protocol: &Protocol, calm: impl Fn(Move) -> bool) -> Self {
        let mut states = protocol.init_states();
        let mut numbers: HashMap<World, usize> = states.iter().cloned().zip(0..).collect();
        let mut back = vec![];
        let mut moves = vec![];
        let mut at = 0;
        while at < states.len() {
            let state = states[at].clone();
            protocol.actions(&state, &mut moves);
            for does in moves.drain(..) {
                let Some(next) = protocol.next_state(&state, does) else {
                    continue;
                };
                let to = *numbers.entry(next).or_insert_with_key(|next| {
                    states.push(next.clone());
                    states.len() - 1
                });
                if calm(does) {
                    back.push((to, at));
                }
            }
            at += 1;
        }
        back.sort_unstable();
        Self { states, back }
    }

    /// How many states can't reach an end by these moves.
    fn hopeless(&self) -> usize {
        let mut hopeful: Vec<bool> = self.states.iter().map(|world| world.row.state.is_terminal()).collect();
        let mut todo: Vec<usize> = (0..hopeful.len()).filter(|at| hopeful[*at]).collect();
        while let Some(to) = todo.pop() {
            let first = self.back.partition_point(|edge| edge.0 < to);
            for (_, from) in self.back[first..].iter().take_while(|edge| edge.0 == to) {
                if !std::mem::replace(&mut hopeful[*from], true) {
                    todo.push(*from);
                }
            }
        }
        hopeful.iter().filter(|hope| !**hope).count()
    }
}

/// Whether a move needs no fault: success, and what hosts, servers and the operator do by themselves.
/// Of two that are told apart the first is frozen for ever where it stands.
fn calm(protocol: &Protocol, does: Move) -> bool {
    let frozen = protocol.told_apart;
    let moves = |i: usize| !frozen || i == 1;
    match does {
        Move::Act(_, Action::Abort(_, Cause::Overdue)) => false,
        Move::PickUp(i) | Move::Act(i, _) | Move::CountsTheDead(i, _) | Move::Finish(i, Finish::Done) => moves(i),
        Move::Finish(0, Finish::RolledBack) => frozen && !protocol.lacks(Rule::ServerEndsIdleTransactions),
        Move::OperatorRetries | Move::OperatorResolves(_) => true,
        Move::LateFinish(finish) => matches!(finish, Finish::Done | Finish::RolledBack),
        _ => false,
    }
}

fn hopeless(name: &str, protocol: &Protocol) -> (usize, usize) {
    let graph = Graph::of(protocol, |does| calm(protocol, does));
    let (hopeless, states) = (graph.hopeless(), graph.states.len());
    println!("{name}: {hopeless} of {states} states are without an end");
    (hopeless, states)
}

fn an_end_is_reachable(name: &str, protocol: &Protocol, at_least: usize) {
    let (hopeless, states) = hopeless(name, protocol);
    assert_eq!(hopeless, 0, "{name}");
    assert!(
        states >= at_least,
        "{name}: only {states} states, the search has become vacuous"
    );
}

fn no_end_is_reachable(name: &str, protocol: &Protocol) {
    assert_ne!(
        hopeless(name, protocol).0,
        0,
        "without {name} an end is still reachable from everywhere"
    );
}

fn late(steps: usize) -> Protocol {
    Protocol {
        late: true,
        ..Protocol::new(steps, 1)
    }
}

fn restored(steps: usize) -> Protocol {
    Protocol {
        restore: true,
        clean_up: true,
        ..Protocol::new(steps, 1)
    }
}

fn frozen(steps: usize) -> Protocol {
    Protocol {
        told_apart: true,
        ..Protocol::new(steps, 1)
    }
}

#[test]
fn an_end_is_reachable_from_everywhere() {
    an_end_is_reachable("late deliveries, a push", &Protocol { swap: true, ..late(2) }, 100_000);
    an_end_is_reachable("journal restored, clean-up", &restored(2), 50_000);
}

#[test]
fn an_end_is_reachable_beside_an_orchestrator_that_is_frozen_for_ever() {
    an_end_is_reachable("one frozen", &frozen(2), 30_000);
}

#[test]
fn an_end_is_reachable_from_everywhere_in_the_full_configurations() {
    if !crate::base::full() {
        println!("skipped: set SKALD_MODEL=full and build with --release");
        return;
    }
    an_end_is_reachable("3 steps, late deliveries", &late(3), 400_000);
    an_end_is_reachable("3 steps, journal restored, clean-up", &restored(3), 200_000);
    an_end_is_reachable("3 steps, one frozen", &frozen(3), 200_000);
}

#[test]
fn without_a_rule_of_progress_there_are_states_without_an_end() {
    for rule in [Rule::SweepTakesAborting, Rule::StuckHasAWayOut] {
        no_end_is_reachable(
            &format!("{rule:?}"),
            &Protocol {
                removed: Some(rule),
                ..Protocol::new(2, 1)
            },
        );
    }
    let idle = Protocol {
        removed: Some(Rule::ServerEndsIdleTransactions),
        ..frozen(2)
    };
    no_end_is_reachable("the server ending idle transactions", &idle);
    let old = Protocol {
        removed: Some(Rule::BackupsAreYoungerThanTheHorizon),
        ..restored(2)
    };
    no_end_is_reachable("backups younger than the horizon", &old);
    let decider = deciders::retries_when_fenced;
    no_end_is_reachable("turning back when fenced", &Protocol { decider, ..restored(2) });
}
