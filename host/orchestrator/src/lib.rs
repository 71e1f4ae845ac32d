//! The orchestrator: it starts sagas, runs them, turns them back, and picks up what others left.
//!
//! It keeps nothing in memory that matters. What it does next is decided by [`skald_saga::decide()`]
//! from the journal row and from what the fences tell; it may be ended at any instant, and the next
//! one goes on. It knows nothing of wasm: a step is called by way of [`Components`].
//!
//! ```text
//!  start ─► journal row ─► Runner: loop { decide → act } ─► end
//!  recover ───────────────▲      │  ▲
//!  operate ── wakes ─────────────┘  └── fences, by the services' writers
//! ```

mod call;

mod place;

mod run;

mod attempt;

mod start;

mod recover;

mod operate;

mod clean;

mod observe;

pub mod stream;

pub use call::{Call, Components};
pub use clean::Forgotten;
pub use observe::{Attempt, Kept, Observer};
pub use operate::OperateError;
pub use start::{Launched, Request, StartError};

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use skald_saga::{Definition, Digest};
use skald_store::journal::{Error as JournalError, Journal};
use skald_store::sqlite::File;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Bounds of the orchestrator.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The most sagas that run at the same time; a start beyond that is refused for a while.
    pub most_running: usize,
    /// How many sagas are recovered at the same time after a start: enough to fill a group commit,
    /// few enough not to be a storm.
    pub parallel_recovery: usize,
    /// How often the journal is searched for sagas that nobody runs.
    pub sweep: std::time::Duration,
    /// How long an ended saga is kept after its end, and its fences after its birth.
    pub retention: std::time::Duration,
    /// How long a key that makes a start idempotent is kept after its use; its saga is kept as long.
    pub key_window: std::time::Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            most_running: 10_000,
            parallel_recovery: 64,
            sweep: std::time::Duration::from_secs(1),
            retention: std::time::Duration::from_hours(30 * 24),
            key_window: std::time::Duration::from_hours(30 * 24),
        }
    }
}

/// The orchestrator. Clones share everything.
#[derive(Clone)]
pub struct Orchestrator(Arc<Shared>);

struct Shared {
    journal: Journal,
    /// The services' databases, by label.
    databases: HashMap<String, File>,
    components: Arc<dyn Components>,
    /// Every definition that a saga may be pinned to.
    definitions: std::sync::RwLock<HashMap<Digest, Arc<Definition>>>,
    observer: Arc<dyn Observer>,
    settings: Settings,
    places: place::Places,
    count: AtomicUsize,
    recovery: Semaphore,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Orchestrator {
    /// An orchestrator over a journal and the services' databases. The definitions are those in
    /// force; older ones are read from the journal by [`Self::open`].
    pub fn new(
        journal: Journal,
        databases: HashMap<String, File>,
        components: Arc<dyn Components>,
        settings: Settings,
    ) -> Self {
        Self(Arc::new(Shared {
            journal,
            databases,
            components,
            definitions: std::sync::RwLock::default(),
            observer: Arc::new(()),
            settings,
            places: place::Places::default(),
            count: AtomicUsize::new(0),
            recovery: Semaphore::new(settings.parallel_recovery),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }))
    }

    /// Has somebody count. Call it before anything else, and before there are clones.
    ///
    /// # Panics
    /// When there are.
    pub fn observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        Arc::get_mut(&mut self.0).expect("nobody has a clone yet").observer = observer;
        self
    }

    /// Keeps the definitions in force, reads the older ones, and picks up every unfinished saga.
    pub async fn open(&self, in_force: impl IntoIterator<Item = Arc<Definition>>) -> Result<(), JournalError> {
        for definition in in_force {
            self.0.journal.keep_definition(&definition).await?;
            self.learn(definition);
        }
        for (digest, body) in self.0.journal.definitions().await? {
            match serde_json::from_str::<Definition>(&body) {
                Ok(definition) => self.learn(Arc::new(definition)),
                Err(error) => {
                    tracing::error!(%digest, %error, "a definition in the journal can't be read; its sagas wait");
                }
            }
        }
        self.recover_all().await?;
        self.0.tasks.spawn(recover::sweep(self.clone()));
        self.0.tasks.spawn(clean::keep_clean(self.clone()));
        Ok(())
    }

    fn learn(&self, definition: Arc<Definition>) {
        let mut known = self
            .0
            .definitions
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // The one that is in force is learnt first, and stays the one that sagas are started with.
        known.entry(definition.digest()).or_insert(definition);
    }

    /// The definition with this digest.
    pub fn definition(&self, digest: &Digest) -> Option<Arc<Definition>> {
        self.0
            .definitions
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .get(digest)
            .cloned()
    }

    /// The digest of a definition. One that is known by its place in memory is not hashed again.
    fn digest_of(&self, definition: &Arc<Definition>) -> Digest {
        let known = self
            .0
            .definitions
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let found = known.iter().find(|(_, known)| Arc::ptr_eq(known, definition));
        found.map_or_else(|| definition.digest(), |(digest, _)| *digest)
    }

    /// The digests of all definitions of this name.
    pub fn digests_of(&self, name: &str) -> Vec<Digest> {
        let known = self
            .0
            .definitions
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        known
            .iter()
            .filter(|(_, definition)| definition.name == name)
            .map(|(digest, _)| *digest)
            .collect()
    }

    /// The journal.
    pub fn journal(&self) -> &Journal {
        &self.0.journal
    }

    /// The database with this label.
    pub fn database(&self, label: &str) -> Option<&File> {
        self.0.databases.get(label)
    }

    /// The labels of the services' databases, and their files.
    pub fn databases(&self) -> impl Iterator<Item = (&str, &File)> {
        self.0.databases.iter().map(|(label, file)| (label.as_str(), file))
    }

    /// How many sagas this process runs.
    pub fn running(&self) -> usize {
        self.0.count.load(Ordering::Relaxed)
    }

    /// Starts no more sagas, lets those that are in the middle of a step end that step, and gives up
    /// the claims: the next process goes on with them. Nothing depends on this being called.
    pub async fn stop(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        if let Err(error) = self.0.journal.release_claims().await {
            tracing::warn!(%error, "the claims could not be given up; the next start counts an attempt for each saga");
        }
    }
}
