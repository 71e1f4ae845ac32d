//! What an orchestrator does with what `decide` told it: each action is one move, section 2 of the protocol.
//!
//! There is no decision in here. A lost compare-and-set, or an update that changed no row, makes the
//! orchestrator forget everything; its next pick-up reads the journal row.

use skald_saga::{Action, Fact, Progress, State};

use crate::protocol::{Protocol, Rule};
use crate::service::{Finish, Reply};
use crate::world::{Orchestrator, World};

/// What becomes of the orchestrator.
pub enum Then {
    /// It waits for another transaction: no move at all.
    Blocked,
    /// It forgets the saga.
    Forget,
    /// It goes on.
    Goes(Orchestrator),
}

impl Protocol {
    /// Reads the journal row.
    pub fn pick_up(&self, world: &mut World) -> Then {
        let row = &mut world.row;
        let sweeps = match row.state {
            State::Running => true,
            State::Aborting => !self.lacks(Rule::SweepTakesAborting),
            _ => false,
        };
        if !sweeps {
            return Then::Blocked;
        }
        let shortened = self.lacks(Rule::DefinitionIsPinned) && world.version == 1;
        let progress = Progress {
            att_step: row.att_step,
            att: row.att,
            att_back: row.att_back,
            recovering: row.recovering,
            ..Progress::new(row.state, row.from, self.steps - usize::from(shortened))
        };
        let owes = std::mem::take(&mut row.orphaned);
        Then::Goes(Orchestrator {
            progress,
            open: None,
            owes,
        })
    }

    /// Does what was decided, up to where a component runs.
    pub fn act(&self, world: &mut World, mut me: Orchestrator, action: Action) -> Then {
        match action {
            Action::Run(step) => self.run(world, me, step),
            Action::Close(step) => {
                world.sent_close[step] = true;
                match self.close(world, step) {
                    None => Then::Blocked,
                    Some(fact) => learn(me, step, fact),
                }
            }
            Action::Compensate(step) => self.compensate(world, me, step),
            Action::Count(step) => {
                let row = &mut world.row;
                if row.state != State::Running {
                    return Then::Forget;
                }
                let before = if row.att_step == Some(step) { row.att } else { 0 };
                (row.att_step, row.att) = (Some(step), (before + 1).min(self.budget));
                (me.progress.att_step, me.progress.att, me.progress.failed) = (row.att_step, row.att, None);
                Then::Goes(me)
            }
            Action::CountBack(_) => {
                let row = &mut world.row;
                if row.state != State::Aborting {
                    return Then::Forget;
                }
                row.att_back = (row.att_back + 1).min(self.budget);
                (me.progress.att_back, me.progress.failed) = (row.att_back, None);
                Then::Goes(me)
            }
            Action::Abort(step, _) => self.abort(world, me, step),
            Action::StickForward(_) => swap_state(world, State::Running, State::StuckForward),
            Action::StickBack(_) => swap_state(world, State::Aborting, State::StuckBack),
            Action::Complete => self.complete(world),
            Action::EndCompensated => self.end_compensated(world),
            Action::Rest => Then::Forget,
        }
    }

    fn run(&self, world: &mut World, mut me: Orchestrator, step: usize) -> Then {
        match self.call_step(world, step) {
            None => Then::Blocked,
            Some(Reply::Known(fact)) => learn(me, step, fact),
            // Whoever owes an attempt counts it before a component runs: that is a move of its own.
            Some(Reply::Opened(_)) if me.owes => Then::Blocked,
            Some(Reply::Opened(open)) => {
                me.open = Some(open);
                me.progress.recovering = false;
                Then::Goes(me)
            }
        }
    }

    fn compensate(&self, world: &mut World, mut me: Orchestrator, step: usize) -> Then {
        world.sent_back[step] = true;
        match self.call_back(world, step) {
            None => Then::Blocked,
            Some(Reply::Known(fact)) => learn(me, step, fact),
            Some(Reply::Opened(_)) if me.owes => Then::Blocked,
            Some(Reply::Opened(open)) => {
                me.open = Some(open);
                Then::Goes(me)
            }
        }
    }

    fn abort(&self, world: &mut World, mut me: Orchestrator, step: usize) -> Then {
        if !self.lacks(Rule::AbortIsCas) {
            if world.row.state != State::Running {
                return Then::Forget;
            }
            (world.row.state, world.row.from) = (State::Aborting, step);
        }
        (me.progress.state, me.progress.from) = (State::Aborting, step);
        Then::Goes(me)
    }

    fn complete(&self, world: &mut World) -> Then {
        let won = match world.row.state {
            State::Running => true,
            State::Aborting => self.lacks(Rule::CompletesFromRunningOnly) || self.lacks(Rule::EndIsCas),
            _ => self.lacks(Rule::EndIsCas),
        };
        if won {
            world.end(State::Completed);
        }
        Then::Forget
    }

    fn end_compensated(&self, world: &mut World) -> Then {
        let won = match world.row.state {
            State::Aborting => true,
            State::Running => self.lacks(Rule::AbortIsCas),
            _ => false,
        };
        if won {
            world.end(State::Compensated);
        }
        Then::Forget
    }

    /// The end of the call that the orchestrator has under way.
    pub fn finish(&self, world: &mut World, mut me: Orchestrator, finish: Finish) -> Then {
        let Some(open) = me.open.take() else {
            return Then::Blocked;
        };
        if self.lacks(Rule::NoReplyBeforeCommit) && finish == Finish::Done && !open.back {
            // The transaction stays open in a group; its COMMIT comes, or fails, later.
            if world.late.is_some() {
                return Then::Blocked;
            }
            world.late = Some(open);
            return learn(me, open.step, Fact::Done);
        }
        if self.commit(world, open, finish).is_none() {
            return Then::Blocked;
        }
        match finish {
            Finish::Done => learn(me, open.step, if open.back { Fact::Undone } else { Fact::Done }),
            Finish::Refused => learn(me, open.step, Fact::Rejected),
            _ => fails(me, open.step),
        }
    }
}

/// A fence told something.
fn learn(mut me: Orchestrator, step: usize, fact: Fact) -> Then {
    me.progress.facts[step] = Some(fact);
    Then::Goes(me)
}

/// An attempt failed, its outcome is unknown, or it may have killed the owner before.
pub fn fails(mut me: Orchestrator, step: usize) -> Then {
    me.progress.failed = Some(step);
    me.owes = false;
    Then::Goes(me)
}

/// A compare-and-set after which the orchestrator has nothing to do, won or lost.
fn swap_state(world: &mut World, from: State, to: State) -> Then {
    if world.row.state == from {
        world.row.state = to;
    }
    Then::Forget
}
