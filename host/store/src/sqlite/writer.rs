//! The handle to the thread that writes to a file, and the jobs that are sent to it. What the thread
//! does with them is in [`group`](super::group).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError};
use tokio::sync::oneshot;

use super::error::OpenError;
use super::group::Loop;
use super::sync::{Syncer, Tide};
use super::{Db, Options};
use crate::fault::{self, Fault};

/// The stack of a writer's thread, in bytes. Components run on it, and one may call another up to
/// eight deep, each with half a MiB of stack; the host needs some in between.
const STACK_BYTES: usize = 8 << 20;

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
    committed: std::sync::Arc<Committed>,
}

/// What a writer has committed since it was started.
#[derive(Default)]
pub(super) struct Committed {
    commits: AtomicU64,
    jobs: AtomicU64,
}

impl Committed {
    pub fn count(&self, jobs: usize) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.jobs.fetch_add(jobs as u64, Ordering::Relaxed);
    }
}

impl Writer {
    pub(super) fn start(db: Box<Db>, options: &Options, tide: std::sync::Arc<Tide>) -> Result<Self, OpenError> {
        let unfit = |error: &dyn std::fmt::Display| OpenError::Unfit {
            label: options.label.clone(),
            detail: format!("its writing threads can't be started: {error}"),
        };
        db.leave_syncing().map_err(|error| unfit(&error))?;
        let syncer = Syncer::start(&options.path, &options.label, tide.clone()).map_err(|error| unfit(&error))?;
        let (queue, jobs) = crossbeam_channel::bounded(options.group.queue);
        let committed = std::sync::Arc::<Committed>::default();
        let writing = Loop::new(jobs, options.group, committed.clone(), tide, syncer);
        std::thread::Builder::new()
            .name(format!("write-{}", options.label))
            .stack_size(STACK_BYTES)
            .spawn(move || writing.run(db))
            .map_err(|error| unfit(&error))?;
        Ok(Self {
            queue,
            label: options.label.as_str().into(),
            committed,
        })
    }

    /// How many commits it has made, and of how many jobs: divided, the size of a group.
    pub fn committed(&self) -> (u64, u64) {
        let Committed { commits, jobs } = &*self.committed;
        (commits.load(Ordering::Relaxed), jobs.load(Ordering::Relaxed))
    }

    /// The database's label.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// How many jobs wait.
    pub fn backlog(&self) -> usize {
        self.queue.len()
    }

    /// Queues a job, or refuses it when there is no room.
    pub fn submit(&self, job: Box<dyn Job>) -> Result<(), Unwritten> {
        match self.offer(job)? {
            None => Ok(()),
            Some(_) => Err(Unwritten::Overloaded(self.label.to_string())),
        }
    }

    /// Queues a job. It is given back when there is no room, for whoever can wait for some.
    pub fn offer(&self, job: Box<dyn Job>) -> Result<Option<Box<dyn Job>>, Unwritten> {
        match self.queue.try_send(job) {
            Ok(()) => Ok(None),
            Err(TrySendError::Full(job)) => Ok(Some(job)),
            Err(TrySendError::Disconnected(_)) => Err(Unwritten::Closed(self.label.to_string())),
        }
    }

    /// Runs the host's own statements in a group, and answers once they are committed. `work` may
    /// run more than once; an error undoes what it wrote.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unwritten> {
        self.write_then(work, |_| {}).await
    }

    /// The same, and `then` is called once it is committed and on disk, one after the other, in the order
    /// of commits; it must not block.
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
        let found = match fault::at(&self.label, "write") {
            Some(Fault::Error) => Err(rusqlite::Error::InvalidQuery),
            _ => (self.work)(db.connection()),
        };
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
