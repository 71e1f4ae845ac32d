//! The thread that writes to a file, and its group commit.
//!
//! It takes what is queued, never waits for more, and makes one commit of it:
//! `BEGIN IMMEDIATE; per job: SAVEPOINT o; job; RELEASE o | ROLLBACK TO o; COMMIT`.
//! Nobody is told anything before the COMMIT is known (rule "no reply before COMMIT"). When it fails,
//! or when one job ended the transaction under the others, each job is run again by itself: no
//! answer of one stands for another.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use tokio::sync::oneshot;

use super::error::OpenError;
use super::{Db, Options};

/// What becomes of a job's writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are to be committed.
    Keep,
    /// They are to be rolled back.
    Undo,
}

/// What is known of a job's commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// What the job found is final: kept and committed, or undone.
    Known,
    /// The COMMIT failed, or was not answered: only the database can tell. Ask again.
    Unknown,
}

/// A piece of work for the writer.
pub trait Job: Send {
    /// Does the work in the transaction that is open, and keeps what it found to itself. It may be
    /// run again, in another transaction, before it is settled.
    ///
    /// The connection is handed over and back, so that a job may lend it to a component.
    fn run(&mut self, db: Box<Db>) -> (Box<Db>, Verdict);

    /// Tells whoever waits for it.
    fn settle(self: Box<Self>, fate: Fate);

    /// Whether no other job may share its group: it may be slow.
    fn alone(&self) -> bool {
        false
    }
}

/// The bounds of one group commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupLimits {
    /// The most jobs in it. Beyond 64 the commit's share of each is lost in the noise.
    pub jobs: usize,
    /// After this time no further job joins: those in it wait for the commit.
    pub time: Duration,
    /// How many jobs may wait; more are refused.
    pub queue: usize,
}

impl Default for GroupLimits {
    fn default() -> Self {
        Self {
            jobs: 64,
            time: Duration::from_millis(20),
            queue: 16_384,
        }
    }
}

/// Why nothing was written, or nobody knows whether it was.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// Too much is waiting to be written.
    #[error("database {0} is overloaded: its queue is full")]
    Overloaded(String),
    /// The commit's outcome is not known.
    #[error("database {0} did not say whether it committed")]
    Unknown(String),
    /// The writer has ended.
    #[error("database {0} is closed")]
    Closed(String),
    /// The statement failed, and nothing was written.
    #[error("database {0}: {1}")]
    Failed(String, rusqlite::Error),
}

/// A handle to the thread that writes to a file. When the last one is dropped, the thread ends.
#[derive(Clone)]
pub struct Writer {
    queue: Sender<Box<dyn Job>>,
    label: std::sync::Arc<str>,
}

impl Writer {
    pub(super) fn start(db: Box<Db>, options: &Options) -> Result<Self, OpenError> {
        let (queue, jobs) = crossbeam_channel::bounded(options.group.queue);
        let group = options.group;
        std::thread::Builder::new()
            .name(format!("write-{}", options.label))
            .spawn(move || {
                Loop {
                    jobs,
                    group,
                    held: None,
                }
                .run(db)
            })
            .map_err(|error| OpenError::Unfit {
                label: options.label.clone(),
                detail: format!("its writing thread can't be started: {error}"),
            })?;
        Ok(Self {
            queue,
            label: options.label.as_str().into(),
        })
    }

    /// The database's label.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// How many jobs wait.
    pub fn backlog(&self) -> usize {
        self.queue.len()
    }

    /// Queues a job. It is given back when there is no room.
    pub fn submit(&self, job: Box<dyn Job>) -> Result<(), Unwritten> {
        self.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Unwritten::Overloaded(self.label.to_string()),
            TrySendError::Disconnected(_) => Unwritten::Closed(self.label.to_string()),
        })
    }

    /// Runs the host's own statements in a group, and answers once they are committed. `work` may
    /// run more than once; an error undoes what it wrote.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unwritten> {
        self.write_then(work, |_| {}).await
    }

    /// The same, and `then` is called on the writer's thread once it is committed, in the order of
    /// commits; it must not block.
    pub async fn write_then<T: Send + 'static>(
        &self,
        work: impl FnMut(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
        then: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, Unwritten> {
        let (told, answer) = oneshot::channel();
        self.submit(Box::new(Call {
            work,
            then,
            found: None,
            told,
            label: self.label.clone(),
        }))?;
        answer
            .await
            .unwrap_or_else(|_| Err(Unwritten::Closed(self.label.to_string())))
    }

    /// The same for a thread that may block.
    pub fn write_blocking<T: Send + 'static>(
        &self,
        work: impl FnMut(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unwritten> {
        let (told, answer) = oneshot::channel();
        self.submit(Box::new(Call {
            work,
            then: |_: &T| {},
            found: None,
            told,
            label: self.label.clone(),
        }))?;
        answer
            .blocking_recv()
            .unwrap_or_else(|_| Err(Unwritten::Closed(self.label.to_string())))
    }
}

/// Statements of the host as a job.
struct Call<W, N, T> {
    work: W,
    then: N,
    found: Option<rusqlite::Result<T>>,
    told: oneshot::Sender<Result<T, Unwritten>>,
    label: std::sync::Arc<str>,
}

impl<W, N, T> Job for Call<W, N, T>
where
    W: FnMut(&rusqlite::Connection) -> rusqlite::Result<T> + Send,
    N: FnOnce(&T) + Send,
    T: Send,
{
    fn run(&mut self, db: Box<Db>) -> (Box<Db>, Verdict) {
        let found = (self.work)(db.connection());
        let verdict = if found.is_ok() { Verdict::Keep } else { Verdict::Undo };
        self.found = Some(found);
        (db, verdict)
    }

    fn settle(self: Box<Self>, fate: Fate) {
        let label = || self.label.to_string();
        let answer = match (fate, self.found) {
            (Fate::Known, Some(Ok(value))) => {
                (self.then)(&value);
                Ok(value)
            }
            (Fate::Known, Some(Err(error))) => Err(Unwritten::Failed(label(), error)),
            (Fate::Unknown, _) | (Fate::Known, None) => Err(Unwritten::Unknown(label())),
        };
        // Whoever asked may have gone; the write stands.
        let _ = self.told.send(answer);
    }
}

/// The writer's thread.
struct Loop {
    jobs: Receiver<Box<dyn Job>>,
    group: GroupLimits,
    /// A job that was taken from the queue and must not join the group being made.
    held: Option<Box<dyn Job>>,
}

impl Loop {
    fn run(mut self, mut db: Box<Db>) {
        while let Some(first) = self.held.take().or_else(|| self.jobs.recv().ok()) {
            let (back, group, committed) = self.one_group(db, first);
            db = back;
            if committed {
                group.into_iter().for_each(|job| job.settle(Fate::Known));
            } else {
                for job in group {
                    db = alone(db, job);
                }
            }
            db.scratch = None;
        }
    }

    /// Runs a group; false: nothing of it is known to be committed.
    fn one_group(&mut self, mut db: Box<Db>, first: Box<dyn Job>) -> (Box<Db>, Vec<Box<dyn Job>>, bool) {
        let begun = Instant::now();
        let mut group: Vec<Box<dyn Job>> = Vec::with_capacity(self.group.jobs.min(16));
        if let Err(error) = db.run("BEGIN IMMEDIATE") {
            tracing::warn!(database = db.label, %error, "no transaction can be begun");
            return (db, vec![first], false);
        }
        let mut next = Some(first);
        while let Some(mut job) = next.take() {
            let last = job.alone();
            let (back, intact) = in_savepoint(db, job.as_mut());
            db = back;
            group.push(job);
            if !intact {
                roll_back(&db);
                return (db, group, false);
            }
            if last || group.len() >= self.group.jobs || begun.elapsed() >= self.group.time {
                break;
            }
            next = self.jobs.try_recv().ok();
            if next.as_ref().is_some_and(|job| job.alone()) {
                self.held = next.take();
            }
        }
        let committed = commit(&db);
        (db, group, committed)
    }
}

/// Runs a job under a savepoint of its own; false: the transaction is no longer intact.
fn in_savepoint(db: Box<Db>, job: &mut dyn Job) -> (Box<Db>, bool) {
    if db.run("SAVEPOINT skald_o").is_err() {
        return (db, false);
    }
    let (db, verdict) = run(job, db);
    // The components' own savepoints and statements can't have ended this one, but an error of the
    // disk can: then RELEASE fails, which is the proof that rule 3 asks for.
    let ended = match verdict {
        Verdict::Keep => db.run("RELEASE skald_o"),
        Verdict::Undo => db.run("ROLLBACK TO skald_o").and_then(|()| db.run("RELEASE skald_o")),
    };
    let intact = ended.is_ok() && db.in_transaction();
    (db, intact)
}

/// A job by itself, after its group failed.
fn alone(mut db: Box<Db>, mut job: Box<dyn Job>) -> Box<Db> {
    db.scratch = None;
    if let Err(error) = db.run("BEGIN IMMEDIATE") {
        tracing::warn!(database = db.label, %error, "no transaction can be begun");
        job.settle(Fate::Unknown);
        return db;
    }
    let (db, verdict) = run(job.as_mut(), db);
    let known = match verdict {
        Verdict::Keep => commit(&db),
        Verdict::Undo => {
            roll_back(&db);
            true
        }
    };
    job.settle(if known { Fate::Known } else { Fate::Unknown });
    db
}

/// A panic on this thread is a defect of the host, and what it left in memory can't be trusted. What
/// is on disk can: the process ends, and the next one goes on from there.
fn run(job: &mut dyn Job, db: Box<Db>) -> (Box<Db>, Verdict) {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job.run(db))).unwrap_or_else(|_| {
        tracing::error!("the writer panicked; ending the process so that nothing is written from a broken state");
        std::process::abort()
    })
}

fn commit(db: &Db) -> bool {
    let committed = db.run("COMMIT").or_else(|_| db.run("COMMIT"));
    if let Err(error) = &committed {
        tracing::warn!(database = db.label, %error, "the commit failed; each of its jobs is run again by itself");
        roll_back(db);
    }
    committed.is_ok()
}

fn roll_back(db: &Db) {
    if db.in_transaction()
        && let Err(error) = db.run("ROLLBACK")
    {
        tracing::error!(database = db.label, %error, "the transaction can't be rolled back");
    }
}
