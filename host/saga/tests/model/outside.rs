//! Everybody but the orchestrators: the client who cancels, the operator, late deliveries, a push of a
//! new version, the clean-up, and a journal restored from a backup. None: the move is not possible now.

use skald_saga::{Fact, State};

use crate::protocol::{Protocol, Rule};
use crate::service::{Finish, Reply};
use crate::world::{Fence, World};

impl Protocol {
    pub fn cancel(&self, world: &mut World) -> Option<()> {
        let row = &mut world.row;
        if row.recovering && !self.lacks(Rule::NoCancelWhileRecovering) {
            return None;
        }
        let blind = self.lacks(Rule::CancelIsCas) && row.state != State::Aborting;
        if !matches!(row.state, State::Running | State::StuckForward) && !blind {
            return None;
        }
        (row.state, row.from) = (State::Aborting, 0);
        Some(())
    }

    /// The operator turns a saga back that is stuck going forward.
    pub fn operator_aborts(&self, world: &mut World) -> Option<()> {
        let row = &mut world.row;
        let refused = row.recovering && !self.lacks(Rule::NoOperatorAbortWhileRecovering);
        if row.state != State::StuckForward || refused {
            return None;
        }
        (row.state, row.from) = (State::Aborting, 0);
        Some(())
    }

    pub fn operator_retries(&self, world: &mut World) -> Option<()> {
        if self.lacks(Rule::StuckHasAWayOut) {
            return None;
        }
        let row = &mut world.row;
        match row.state {
            State::StuckBack if !self.lacks(Rule::OperatorRetryIsCas) => {
                (row.state, row.att_back) = (State::Aborting, 0);
            }
            State::StuckForward | State::StuckBack => {
                (row.state, row.att_step, row.att) = (State::Running, None, 0);
            }
            _ => return None,
        }
        Some(())
    }

    /// The operator undoes the topmost step by hand. The fence is written first: it decides whose turn it is.
    pub fn operator_resolves(&self, world: &mut World, step: usize) -> Option<()> {
        let Fence::Done(version) = world.fences[step] else {
            return None;
        };
        let fences = &world.fences[..self.steps];
        let settled_above = fences[step + 1..].iter().all(|above| !matches!(above, Fence::Done(_)));
        let frontier = fences.iter().find(|fence| !fence.was_done());
        let closed = frontier != Some(&Fence::Absent) || self.lacks(Rule::HandRepairUnderClosedFrontier);
        if world.row.state != State::StuckBack || !settled_above || !closed || world.locked(step) {
            return None;
        }
        world.undo(step, version);
        if !self.lacks(Rule::HandRepairWritesTheFence) {
            world.fences[step] = Fence::UndoneByHand;
        }
        Some(())
    }

    /// An action may be in flight once the step below it has been done.
    pub fn late_step(&self, world: &mut World, step: usize) -> Option<()> {
        if world.late.is_some() || (step > 0 && world.effects[step - 1].done == 0) {
            return None;
        }
        match self.call_step(world, step)? {
            Reply::Opened(open) => world.late = Some(open),
            Reply::Known(_) => return None,
        }
        Some(())
    }

    pub fn late_close(&self, world: &mut World, step: usize) -> Option<()> {
        if !world.sent_close[step] {
            return None;
        }
        self.close(world, step).filter(|fact| *fact != Fact::Alien).map(|_| ())
    }

    pub fn late_back(&self, world: &mut World, step: usize) -> Option<()> {
        if world.late.is_some() || !world.sent_back[step] {
            return None;
        }
        if let Reply::Opened(open) = self.call_back(world, step)? {
            world.late = Some(open);
        }
        Some(())
    }

    pub fn late_finish(&self, world: &mut World, finish: Finish) -> Option<()> {
        let open = world.late.take()?;
        self.commit(world, open, finish)
    }

    /// One service database at a time. The DELETE waits for open transactions.
    pub fn clean_up(&self, world: &mut World, step: usize) -> Option<()> {
        let may = world.row.state.is_terminal() || self.lacks(Rule::CleanUpOfEndedOnly);
        if world.cleaned[step] || !may || world.locked(step) {
            return None;
        }
        world.cleaned[step] = true;
        world.fences[step] = Fence::Absent;
        Some(())
    }

    /// An older journal is loaded, in which the saga has just been started.
    pub fn restore(&self, world: &mut World) -> Option<()> {
        let too_old = world.cleaned.contains(&true) && !self.lacks(Rule::BackupsAreYoungerThanTheHorizon);
        if world.restored || too_old {
            return None;
        }
        let fresh = World::new();
        world.restored = true;
        world.row = fresh.row;
        world.row.recovering = true;
        if !self.lacks(Rule::RestoreStopsTheWorld) {
            world.orchestrators = fresh.orchestrators;
            world.late = fresh.late;
            (world.sent_close, world.sent_back) = (fresh.sent_close, fresh.sent_back);
        }
        Some(())
    }
}
