//! Group commit: the steps of two sagas, which both want the last item, in one transaction with a
//! savepoint each. Its COMMIT may fail, and its answer may be lost.

use stateright::{Checker, Model, Property};

/// A rule of the group commit that may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    ReplyAfterCommit,
    RefusalAfterCommit,
    UnknownIsNotDone,
    UnknownIsNotRefused,
    EachIsAskedAgain,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    Done,
    Refused,
}

/// What a saga's orchestrator knows of its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Asker {
    Asks,
    InTheGroup,
    Told(Outcome),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    stock: u8,
    fences: [Option<Outcome>; 2],
    /// What the open transaction holds under each savepoint.
    group: [Option<Outcome>; 2],
    askers: [Asker; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    Ask(usize),
    Commit { happens: bool, known: bool },
}

struct Group {
    removed: Option<Rule>,
}

impl Group {
    fn lacks(&self, rule: Rule) -> bool {
        self.removed == Some(rule)
    }

    fn ask(&self, world: &mut World, i: usize) -> Option<()> {
        if world.askers[i] != Asker::Asks || world.group[i].is_some() {
            return None;
        }
        if let Some(outcome) = world.fences[i] {
            world.askers[i] = Asker::Told(outcome);
            return Some(());
        }
        // It sees what the savepoints before it wrote.
        let taken = world.group.iter().filter(|held| **held == Some(Outcome::Done)).count();
        let outcome = if usize::from(world.stock) > taken {
            Outcome::Done
        } else {
            Outcome::Refused
        };
        world.group[i] = Some(outcome);
        let early =
            self.lacks(Rule::ReplyAfterCommit) || (self.lacks(Rule::RefusalAfterCommit) && outcome == Outcome::Refused);
        world.askers[i] = if early { Asker::Told(outcome) } else { Asker::InTheGroup };
        Some(())
    }

    fn commit(&self, world: &mut World, happens: bool, known: bool) -> Option<()> {
        let group = std::mem::take(&mut world.group);
        let first = group.iter().position(Option::is_some)?;
        for (i, held) in group.into_iter().enumerate() {
            let Some(outcome) = held else { continue };
            if happens {
                world.fences[i] = held;
                world.stock -= u8::from(outcome == Outcome::Done);
            }
            if world.askers[i] == Asker::InTheGroup {
                world.askers[i] = match (known, happens) {
                    (true, true) => Asker::Told(outcome),
                    (false, _) if self.lacks(Rule::UnknownIsNotDone) => Asker::Told(outcome),
                    _ if self.lacks(Rule::UnknownIsNotRefused) => Asker::Told(Outcome::Refused),
                    // The first one's outcome is asked for, and serves for the others too.
                    (false, _) if self.lacks(Rule::EachIsAskedAgain) && i != first => {
                        Asker::Told(world.fences[first].unwrap_or(Outcome::Done))
                    }
                    _ => Asker::Asks,
                };
            }
        }
        Some(())
    }
}

const TOLD_WHAT_IS: &str = "nobody is told an outcome that is not in the database";
const STOCK: &str = "the last item is sold once";

impl Model for Group {
    type State = World;
    type Action = Move;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            stock: 1,
            fences: [None; 2],
            group: [None; 2],
            askers: [Asker::Asks; 2],
        }]
    }

    fn actions(&self, _: &World, moves: &mut Vec<Move>) {
        moves.extend([Move::Ask(0), Move::Ask(1)]);
        for happens in [true, false] {
            moves.extend([true, false].map(|known| Move::Commit { happens, known }));
        }
    }

    fn next_state(&self, before: &World, does: Move) -> Option<World> {
        let mut world = before.clone();
        match does {
            Move::Ask(i) => self.ask(&mut world, i)?,
            Move::Commit { happens, known } => self.commit(&mut world, happens, known)?,
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(TOLD_WHAT_IS, |_, world: &World| {
                (0..2).all(|i| match world.askers[i] {
                    Asker::Told(outcome) => world.group[i].is_some() || world.fences[i] == Some(outcome),
                    _ => true,
                })
            }),
            Property::always(STOCK, |_, world: &World| {
                world
                    .fences
                    .iter()
                    .filter(|fence| **fence == Some(Outcome::Done))
                    .count()
                    <= 1
            }),
            Property::sometimes("one is told done and the other refused", |_, world: &World| {
                world.askers.contains(&Asker::Told(Outcome::Done))
                    && world.askers.contains(&Asker::Told(Outcome::Refused))
            }),
        ]
    }
}

#[test]
fn a_group_commit_tells_each_saga_what_is_in_the_database() {
    let checker = Group { removed: None }.checker().spawn_bfs().join();
    println!("group: {} states", checker.unique_state_count());
    checker.assert_properties();
    assert!(checker.unique_state_count() >= 20);
}

#[test]
fn without_a_rule_of_the_group_commit_somebody_is_told_what_is_not_so() {
    for rule in [
        Rule::ReplyAfterCommit,
        Rule::RefusalAfterCommit,
        Rule::UnknownIsNotDone,
        Rule::UnknownIsNotRefused,
        Rule::EachIsAskedAgain,
    ] {
        let checker = Group { removed: Some(rule) }.checker().spawn_bfs().join();
        assert!(
            checker.discovery(TOLD_WHAT_IS).is_some(),
            "without {rule:?} everybody is told what is so"
        );
    }
}
