//! A step's transaction as a session: what a component gets while it runs a step or a compensation.

use std::any::Any;
use std::time::Instant;

use super::Db;
use super::error::classify;
use crate::outbox;
use crate::sql::{Error, Mark, Publication, ResultSet, Session, Value};

/// What is done once the outcome of the transaction's COMMIT is known. It gets true when the commit
/// is known good, false when its outcome is unknown (then only what is harmless either way may be
/// done: a cached value may be forgotten, not set). After a rollback it is dropped.
pub type AfterCommit = Box<dyn FnOnce(bool) + Send>;

/// The transaction of a step, lent to the component for one call.
///
/// It is moved into the component's store and back out: the writer's thread has no connection
/// meanwhile, which is how the transaction can't be used by anybody else.
pub struct StepSession(pub(super) Box<Db>);

impl StepSession {
    /// Opens the savepoint that the component works in; the connection comes back on an error.
    pub(crate) fn begin(mut db: Box<Db>) -> Result<Self, (Box<Db>, rusqlite::Error)> {
        db.reset_call();
        match db.control("SAVEPOINT") {
            Ok(()) => Ok(Self(db)),
            Err(error) => Err((db, error)),
        }
    }

    /// Ends that savepoint, keeping what the component wrote or not. It says whether the component
    /// met a transient error, and what it wants done after the commit.
    pub(crate) fn finish(mut self, keep: bool) -> (Box<Db>, rusqlite::Result<(bool, Vec<AfterCommit>)>) {
        let db = &mut self.0;
        let poisoned = db.poisoned;
        let effects = if keep && !poisoned {
            std::mem::take(&mut db.after_commit)
        } else {
            vec![]
        };
        db.reset_call();
        let undone = if keep && !poisoned {
            Ok(())
        } else {
            db.control("ROLLBACK TO")
        };
        let ended = undone.and_then(|()| db.control("RELEASE"));
        (self.0, ended.map(|()| (poisoned, effects)))
    }

    /// Statements that still run at this moment are interrupted.
    pub fn set_deadline(&mut self, at: Instant) {
        self.0.set_deadline(Some(at));
    }

    /// What the invoker keeps from one call to the next of the same group commit: an instance that
    /// may be used again. It is dropped when the group ends.
    pub fn scratch(&mut self) -> &mut Option<Box<dyn Any + Send>> {
        &mut self.0.scratch
    }

    /// Has something done once the commit is known.
    pub fn after_commit(&mut self, effect: AfterCommit) {
        self.0.after_commit.push(effect);
    }

    fn usable(&self) -> Result<(), Error> {
        if self.0.poisoned || !self.0.in_transaction() {
            Err(Error::Ended)
        } else {
            Ok(())
        }
    }

    fn control(&mut self, verb: &str, mark: u32) -> Result<(), Error> {
        self.0.mark_control(verb, mark).map_err(|error| classify(&error))
    }

    /// The position of a mark among those that are open.
    fn position(&self, mark: Mark) -> Option<usize> {
        self.0.marks.iter().position(|open| *open == mark.0)
    }
}

impl Session for StepSession {
    fn query(&mut self, statement: &str, params: &[Value]) -> Result<ResultSet, Error> {
        self.usable()?;
        self.0.guest_query(statement, params)
    }

    fn execute(&mut self, statement: &str, params: &[Value]) -> Result<u32, Error> {
        self.usable()?;
        self.0.guest_execute(statement, params)
    }

    fn begin(&mut self) -> Result<Mark, Error> {
        self.usable()?;
        let mark = self.0.next_mark;
        self.0.next_mark = mark.wrapping_add(1);
        self.control("SAVEPOINT", mark)?;
        self.0.marks.push(mark);
        Ok(Mark(mark))
    }

    fn commit(&mut self, mark: Mark) -> Result<(), Error> {
        self.usable()?;
        let position = self.position(mark).ok_or(Error::Ended)?;
        self.control("RELEASE", mark.0)?;
        self.0.marks.truncate(position);
        Ok(())
    }

    fn rollback(&mut self, mark: Mark) {
        let Some(position) = self.position(mark) else { return };
        self.0.marks.truncate(position);
        if self.0.in_transaction() {
            let undone = self
                .control("ROLLBACK TO", mark.0)
                .and_then(|()| self.control("RELEASE", mark.0));
            // What can't be rolled back here is rolled back as a whole.
            self.0.poisoned |= undone.is_err();
        }
    }

    fn publish(&mut self, event: &Publication) -> Result<(), Error> {
        self.usable()?;
        outbox::insert(&self.0.connection, event).map_err(|error| classify(&error))
    }
}
