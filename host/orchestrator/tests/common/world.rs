//! The files, and the hosts that open them one after the other or at the same time.

use std::collections::HashMap;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use skald_orchestrator::stream::Hub;
use skald_orchestrator::{Launched, Orchestrator, Request, Settings};
use skald_saga::mapping::Mapping;
use skald_saga::{Definition, Exhausted, Nonce, Retry, SagaId, State, Step};
use skald_store::fence;
use skald_store::journal::{Journal, SagaRow, StoredEvent};
use skald_store::sqlite::{File, GroupLimits, OpenError, Options};
use tokio::runtime::Runtime;

use super::script::{Gate, PATIENCE, Say, Script, Seen};

/// The stream that every saga of a test tells to.
pub const STREAM: &str = "customer 7";

/// A folder with a journal and databases, and the components.
pub struct World {
    folder: tempfile::TempDir,
    databases: Vec<String>,
    pub script: Arc<Script>,
    pub settings: Settings,
    /// The bounds of the services' writers.
    pub group: GroupLimits,
}

impl World {
    /// A world whose sagas may use these databases, and whose components follow this plan.
    pub fn new(databases: &[&str], plan: impl Fn(&Seen) -> Say + Send + Sync + 'static) -> Self {
        Self {
            folder: folder(),
            databases: databases.iter().map(|label| (*label).to_owned()).collect(),
            script: Arc::new(Script::new(plan)),
            settings: Settings::default(),
            group: GroupLimits::default(),
        }
    }

    /// Opens the files, and an orchestrator over them that knows these definitions.
    pub fn open(&self, definitions: &[&Arc<Definition>]) -> Host {
        let hub = Hub::default();
        let journal = Journal::open(&Options::new(self.path("journal"), "journal"), Arc::new(hub.clone()));
        let files = self.databases.iter().map(|label| {
            let file = open_service(&self.path(label), label, self.group).expect("the database opens");
            (label.clone(), file)
        });
        self.host(journal.expect("the journal opens"), files.collect(), hub, definitions)
    }

    /// Another orchestrator over the files that a host has open: both run the same sagas.
    pub fn rival(&self, host: &Host, definitions: &[&Arc<Definition>]) -> Host {
        let journal = host.orchestrator.journal().clone();
        let files = host
            .orchestrator
            .databases()
            .map(|(label, file)| (label.to_owned(), file.clone()))
            .collect();
        self.host(journal, files, host.hub.clone(), definitions)
    }

    fn host(&self, journal: Journal, files: HashMap<String, File>, hub: Hub, definitions: &[&Arc<Definition>]) -> Host {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let runtime = runtime.expect("a runtime");
        let orchestrator = Orchestrator::new(journal, files, self.script.clone(), self.settings);
        let in_force: Vec<_> = definitions.iter().map(|definition| Arc::clone(definition)).collect();
        let host = Host {
            orchestrator,
            hub,
            runtime,
        };
        host.block_on(host.orchestrator.open(in_force))
            .expect("the orchestrator opens");
        host
    }

    /// The file of a database, or of the journal.
    pub fn path(&self, label: &str) -> std::path::PathBuf {
        self.folder.path().join(format!("{label}.db"))
    }
}

/// A temporary folder: in memory where that is possible, since a thousand worlds are made, and what a
/// test kills is only a thread.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a temporary folder")
}

fn open_service(path: &Path, label: &str, group: GroupLimits) -> Result<File, OpenError> {
    let options = Options {
        group,
        ..Options::new(path, label)
    };
    File::open(&options, |connection| {
        fence::prepare(connection, label)?;
        connection
            .execute_batch("CREATE TABLE IF NOT EXISTS effect (saga INTEGER, step TEXT, kind TEXT)")
            .map_err(|error| OpenError::Unfit {
                label: label.into(),
                detail: error.to_string(),
            })
    })
}

/// A process, as far as sagas are concerned.
pub struct Host {
    pub orchestrator: Orchestrator,
    pub hub: Hub,
    runtime: Runtime,
}

impl Host {
    /// Runs something as this host.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        let timed = self
            .runtime
            .block_on(async { tokio::time::timeout(PATIENCE, work).await });
        timed.expect("it does not take half a minute")
    }

    /// Starts a saga.
    pub fn start(&self, definition: &Arc<Definition>) -> SagaId {
        self.start_where(definition, |_| true)
    }

    /// Starts a saga with an id that a test wants.
    pub fn start_where(&self, definition: &Arc<Definition>, wanted: impl Fn(SagaId) -> bool) -> SagaId {
        loop {
            let request = request(definition);
            let id = request.id;
            if self.find(id).is_none() && wanted(id) {
                let launched = self
                    .block_on(self.orchestrator.start(request))
                    .expect("the journal works");
                assert_eq!(launched, Launched::New);
                return id;
            }
        }
    }

    /// Waits until a saga has ended or is stuck, and says how.
    pub fn outcome(&self, saga: SagaId) -> State {
        self.wait_for(saga, |state| state.is_terminal() || state.is_stuck())
    }

    /// Waits until a saga is in such a state.
    pub fn wait_for(&self, saga: SagaId, wanted: impl Fn(State) -> bool) -> State {
        self.block_on(self.reaches(saga, wanted))
    }

    /// Not every change of state tells an event, and a lost reply loses the news of one: so it looks
    /// again at least a hundred times a second.
    pub async fn reaches(&self, saga: SagaId, wanted: impl Fn(State) -> bool) -> State {
        let mut told = self.hub.listen(STREAM);
        loop {
            // A start that was interrupted may not be durable yet.
            let row = self
                .orchestrator
                .journal()
                .load(saga)
                .await
                .expect("the journal is read");
            if let Some(state) = row.map(|row| row.state).filter(|state| wanted(*state)) {
                return state;
            }
            let _ = tokio::time::timeout(Duration::from_millis(10), told.next()).await;
        }
    }

    /// What runs its tasks.
    pub fn runtime(&self) -> tokio::runtime::Handle {
        self.runtime.handle().clone()
    }

    /// Waits until the customer was told this of a saga.
    pub fn until_told(&self, saga: SagaId, event: &str) {
        let mut told = self.hub.listen(STREAM);
        while !self.told(saga).iter().any(|told| told == event) {
            self.block_on(told.next());
        }
    }

    /// A saga's row.
    pub fn row(&self, saga: SagaId) -> SagaRow {
        self.find(saga).expect("the saga is there")
    }

    /// A saga's row, if it was ever started.
    pub fn find(&self, saga: SagaId) -> Option<SagaRow> {
        self.block_on(self.orchestrator.journal().load(saga))
            .expect("the journal is read")
    }

    /// A saga's nonce.
    pub fn nonce(&self, saga: SagaId) -> Nonce {
        self.row(saga).nonce
    }

    /// All events of the stream.
    pub fn events(&self) -> Vec<StoredEvent> {
        let events = self.block_on(self.orchestrator.journal().events_after(STREAM.into(), 0, 10_000));
        events
            .expect("the events are read")
            .into_iter()
            .map(|(event, _)| event)
            .collect()
    }

    /// Changes a saga's row behind everybody's back, as a restored journal would.
    pub fn force(&self, saga: SagaId, change: &'static str) {
        let write = self
            .orchestrator
            .journal()
            .file()
            .writer
            .write(move |journal| journal.execute(change, [saga.0.cast_signed()]));
        assert_eq!(self.block_on(write).expect("the journal works"), 1);
    }

    /// Leaves a step's fence as a component does that ends the transaction under the host. Steps count
    /// from 1 here.
    pub fn break_off(&self, saga: SagaId, step: i64, label: &str) {
        let nonce = self.nonce(saga).0;
        let file = self.orchestrator.database(label).expect("it is open");
        let write = file.writer.write(move |service| {
            service.execute(
                "INSERT INTO skald_fence (saga, step, nonce, outcome, at) VALUES (?, ?, ?, 'pending', 0)",
                (saga.0.cast_signed(), step, nonce),
            )
        });
        assert_eq!(self.block_on(write).expect("the file works"), 1);
    }

    /// Ends as a process that is killed does: its tasks end where they are. What its writers have
    /// queued may still be done, as what a killed process had sent to a database may.
    pub fn kill(self) {
        self.runtime.shutdown_timeout(PATIENCE);
    }

    /// Is killed while a component stands at a gate. The component may go on, as a call that was sent
    /// to a database may; nobody hears of it.
    pub fn kill_at(self, gate: Gate) {
        self.kill();
        drop(gate);
    }

    /// Ends cleanly while a component stands at a gate.
    pub fn stop_at(self, gate: Gate) {
        let orchestrator = self.orchestrator.clone();
        let mut stopping = pin!(orchestrator.stop());
        self.block_on(async {
            // It is told once, and waits for the component.
            tokio::select! {
                biased;
                () = &mut stopping => panic!("a component stands at the gate"),
                () = std::future::ready(()) => {}
            }
        });
        assert!(self.orchestrator.admits().is_err(), "it stops");
        drop(gate);
        self.block_on(stopping);
        self.kill();
    }

    /// Ends as a process that is asked to.
    pub fn stop(self) {
        self.block_on(self.orchestrator.stop());
        self.kill();
    }
}

/// A definition with these steps; step `A@x` uses database `x`. Three attempts each way, pauses of 1 ms.
pub fn definition(steps: &[&str]) -> Definition {
    let retry = Retry {
        attempts: 3,
        initial_ms: 1,
        factor: 1.0,
        max_ms: 1,
        jitter: 0.0,
    };
    let step = |name: &&str| {
        let (name, database) = name.split_once('@').expect("a step is NAME@DATABASE");
        Step {
            name: name.into(),
            component: name.to_lowercase(),
            database: database.into(),
            retry: retry.clone(),
            on_exhausted: Exhausted::Abort,
            deadline_ms: 1000,
            external_effects: false,
            input: Mapping::Whole,
        }
    };
    Definition {
        name: "purchase".into(),
        steps: steps.iter().map(step).collect(),
        deadline_ms: None,
        compensation: retry.clone(),
    }
}

/// A request for a saga.
pub fn request(definition: &Arc<Definition>) -> Request {
    Request {
        id: Orchestrator::new_id(),
        definition: definition.clone(),
        input: r#"{"amount":3}"#.into(),
        principal: Some(r#"{"subject":"7"}"#.into()),
        stream: STREAM.into(),
        key: None,
        response: "{}".into(),
    }
}

/// A retry policy that waits so long, an hour, that only being woken ends the wait.
pub fn patient(attempts: u32) -> Retry {
    Retry {
        attempts,
        initial_ms: 3_600_000,
        factor: 1.0,
        max_ms: 3_600_000,
        jitter: 0.0,
    }
}
