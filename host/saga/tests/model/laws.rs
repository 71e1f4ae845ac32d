//! What must hold in every state, and what must be seen at least once.
//!
//! The second kind keeps the first honest: a run in which everything fails would break no law.

use skald_saga::{Action, Fact, State};
use stateright::Property;

use crate::protocol::Protocol;
use crate::world::{Fence, Orchestrator, World};

pub const EFFECT_ONCE: &str = "a step's effect happens at most once";
pub const COMPENSATED_ONCE: &str = "a step is compensated at most once";
pub const ONLY_WHAT_WAS_DONE: &str = "only what was done is compensated";
pub const NO_EFFECT_AFTER: &str = "no effect happens after its compensation";
pub const REVERSE_ORDER: &str = "compensations run in reverse order";
pub const SAME_VERSION: &str = "a compensation runs on the version that ran its step";
pub const ONE_END: &str = "a saga ends in one way";
pub const COMPLETED: &str = "completed means that every effect is there once and none is undone";
pub const COMPENSATED: &str = "compensated means net zero for good";

type Law = Property<Protocol>;

/// The laws.
pub fn always() -> Vec<Law> {
    vec![
        Law::always(EFFECT_ONCE, |_, world| !world.flaws.effect_twice),
        Law::always(COMPENSATED_ONCE, |_, world| !world.flaws.compensated_twice),
        Law::always(ONLY_WHAT_WAS_DONE, |_, world| !world.flaws.compensated_nothing),
        Law::always(NO_EFFECT_AFTER, |_, world| !world.flaws.effect_after_compensation),
        Law::always(REVERSE_ORDER, |_, world| !world.flaws.out_of_order),
        Law::always(SAME_VERSION, |_, world| !world.flaws.other_version),
        Law::always(ONE_END, |_, world| !world.flaws.two_ends),
        Law::always(COMPLETED, |protocol, world| {
            let mut effects = world.effects[..protocol.steps].iter();
            world.row.state != State::Completed || effects.all(|effect| effect.done == 1 && effect.undone == 0)
        }),
        Law::always(COMPENSATED, |_, world| {
            let mut effects = world.effects.iter();
            world.row.state != State::Compensated
                || effects.all(|effect| effect.done == effect.undone && effect.done <= 1)
        }),
    ]
}

/// What a configuration must show.
pub fn seen(protocol: &Protocol) -> Vec<Law> {
    let mut seen = vec![
        Law::sometimes("a saga completes", |_, world| world.row.state == State::Completed),
        Law::sometimes("a saga with effects is compensated", |_, world| {
            world.row.state == State::Compensated && world.effects.iter().any(|effect| effect.done > 0)
        }),
        Law::sometimes("a saga is stuck forward", |_, world| {
            world.row.state == State::StuckForward
        }),
        Law::sometimes("a saga is stuck back", |_, world| world.row.state == State::StuckBack),
        Law::sometimes("a saga with effects is repaired by hand", |_, world| {
            world.row.state == State::Compensated && world.fences.contains(&Fence::UndoneByHand)
        }),
        Law::sometimes("a late orchestrator is turned away by a fence", turned_away),
        Law::sometimes("a close waits for a running action", a_close_waits),
        Law::sometimes("an attempt is owed for a dead owner", |_, world| {
            world.orchestrators.iter().flatten().any(|one| one.owes)
        }),
    ];
    if protocol.swap {
        seen.push(Law::sometimes(
            "a compensation runs on the old version after a push",
            |_, world| world.version == 1 && world.open().any(|open| open.back && open.version == 0),
        ));
    }
    if protocol.restore {
        seen.push(Law::sometimes(
            "a completed saga is restored and completes again",
            completes_again,
        ));
    }
    seen
}

fn turned_away(_: &Protocol, world: &World) -> bool {
    let mut facts = world.orchestrators.iter().flatten().flat_map(|one| &one.progress.facts);
    facts.any(|fact| *fact == Some(Fact::TurnedAway))
}

fn a_close_waits(protocol: &Protocol, world: &World) -> bool {
    let running = |step| world.open().any(|open| open.step == step && !open.back);
    let mut waiting = world.orchestrators.iter().flatten().filter(|one| one.open.is_none());
    waiting.any(|one| {
        let decisions = protocol.decisions(&one.progress);
        decisions
            .into_iter()
            .any(|action| matches!(action, Action::Close(step) if running(step)))
    })
}

fn completes_again(_: &Protocol, world: &World) -> bool {
    let again = world.restored && world.ended == Some(State::Completed) && world.row.state == State::Running;
    let done = |one: &Orchestrator| one.progress.facts.iter().all(|fact| *fact == Some(Fact::Done));
    again && world.orchestrators.iter().flatten().any(done)
}
