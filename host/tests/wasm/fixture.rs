//! A registry with real databases, and a way to run a step in one of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use skald_host::capability::Backends;
use skald_host::capability::cache::{Cache, Clock};
use skald_host::capability::identity::Hasher;
use skald_host::capability::ids::Ids;
use skald_host::capability::sql::{Access, Databases, Dialect};
use skald_host::invoke::{CallContext, Principal, Version};
use skald_host::registry::{Fault, Places, Registry};
use skald_manifest::{DatabaseUrl, Manifest};
use skald_saga::{Digest, Nonce, SagaId};
use skald_store::fence::{self, Action, Back, Close, GuestAnswer, Key, Outcome, StepSession};
use skald_store::sql::{Error, Session};
use skald_store::sqlite::{File, Options, PlainSession};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// The components that xtask has built.
pub fn artifacts() -> PathBuf {
    std::env::var_os("SKALD_COMPONENTS")
        .map(PathBuf::from)
        .expect("SKALD_COMPONENTS is not set: run `cargo xtask test`, which builds the components and sets it")
}

/// What the hostile component is given.
pub const HOSTILE: &str = r#"
    manifest = 1
    name = "test"

    [journal]
    url = "sqlite:journal.db"

    [databases.hostile]
    url = "sqlite:hostile.db"

    [databases.other]
    url = "sqlite:other.db"

    [components.hostile]
    artifact = "hostile.wasm"
    databases = ["hostile", "other"]
    http = ["127.0.0.1:9"]
    calls = { "test:hostile/link" = "twin" }
    instances = "group"
    limits = { memory = "16MiB", deadline = "500ms", output = "64KiB", rows = 1000, log-bytes-per-call = "1KiB" }

    [components.twin]
    artifact = "hostile.wasm"
    databases = ["hostile"]
    http = ["127.0.0.1:9"]
    calls = { "test:hostile/link" = "hostile" }
"#;

/// The files behind the labels.
struct Files(BTreeMap<String, File>);

impl Databases for Files {
    fn dialect(&self, _: &str) -> Dialect {
        Dialect::Sqlite
    }

    fn open(&self, label: &str, access: Access) -> Result<Box<dyn Session>, Error> {
        let file = self.0.get(label).ok_or_else(|| Error::Unreachable(label.to_owned()))?;
        Ok(Box::new(PlainSession::new(
            file.clone(),
            access.read_only,
            access.deadline,
        )))
    }
}

/// Components that are loaded, and their databases.
pub struct Host {
    pub registry: Arc<Registry>,
    pub cache: Arc<Cache>,
    pub clock: Clock,
    files: Arc<Files>,
    _data: TempDir,
}

/// Loads what the manifest says, with new databases.
pub fn load(manifest: &str) -> Result<Host, Vec<Fault>> {
    let data = TempDir::new().expect("a folder");
    // Compiled code is shared by all: compiling is what takes long.
    let compiled = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    std::fs::create_dir_all(&compiled).expect("a folder for compiled code");
    std::os::unix::fs::symlink(compiled, data.path().join("cache")).expect("a link");
    load_from(manifest, &artifacts(), data)
}

/// The same with artifacts of another folder.
pub fn load_from(manifest: &str, artifacts: &Path, data: TempDir) -> Result<Host, Vec<Fault>> {
    let manifest = skald_manifest::parse(manifest).expect("a good manifest");
    let files = Arc::new(Files(open(&manifest, data.path())));
    let clock = Clock::default();
    let cache = Cache::with(1 << 20, &manifest.filters, clock.clone());
    let backends = Backends {
        databases: files.clone(),
        cache: cache.clone(),
        hasher: Arc::new(Hasher::new(1)),
        ids: Arc::new(Ids::default()),
        handle: Handle::current(),
    };
    let places = Places {
        artifacts,
        cache: &data.path().join("cache"),
        data: data.path(),
    };
    Registry::load(&manifest, places, backends).map(|registry| Host {
        registry: Arc::new(registry),
        cache,
        clock,
        files,
        _data: data,
    })
}

fn open(manifest: &Manifest, data: &Path) -> BTreeMap<String, File> {
    let file = |(label, database): (&String, &skald_manifest::Database)| {
        let DatabaseUrl::Sqlite(path) = &database.url;
        let options = Options::new(data.join(path), label);
        let file = File::open(&options, |connection| fence::prepare(connection, label)).expect("opened");
        (label.clone(), file)
    };
    manifest.databases.iter().map(file).collect()
}

impl Host {
    pub fn version(&self, component: &str) -> Arc<Version> {
        self.registry.active(component).expect("it is loaded")
    }

    pub fn file(&self, label: &str) -> &File {
        &self.files.0[label]
    }

    /// Runs the component's migrations in its database.
    pub async fn migrate(&self, component: &str, label: &str) {
        let migrations = self
            .version(component)
            .migrations(label, Dialect::Sqlite)
            .await
            .expect("an answer");
        for statement in migrations.into_iter().flat_map(|migration| migration.statements) {
            let run = move |connection: &rusqlite::Connection| connection.execute_batch(&statement);
            self.file(label).writer.write(run).await.expect("a good statement");
        }
    }

    /// Queues a step, and says where its outcome comes.
    pub fn queue(&self, call: Call) -> oneshot::Receiver<fence::Reply> {
        let writer = &self.file(&call.context.database).writer;
        let (action, outcome) = Action::new(key(call.context.saga_id), None, Box::new(call));
        writer.submit(Box::new(action)).expect("room in the queue");
        outcome
    }

    /// Runs a step to its recorded outcome.
    pub async fn step(&self, call: Call) -> Outcome {
        self.queue(call).await.expect("an outcome").outcome
    }

    /// Runs a compensation to its recorded outcome.
    pub async fn compensate(&self, call: Call) -> Outcome {
        let writer = &self.file(&call.context.database).writer;
        let (back, outcome) = Back::new(key(call.context.saga_id), Close::AndCompensate, false, Box::new(call));
        writer.submit(Box::new(back)).expect("room in the queue");
        outcome.await.expect("an outcome").outcome
    }

    /// A step of the hostile component.
    pub fn hostile(&self, saga_id: u64, mode: &str, n: u32) -> Call {
        Call::new(
            self.version("hostile"),
            saga_id,
            "hostile",
            format!(r#"{{"mode":"{mode}","n":{n}}}"#),
        )
    }

    /// One number that a query finds.
    pub async fn number(&self, label: &str, query: &'static str) -> i64 {
        let found = self
            .file(label)
            .readers
            .read(|connection| connection.query_row(query, [], |row| row.get(0)));
        found.await.expect("a number")
    }
}

fn key(saga_id: u64) -> Key {
    Key {
        saga: SagaId(saga_id),
        step: 1,
        nonce: Nonce([7; 16]),
    }
}

/// A step to be run.
pub struct Call {
    version: Arc<Version>,
    pub context: CallContext,
    input: String,
}

impl Call {
    pub fn new(version: Arc<Version>, saga_id: u64, database: &str, input: String) -> Self {
        let principal = Principal {
            subject: "7".into(),
            ..Principal::default()
        };
        let context = CallContext {
            saga_id,
            saga: "purchase".into(),
            step: "STEP".into(),
            database: database.into(),
            attempt: 1,
            deadline_ms: 500,
            principal: Some(Arc::new(principal)),
        };
        Self {
            version,
            context,
            input,
        }
    }
}

impl fence::Guest for Call {
    fn step(&mut self, session: StepSession) -> (StepSession, GuestAnswer, Digest) {
        let (session, answer) = self.version.step(session, &self.context, &self.input);
        (session, answer, self.version.digest())
    }

    fn compensate(
        &mut self,
        session: StepSession,
        _: Option<Digest>,
        output: Option<&str>,
    ) -> (StepSession, GuestAnswer) {
        self.version.compensate(session, &self.context, &self.input, output)
    }
}

/// Waits for something that must not take long.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what)
        .await
        .expect("it must not take long")
}
