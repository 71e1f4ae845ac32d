//! A session outside steps: each statement stands alone, and a transaction is the component's own.
//!
//! What reads runs on a read-only connection. What writes is a job for the writer, and shares its
//! group commit. A transaction borrows the writer's connection for as long as it lasts: the writer
//! waits, so its length is bounded by the call's deadline.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::step::StepSession;
use super::{Db, Fate, File, Job, Verdict};
use crate::sql::{Error, Mark, Publication, ResultSet, Session, Value};

/// A component's access to a file, outside steps.
pub struct PlainSession {
    file: File,
    read_only: bool,
    deadline: Instant,
    open: Option<Borrowed>,
}

/// The writer's connection in the hands of a component.
struct Borrowed {
    session: StepSession,
    outermost: Mark,
    back: mpsc::SyncSender<Returned>,
    fate: mpsc::Receiver<Fate>,
}

/// The connection on its way back, and whether the component committed.
type Returned = (Box<Db>, Verdict);

impl PlainSession {
    /// Access until `deadline`; with `read_only` nothing can be changed.
    pub fn new(file: File, read_only: bool, deadline: Instant) -> Self {
        Self {
            file,
            read_only,
            deadline,
            open: None,
        }
    }

    fn writable(&self) -> Result<(), Error> {
        if self.read_only {
            return Err(Error::faulty(
                "25006",
                "a component that is called from a step may only read",
            ));
        }
        Ok(())
    }

    fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Has the writer run one piece of work of the component, with a commit of its group.
    fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut StepSession) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.writable()?;
        let (told, answer) = mpsc::sync_channel(1);
        self.file
            .writer
            .submit(Box::new(Single {
                work,
                found: None,
                told,
                deadline: self.deadline,
            }))
            .map_err(|error| Error::Unreachable(error.to_string()))?;
        answer.recv().unwrap_or_else(|_| {
            Err(Error::Unreachable(
                "the database did not say whether it committed".into(),
            ))
        })
    }

    fn end(&mut self, verdict: Verdict) -> Result<(), Error> {
        let Some(Borrowed {
            session, back, fate, ..
        }) = self.open.take()
        else {
            return Err(Error::Ended);
        };
        let gone = || Error::Unreachable("the database is closed".into());
        back.send((session.0, verdict)).map_err(|_| gone())?;
        match fate.recv().map_err(|_| gone())? {
            Fate::Known => Ok(()),
            Fate::Unknown => Err(Error::Unreachable(
                "the database did not say whether it committed".into(),
            )),
        }
    }
}

impl Session for PlainSession {
    fn query(&mut self, statement: &str, params: &[Value]) -> Result<ResultSet, Error> {
        if let Some(open) = &mut self.open {
            return open.session.query(statement, params);
        }
        {
            let mut lent = self.file.readers.lend();
            let db = lent.db();
            if db.guest_reads(statement)? {
                db.set_deadline(Some(self.deadline));
                let found = db.guest_query(statement, params);
                db.reset_call();
                return found;
            }
        }
        let (statement, params) = (statement.to_owned(), params.to_vec());
        self.write(move |session| session.query(&statement, &params))
    }

    fn execute(&mut self, statement: &str, params: &[Value]) -> Result<u32, Error> {
        if let Some(open) = &mut self.open {
            return open.session.execute(statement, params);
        }
        let (statement, params) = (statement.to_owned(), params.to_vec());
        self.write(move |session| session.execute(&statement, &params))
    }

    fn begin(&mut self) -> Result<Mark, Error> {
        self.writable()?;
        if let Some(open) = &mut self.open {
            return open.session.begin();
        }
        // A rendezvous: the connection is either received or still in the hands of the writer.
        let (lend, borrowed) = mpsc::sync_channel(0);
        let (back, returned) = mpsc::sync_channel(1);
        let (told, fate) = mpsc::sync_channel(1);
        let job = Lend {
            borrower: Some(lend),
            returned,
            told,
            lost: false,
        };
        self.file
            .writer
            .submit(Box::new(job))
            .map_err(|error| Error::Unreachable(error.to_string()))?;
        let db = borrowed
            .recv_timeout(self.time_left())
            .map_err(|_| Error::Unreachable("the database was busy until the deadline".into()))?;
        let mut session = StepSession(db);
        session.0.reset_call();
        session.set_deadline(self.deadline);
        match session.begin() {
            Ok(outermost) => {
                self.open = Some(Borrowed {
                    session,
                    outermost,
                    back,
                    fate,
                });
                Ok(outermost)
            }
            Err(error) => {
                let _ = back.send((session.0, Verdict::Undo));
                Err(error)
            }
        }
    }

    fn commit(&mut self, mark: Mark) -> Result<(), Error> {
        let open = self.open.as_mut().ok_or(Error::Ended)?;
        open.session.commit(mark)?;
        if mark == open.outermost {
            self.end(Verdict::Keep)
        } else {
            Ok(())
        }
    }

    fn rollback(&mut self, mark: Mark) {
        let Some(open) = self.open.as_mut() else { return };
        open.session.rollback(mark);
        if mark == open.outermost {
            // Nothing is lost if the writer is gone: what was not committed is rolled back.
            let _ = self.end(Verdict::Undo);
        }
    }

    fn publish(&mut self, event: &Publication) -> Result<(), Error> {
        if let Some(open) = &mut self.open {
            return open.session.publish(event);
        }
        let event = event.clone();
        self.write(move |session| session.publish(&event))
    }
}

impl Drop for PlainSession {
    fn drop(&mut self) {
        if self.open.is_some() {
            let _ = self.end(Verdict::Undo);
        }
    }
}

/// One statement of a component as a job.
struct Single<W, T> {
    work: W,
    found: Option<Result<T, Error>>,
    told: mpsc::SyncSender<Result<T, Error>>,
    deadline: Instant,
}

impl<W, T> Job for Single<W, T>
where
    W: FnMut(&mut StepSession) -> Result<T, Error> + Send,
    T: Send,
{
    fn run(&mut self, db: Box<Db>) -> (Box<Db>, Verdict) {
        let mut session = StepSession(db);
        session.0.reset_call();
        session.set_deadline(self.deadline);
        let found = (self.work)(&mut session);
        session.0.reset_call();
        let verdict = if found.is_ok() { Verdict::Keep } else { Verdict::Undo };
        self.found = Some(found);
        (session.0, verdict)
    }

    fn settle(self: Box<Self>, fate: Fate) {
        if let (Fate::Known, Some(found)) = (fate, self.found) {
            let _ = self.told.send(found);
        }
        // Otherwise the channel closes, which the waiting side reads as unknown.
    }
}

/// Lends the connection to a component, and waits for its return.
struct Lend {
    borrower: Option<mpsc::SyncSender<Box<Db>>>,
    returned: mpsc::Receiver<Returned>,
    told: mpsc::SyncSender<Fate>,
    lost: bool,
}

impl Job for Lend {
    fn run(&mut self, db: Box<Db>) -> (Box<Db>, Verdict) {
        // A component's transaction can't be run again: a second run finds nobody to lend to.
        let Some(borrower) = self.borrower.take() else {
            self.lost = true;
            return (db, Verdict::Undo);
        };
        if let Err(mpsc::SendError(db)) = borrower.send(db) {
            return (db, Verdict::Undo);
        }
        let (mut db, verdict) = self
            .returned
            .recv()
            .expect("a session gives the connection back when it is dropped");
        db.reset_call();
        (db, verdict)
    }

    fn settle(self: Box<Self>, fate: Fate) {
        let _ = self.told.send(if self.lost { Fate::Unknown } else { fate });
    }

    fn alone(&self) -> bool {
        true
    }
}
