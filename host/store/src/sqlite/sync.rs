//! Making commits durable while the next group runs.
//!
//! SQLite writes a commit to the write-ahead log, and would then wait for the disk
//! (`synchronous = FULL`). The writer doesn't wait: its connection runs with `NORMAL`, which differs in
//! just that, and the log is synced here, on a thread of its own. Several commits that wait at the same
//! time need one sync. Rule "no reply before COMMIT" holds as before: whoever waits for a commit is
//! told after the sync, in the order of commits, and readers wait for what they have seen.
//!
//! Why that is safe: the log's frames bear checksums that chain from its head, so what is left of it
//! after a loss of power is a prefix of the commits, and every commit that somebody was told of lies in
//! it. See <https://www.sqlite.org/wal.html> and `sqlite3PagerSetFlags` for what `NORMAL` leaves out.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender};

use super::{Fate, Job};
use crate::fault::Life;

/// How many groups may wait for the sync that follows the one under way. With more, groups would get
/// smaller, not faster.
const WAITING: usize = 1;

/// How far the commits of a file have got. They are numbered from 1.
#[derive(Default)]
pub(super) struct Tide {
    /// The last one that may be visible to readers.
    begun: AtomicU64,
    /// The last one that is on disk.
    synced: AtomicU64,
    waiting: Mutex<()>,
    reached: Condvar,
}

impl Tide {
    /// The number of a commit that is about to be made.
    pub fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Waits until all that can have been read up to now is on disk.
    pub fn wait(&self) {
        let seen = self.begun.load(Ordering::SeqCst);
        if self.synced.load(Ordering::SeqCst) >= seen {
            return;
        }
        let mut waiting = self.lock();
        while self.synced.load(Ordering::SeqCst) < seen {
            waiting = self.reached.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn reach(&self, number: u64) {
        self.synced.store(number, Ordering::SeqCst);
        // Whoever has looked at the number and is about to wait holds the lock.
        drop(self.lock());
        self.reached.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A commit that is in the log.
struct Batch {
    number: u64,
    jobs: Vec<Box<dyn Job>>,
}

/// Where a writer hands its commits over.
pub(super) struct Syncer {
    log: Arc<Log>,
    queue: Sender<Batch>,
    /// How many batches have been handed over and are not settled.
    under_way: Arc<AtomicUsize>,
}

struct Log {
    file: std::fs::File,
    label: String,
    tide: Arc<Tide>,
    life: Life,
}

impl Syncer {
    /// Starts the thread. The log exists: the file has been read in WAL mode.
    pub fn start(path: &Path, label: &str, tide: Arc<Tide>) -> std::io::Result<Self> {
        let log = Arc::new(Log {
            file: std::fs::File::open(log_of(path))?,
            label: label.to_owned(),
            tide,
            life: Life::begin(),
        });
        let (queue, batches) = crossbeam_channel::bounded(WAITING);
        let under_way = Arc::<AtomicUsize>::default();
        let (synced, counted) = (log.clone(), under_way.clone());
        std::thread::Builder::new()
            .name(format!("sync-{label}"))
            .spawn(move || synced.serve(&batches, &counted))?;
        Ok(Self { log, queue, under_way })
    }

    /// Whether everybody has been told of all that was handed over.
    pub fn is_idle(&self) -> bool {
        self.under_way.load(Ordering::Acquire) == 0
    }

    /// Has a commit synced, and its jobs told, by and by.
    pub fn hand_over(&self, number: u64, jobs: Vec<Box<dyn Job>>) {
        self.under_way.fetch_add(1, Ordering::AcqRel);
        self.queue
            .send(Batch { number, jobs })
            .expect("the syncing thread lives as long as this handle");
    }

    /// The same at once, on this thread. Nothing may be under way.
    pub fn settle_here(&self, number: u64, jobs: Vec<Box<dyn Job>>) {
        if self.log.sync(number) {
            settle(jobs);
        }
    }

    /// Tells a job that was undone. What it found may be of a commit that is still to be synced.
    pub fn settle_undone(&self, job: Box<dyn Job>) {
        if self.is_idle() {
            job.settle(Fate::Known);
        } else {
            self.hand_over(self.log.tide.begun.load(Ordering::SeqCst), vec![job]);
        }
    }
}

impl Log {
    fn serve(&self, batches: &Receiver<Batch>, under_way: &AtomicUsize) {
        while let Ok(first) = batches.recv() {
            let all: Vec<Batch> = std::iter::once(first).chain(batches.try_iter()).collect();
            let last = all.last().map_or(0, |batch| batch.number);
            let told = self.sync(last);
            for batch in all {
                if told {
                    settle(batch.jobs);
                }
                under_way.fetch_sub(1, Ordering::AcqRel);
            }
        }
        // No commit will come any more: nobody waits for one.
        self.tide.reach(u64::MAX);
    }

    /// Syncs the log up to this commit. False: a test has ended the process.
    ///
    /// After a failed sync nobody knows what is on disk, and asking again may lie: the kernel has
    /// dropped what it could not write. So the process ends, and the next one reads what there is
    /// (see <https://wiki.postgresql.org/wiki/Fsync_Errors>).
    fn sync(&self, number: u64) -> bool {
        let over = self.life.at(&self.label, "sync").is_some();
        if !over && let Err(error) = self.file.sync_data() {
            tracing::error!(database = self.label, %error, "the write-ahead log can't be synced; ending the process so that nothing is answered that may be lost");
            std::process::abort();
        }
        self.tide.reach(number);
        !over
    }
}

fn settle(jobs: Vec<Box<dyn Job>>) {
    for job in jobs {
        job.settle(Fate::Known);
    }
}

/// The write-ahead log of a file.
fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}
