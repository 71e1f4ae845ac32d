//! The state machine: which moves there are, and what each of them does to the world.

use skald_saga::definition::Step;
use skald_saga::mapping::Mapping;
use skald_saga::{Action, Definition, Exhausted, Progress, Retry, decide};
use stateright::{Model, Property};

use crate::laws;
use crate::orchestrator::{Then, fails};
use crate::service::Finish;
use crate::world::World;

/// A rule of the protocol that a configuration may be without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    FenceInTheTransaction,
    LeavesUndone,
    NullTakesTheFence,
    CloseWaits,
    PlainReadNeverDecides,
    AbortIsCas,
    CompletesFromRunningOnly,
    EndIsCas,
    CancelIsCas,
    RefusalIsRecorded,
    RefusedIsNotCompensated,
    NoReplyBeforeCommit,
    CompensatesOnTheDigest,
    OperatorRetryIsCas,
    HandRepairWritesTheFence,
    HandRepairUnderClosedFrontier,
    DefinitionIsPinned,
    CleanUpMovesAHorizon,
    CleanUpOfEndedOnly,
    BackupsAreYoungerThanTheHorizon,
    RestoreStopsTheWorld,
    ActionSeesUndone,
    NoCancelWhileRecovering,
    NoOperatorAbortWhileRecovering,
    SweepTakesAborting,
    StuckHasAWayOut,
    ServerEndsIdleTransactions,
}

/// The decision under test: the real one, or one that breaks a rule.
pub type Decider = fn(&Definition, &Progress) -> Action;

/// A configuration of the model.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each switches one independent disturbance on"
)]
pub struct Protocol {
    pub steps: usize,
    /// How many attempts a step has, and the compensations together.
    pub budget: u32,
    /// Late and duplicate deliveries.
    pub late: bool,
    /// A new version is pushed.
    pub swap: bool,
    /// The service databases are cleaned up.
    pub clean_up: bool,
    /// The journal is restored from a backup, once.
    pub restore: bool,
    /// The saga's deadline may be found to have passed, at any moment and by either orchestrator alone.
    pub overdue: bool,
    /// The orchestrators are told apart: needed only where one of them is frozen.
    pub told_apart: bool,
    pub removed: Option<Rule>,
    pub decider: Decider,
    /// The same saga, turning back and sticking when a step is exhausted.
    pub definitions: [Definition; 2],
}

/// A move of one party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Move {
    PickUp(usize),
    /// It dies; what it has open is rolled back.
    Crash(usize),
    /// It does what was decided.
    Act(usize, Action),
    /// Its call of this step can't be made, or nothing is known to have happened.
    CallFails(usize, usize),
    /// It counts the attempt that may have killed the owner before it.
    CountsTheDead(usize, usize),
    Finish(usize, Finish),
    Cancel,
    OperatorAborts,
    OperatorRetries,
    OperatorResolves(usize),
    Push,
    LateStep(usize),
    LateClose(usize),
    LateBack(usize),
    LateFinish(Finish),
    CleanUp(usize),
    Restore,
}

impl Protocol {
    /// Two orchestrators and no disturbance but crashes, failures and the operator.
    pub fn new(steps: usize, budget: u32) -> Self {
        Self {
            steps,
            budget,
            late: false,
            swap: false,
            clean_up: false,
            restore: false,
            overdue: false,
            told_apart: false,
            removed: None,
            decider: decide,
            definitions: [Exhausted::Abort, Exhausted::Stick].map(|policy| definition(steps, budget, policy)),
        }
    }

    /// Whether this rule was taken out of the protocol.
    pub fn lacks(&self, rule: Rule) -> bool {
        self.removed == Some(rule)
    }

    /// All that the decision may come to: what the definition says of a step whose attempts are used
    /// up, and whether the deadline has passed, are left open.
    pub fn decisions(&self, progress: &Progress) -> Vec<Action> {
        let [aborts, sticks] = &self.definitions;
        let mut actions = vec![(self.decider)(aborts, progress), (self.decider)(sticks, progress)];
        if self.overdue {
            actions.push((self.decider)(
                aborts,
                &Progress {
                    overdue: true,
                    ..progress.clone()
                },
            ));
        }
        actions.dedup();
        actions
    }

    fn moves_of(&self, world: &World, i: usize, moves: &mut Vec<Move>) {
        let Some(me) = &world.orchestrators[i] else {
            moves.push(Move::PickUp(i));
            return;
        };
        moves.push(Move::Crash(i));
        if let Some(open) = me.open {
            let ways: &[Finish] = if open.back {
                &Finish::OF_A_COMPENSATION
            } else {
                &Finish::OF_A_STEP
            };
            moves.extend(ways.iter().map(|way| Move::Finish(i, *way)));
            return;
        }
        for action in self.decisions(&me.progress) {
            moves.push(Move::Act(i, action));
            if let Action::Run(step) | Action::Close(step) | Action::Compensate(step) = action {
                moves.push(Move::CallFails(i, step));
                if me.owes {
                    moves.push(Move::CountsTheDead(i, step));
                }
            }
        }
    }

    fn orchestrate(&self, world: &mut World, i: usize, does: Move) -> Option<()> {
        let me = world.orchestrators[i].take();
        let then = match (does, me) {
            (Move::PickUp(_), None) => self.pick_up(world),
            (Move::Crash(_), Some(_)) => {
                world.row.orphaned = !world.row.state.is_terminal() && !world.row.state.is_stuck();
                Then::Forget
            }
            (Move::Act(_, action), Some(me)) => self.act(world, me, action),
            (Move::CallFails(_, step) | Move::CountsTheDead(_, step), Some(me)) => fails(me, step),
            (Move::Finish(_, finish), Some(me)) => self.finish(world, me, finish),
            _ => Then::Blocked,
        };
        world.orchestrators[i] = match then {
            Then::Blocked => return None,
            Then::Forget => None,
            Then::Goes(me) => Some(me),
        };
        Some(())
    }

    fn apply(&self, world: &mut World, does: Move) -> Option<()> {
        match does {
            Move::PickUp(i)
            | Move::Crash(i)
            | Move::Act(i, _)
            | Move::CallFails(i, _)
            | Move::CountsTheDead(i, _)
            | Move::Finish(i, _) => self.orchestrate(world, i, does),
            Move::Cancel => self.cancel(world),
            Move::OperatorAborts => self.operator_aborts(world),
            Move::OperatorRetries => self.operator_retries(world),
            Move::OperatorResolves(step) => self.operator_resolves(world, step),
            Move::Push => {
                world.version = 1;
                Some(())
            }
            Move::LateStep(step) => self.late_step(world, step),
            Move::LateClose(step) => self.late_close(world, step),
            Move::LateBack(step) => self.late_back(world, step),
            Move::LateFinish(finish) => self.late_finish(world, finish),
            Move::CleanUp(step) => self.clean_up(world, step),
            Move::Restore => self.restore(world),
        }
    }

    /// Interchangeable orchestrators are kept sorted, and what nothing will read is dropped.
    fn normalise(&self, world: &mut World) {
        world.forget_what_nobody_reads();
        if !self.told_apart {
            world.orchestrators.sort();
        }
        if !self.late {
            (world.sent_close, world.sent_back) = Default::default();
        }
    }
}

/// A definition in which every step has this budget and this policy.
fn definition(steps: usize, budget: u32, on_exhausted: Exhausted) -> Definition {
    let retry = Retry {
        attempts: budget,
        ..Retry::default()
    };
    let step = |n: usize| Step {
        name: format!("STEP_{n}"),
        component: String::new(),
        database: String::new(),
        retry: retry.clone(),
        on_exhausted,
        deadline_ms: 1,
        external_effects: false,
        input: Mapping::Whole,
    };
    let steps = (0..steps).map(step).collect();
    Definition {
        name: String::new(),
        steps,
        deadline_ms: None,
        compensation: retry.clone(),
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Move;

    fn init_states(&self) -> Vec<World> {
        vec![World::new()]
    }

    fn actions(&self, world: &World, moves: &mut Vec<Move>) {
        for i in 0..world.orchestrators.len() {
            self.moves_of(world, i, moves);
        }
        moves.extend([Move::Cancel, Move::OperatorAborts, Move::OperatorRetries]);
        moves.extend((0..self.steps).map(Move::OperatorResolves));
        if self.swap {
            moves.push(Move::Push);
        }
        if self.clean_up {
            moves.extend((0..self.steps).map(Move::CleanUp));
        }
        if self.restore {
            moves.push(Move::Restore);
        }
        if world.late.is_some() {
            moves.extend([Finish::Done, Finish::Refused, Finish::RolledBack].map(Move::LateFinish));
        }
        if self.late {
            for step in 0..self.steps {
                moves.extend([Move::LateStep(step), Move::LateClose(step), Move::LateBack(step)]);
            }
        }
    }

    fn next_state(&self, before: &World, does: Move) -> Option<World> {
        let mut world = before.clone();
        self.apply(&mut world, does)?;
        self.normalise(&mut world);
        (world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        laws::always().into_iter().chain(laws::seen(self)).collect()
    }
}
