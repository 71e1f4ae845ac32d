//! The service databases: what a call of a step, a close and a compensation find, and how they end.
//!
//! A call is two moves: it begins (its transaction takes the fence's lock and shuts others out) and
//! it ends (COMMIT or ROLLBACK). Whatever happens between is other parties' moves.

use skald_saga::Fact;

use crate::protocol::{Protocol, Rule};
use crate::world::{Fence, Open, World};

/// What the beginning of a call gave.
pub enum Reply {
    /// The fence answers; no component is called.
    Known(Fact),
    /// The component runs, in this transaction.
    Opened(Open),
}

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finish {
    Done,
    DoneReplyLost,
    Refused,
    RefusedReplyLost,
    /// It trapped, ran out of time, or its database is gone: nothing is recorded.
    RolledBack,
}

impl Finish {
    pub const OF_A_STEP: [Self; 5] = [
        Self::Done,
        Self::DoneReplyLost,
        Self::Refused,
        Self::RefusedReplyLost,
        Self::RolledBack,
    ];
    pub const OF_A_COMPENSATION: [Self; 3] = [Self::Done, Self::DoneReplyLost, Self::RolledBack];
}

impl Protocol {
    /// The beginning of a step's call. None: it waits for another transaction.
    pub fn call_step(&self, world: &mut World, step: usize) -> Option<Reply> {
        let no_horizon = self.lacks(Rule::CleanUpMovesAHorizon) || self.lacks(Rule::CleanUpOfEndedOnly);
        if world.cleaned[step] && !no_horizon {
            return Some(Reply::Known(Fact::TurnedAway));
        }
        let no_fence = self.lacks(Rule::FenceInTheTransaction);
        if world.locked(step) && !no_fence {
            return None;
        }
        let open = Reply::Opened(Open {
            step,
            version: world.version,
            back: false,
        });
        Some(match world.fences[step] {
            Fence::Absent => {
                // Nobody can have seen an end of a saga whose next step is not even begun.
                world.row.recovering = false;
                open
            }
            Fence::Done(_) if no_fence => open,
            Fence::Done(_) => Reply::Known(Fact::Done),
            Fence::Rejected => Reply::Known(Fact::Rejected),
            Fence::Undone(_) if self.lacks(Rule::ActionSeesUndone) => Reply::Known(Fact::Done),
            Fence::Fenced | Fence::Undone(_) | Fence::UndoneByHand => Reply::Known(Fact::TurnedAway),
        })
    }

    /// A close, which is also the null compensation. None: it waits for another transaction.
    pub fn close(&self, world: &mut World, step: usize) -> Option<Fact> {
        if world.cleaned[step] {
            return Some(Fact::Alien);
        }
        let plain_read = self.lacks(Rule::PlainReadNeverDecides);
        if world.locked(step) && !plain_read && !self.lacks(Rule::CloseWaits) {
            return None;
        }
        let found = world.fences[step];
        if found == Fence::Absent && !plain_read && !self.lacks(Rule::NullTakesTheFence) {
            world.fences[step] = Fence::Fenced;
        }
        Some(found.fact())
    }

    /// The beginning of a compensation's call. None: it waits for another transaction.
    pub fn call_back(&self, world: &mut World, step: usize) -> Option<Reply> {
        if world.locked(step) && !self.lacks(Rule::CloseWaits) && !self.lacks(Rule::LeavesUndone) {
            return None;
        }
        let fact = self.close(world, step)?;
        let open = |version| {
            Reply::Opened(Open {
                step,
                version,
                back: true,
            })
        };
        Some(match world.fences[step] {
            _ if fact == Fact::Alien => Reply::Known(fact),
            Fence::Done(_) if self.lacks(Rule::CompensatesOnTheDigest) => open(world.version),
            Fence::Done(version) => open(version),
            Fence::Rejected if self.lacks(Rule::RefusedIsNotCompensated) => open(world.version),
            _ => Reply::Known(fact),
        })
    }

    /// What the end of a call leaves in the database. None: a call of that kind can't end like that.
    pub fn commit(&self, world: &mut World, open: Open, finish: Finish) -> Option<()> {
        match finish {
            Finish::Done | Finish::DoneReplyLost if open.back => {
                world.undo(open.step, open.version);
                if !self.lacks(Rule::LeavesUndone) {
                    world.fences[open.step] = Fence::Undone(open.version);
                }
            }
            Finish::Done | Finish::DoneReplyLost => world.act(open.step, open.version),
            Finish::Refused | Finish::RefusedReplyLost if open.back => return None,
            Finish::Refused | Finish::RefusedReplyLost => {
                if !self.lacks(Rule::RefusalIsRecorded) {
                    world.fences[open.step] = Fence::Rejected;
                }
            }
            Finish::RolledBack => {}
        }
        Some(())
    }
}
