//! The thread that writes to a file, and its group commit.
//!
//! It takes what is queued, never waits for more, and makes one commit of it:
//! `BEGIN IMMEDIATE; per job: SAVEPOINT o; job; RELEASE o | ROLLBACK TO o; COMMIT`.
//! Nearly every job is kept, and a savepoint costs a copy of each page that is written under it. So
//! `o` is left out until a job has to be undone: then all is rolled back, that job is told, the others
//! are run again one by one, and for a while every job gets its savepoint.
//!
//! Nobody is told anything before the COMMIT is known and on disk (rule "no reply before COMMIT"): a
//! group is handed over to [`sync`](super::sync), and the next one runs meanwhile. When a COMMIT fails,
//! or when one job ended the transaction under the others, each job is run again by itself (rule
//! "group: all re-asked one by one after an unknown COMMIT"): no answer of one stands for another.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::Receiver;

use super::sync::{Syncer, Tide};
use super::writer::Committed;
use super::{Db, Fate, GroupLimits, Job, Verdict};
use crate::fault::{Fault, Life};

/// The writer's thread.
pub(super) struct Loop {
    jobs: Receiver<Box<dyn Job>>,
    group: GroupLimits,
    /// A job that was taken from the queue and must not join the group being made.
    held: Option<Box<dyn Job>>,
    /// In how many groups to come each job runs under a savepoint.
    careful: u32,
    life: Life,
    committed: Arc<Committed>,
    tide: Arc<Tide>,
    syncer: Syncer,
}

/// For so many groups after a job was undone the next one may be too: components that fail do so in
/// rows.
const CAREFUL: u32 = 64;

/// From so many jobs on a group is synced while the next one runs. Measured: with all groups handed
/// over, 256 sagas at a time are 8 % faster, 16 at a time 8 % slower, and 64 as fast as without.
const LARGE: usize = 32;

/// How a transaction went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Went {
    /// It is committed, under this number; it is still to be synced.
    Committed(u64),
    /// It is rolled back, or nobody knows.
    Failed,
    /// A test has ended the process.
    Over,
}

/// A group's jobs, and how it went.
type Ended = (Box<Db>, Vec<Box<dyn Job>>, Went);

impl Loop {
    pub fn new(
        jobs: Receiver<Box<dyn Job>>,
        group: GroupLimits,
        committed: Arc<Committed>,
        tide: Arc<Tide>,
        syncer: Syncer,
    ) -> Self {
        Self {
            jobs,
            group,
            held: None,
            careful: 0,
            life: Life::begin(),
            committed,
            tide,
            syncer,
        }
    }

    pub fn run(mut self, mut db: Box<Db>) {
        while let Some(first) = self.held.take().or_else(|| self.jobs.recv().ok()) {
            let (back, group, went) = self.one_group(db, first);
            db = back;
            match went {
                Went::Committed(number) => {
                    self.committed.count(group.len());
                    self.settle(number, group);
                }
                Went::Failed => {
                    for job in group {
                        let (back, went) = self.alone(db, job);
                        db = back;
                        if went == Went::Over {
                            return;
                        }
                    }
                }
                Went::Over => return,
            }
            db.scratch = None;
        }
    }

    fn one_group(&mut self, mut db: Box<Db>, first: Box<dyn Job>) -> Ended {
        let begun = Instant::now();
        let mut group: Vec<Box<dyn Job>> = Vec::with_capacity(self.group.jobs.min(16));
        if let Err(went) = self.begin(&db) {
            return (db, vec![first], went);
        }
        self.careful = self.careful.saturating_sub(1);
        let mut next = Some(first);
        while let Some(mut job) = next.take() {
            let last = job.alone();
            // What is slow has effects elsewhere, and is not run again for another's sake.
            let (back, ran) = if last || self.careful > 0 {
                self.in_savepoint(db, job.as_mut())
            } else {
                self.in_the_open(db, job.as_mut())
            };
            db = back;
            if ran == Ok(Verdict::Undo) {
                roll_back(&db);
                self.syncer.settle_undone(job);
                self.careful = CAREFUL;
                return (db, group, Went::Failed);
            }
            group.push(job);
            if let Err(went) = ran {
                roll_back(&db);
                return (db, group, went);
            }
            if last || group.len() >= self.group.jobs || begun.elapsed() >= self.group.time {
                break;
            }
            next = self.jobs.try_recv().ok();
            if next.as_ref().is_some_and(|job| job.alone()) {
                self.held = next.take();
            }
        }
        let went = self.commit(&db);
        (db, group, went)
    }

    /// Runs a job under a savepoint of its own, and ends that as the job says. An error: the
    /// transaction is no longer intact.
    fn in_savepoint(&self, db: Box<Db>, job: &mut dyn Job) -> (Box<Db>, Result<Verdict, Went>) {
        if db.run("SAVEPOINT skald_o").is_err() {
            return (db, Err(Went::Failed));
        }
        let (db, ran) = self.in_the_open(db, job);
        let verdict = match ran {
            Ok(verdict) => verdict,
            Err(went) => return (db, Err(went)),
        };
        // The components' own savepoints and statements can't have ended this one, but an error of the
        // disk can: then RELEASE fails, which is the proof that rule 3 asks for.
        let ended = match verdict {
            Verdict::Keep => db.run("RELEASE skald_o"),
            Verdict::Undo => db.run("ROLLBACK TO skald_o").and_then(|()| db.run("RELEASE skald_o")),
        };
        let intact = ended.is_ok() && db.in_transaction();
        // Either way nothing is left to be undone.
        (db, if intact { Ok(Verdict::Keep) } else { Err(Went::Failed) })
    }

    /// Runs a job in the group's transaction itself. A component works under a savepoint all the same:
    /// the fence's.
    fn in_the_open(&self, db: Box<Db>, job: &mut dyn Job) -> (Box<Db>, Result<Verdict, Went>) {
        let (db, verdict) = run(job, db);
        if let Some(went) = self.fault(&db, "job") {
            return (db, Err(went));
        }
        let intact = verdict == Verdict::Undo || db.in_transaction();
        (db, if intact { Ok(verdict) } else { Err(Went::Failed) })
    }

    /// A job by itself, after its group failed.
    fn alone(&self, mut db: Box<Db>, mut job: Box<dyn Job>) -> (Box<Db>, Went) {
        db.scratch = None;
        if let Err(went) = self.begin(&db) {
            if went == Went::Failed {
                job.settle(Fate::Unknown);
            }
            return (db, went);
        }
        let (db, verdict) = run(job.as_mut(), db);
        let went = match (self.fault(&db, "job"), verdict) {
            (Some(went), _) => went,
            (None, Verdict::Keep) => self.commit(&db),
            (None, Verdict::Undo) => {
                roll_back(&db);
                self.syncer.settle_undone(job);
                return (db, Went::Failed);
            }
        };
        roll_back(&db);
        match went {
            Went::Committed(number) => {
                self.committed.count(1);
                self.settle(number, vec![job]);
            }
            Went::Failed => job.settle(Fate::Unknown),
            Went::Over => {}
        }
        (db, went)
    }

    fn begin(&self, db: &Db) -> Result<(), Went> {
        if let Some(went) = self.fault(db, "begin") {
            return Err(went);
        }
        db.run("BEGIN IMMEDIATE").map_err(|error| {
            tracing::warn!(database = db.label, %error, "no transaction can be begun");
            Went::Failed
        })
    }

    /// Tells the jobs of a commit once it is on disk. A small group is synced here: what could run
    /// meanwhile is less than what another thread costs.
    fn settle(&self, number: u64, jobs: Vec<Box<dyn Job>>) {
        if jobs.len() < LARGE && self.syncer.is_idle() {
            self.syncer.settle_here(number, jobs);
        } else {
            self.syncer.hand_over(number, jobs);
        }
    }

    fn commit(&self, db: &Db) -> Went {
        let lost = match self.life.at(&db.label, "commit") {
            Some(Fault::Crash) => return Went::Over,
            Some(Fault::Error) => {
                roll_back(db);
                return Went::Failed;
            }
            lost => lost.is_some(),
        };
        let number = self.tide.begin();
        let committed = db.run("COMMIT").or_else(|_| db.run("COMMIT"));
        if let Err(error) = &committed {
            tracing::warn!(database = db.label, %error, "the commit failed; each of its jobs is run again by itself");
            roll_back(db);
        }
        let went = match self.fault(db, "committed") {
            Some(went) => went,
            None if lost || committed.is_err() => Went::Failed,
            None => return Went::Committed(number),
        };
        self.settle(number, vec![]);
        went
    }

    /// What a test makes go wrong here.
    fn fault(&self, db: &Db, point: &str) -> Option<Went> {
        let fault = self.life.at(&db.label, point)?;
        Some(if fault == Fault::Crash {
            Went::Over
        } else {
            Went::Failed
        })
    }
}

/// A panic on this thread is a defect of the host, and what it left in memory can't be trusted. What
/// is on disk can: the process ends, and the next one goes on from there.
fn run(job: &mut dyn Job, db: Box<Db>) -> (Box<Db>, Verdict) {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job.run(db))).unwrap_or_else(|_| {
        tracing::error!("the writer panicked; ending the process so that nothing is written from a broken state");
        std::process::abort()
    })
}

fn roll_back(db: &Db) {
    if db.in_transaction()
        && let Err(error) = db.run("ROLLBACK")
    {
        tracing::error!(database = db.label, %error, "the transaction can't be rolled back");
    }
}
