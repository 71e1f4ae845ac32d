//! The composition root: it opens everything in order, serves, and ends everything in order. Nothing
//! else sees all the parts.

mod data;
mod ready;
mod unstartable;

pub use unstartable::Unstartable;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use skald_manifest::Manifest;
use skald_orchestrator::stream::Hub;
use skald_orchestrator::{Orchestrator, Settings};
use skald_store::journal::Journal;
use skald_store::sqlite::File;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::admin::{Guard, Keeper};
use crate::bus::{self, Subscribers};
use crate::capability::secret::{self, Secret};
use crate::capability::sql::{Databases as _, Dialect};
use crate::capability::{Backends, cache, identity, ids};
use crate::databases::{self, Files};
use crate::filling;
use crate::http::{App, Connections};
use crate::metrics::Metrics;
use crate::registry::{Places, Registry};
use crate::steps::Steps;
use ready::Addresses;

/// How much memory the cache in this process may take, in bytes.
const CACHE_BYTES: u64 = 32 << 20;

/// What the operator asked for on the command line.
#[derive(Clone, Debug)]
pub struct Options {
    /// The manifest.
    pub manifest: PathBuf,
    /// The folder of artifacts.
    pub components: PathBuf,
    /// The data folder.
    pub data: PathBuf,
    /// Where the public API listens.
    pub listen: SocketAddr,
    /// Where the admin API listens.
    pub admin_listen: SocketAddr,
    /// Where to write the addresses once the host serves; `-` is standard output.
    pub ready_file: Option<PathBuf>,
    /// The data folder was restored from a backup.
    pub restored: bool,
}

/// Reads and checks a manifest.
pub fn read_manifest(path: &Path) -> Result<Manifest, Unstartable> {
    let text = std::fs::read_to_string(path).map_err(|source| Unstartable::NoManifest {
        path: path.to_owned(),
        source,
    })?;
    skald_manifest::parse(&text).map_err(|faults| Unstartable::Manifest {
        path: path.display().to_string(),
        faults,
    })
}

/// Runs the host until `stop`, and ends it cleanly.
pub async fn run(options: Options, stop: CancellationToken) -> Result<(), Unstartable> {
    let manifest = Arc::new(read_manifest(&options.manifest)?);
    // The addresses first: a second host on the same ports must not touch the data.
    let listener = listen(options.listen, "--listen").await?;
    let admin_listener = listen(options.admin_listen, "--admin-listen").await?;
    let guard = Guard::new(options.admin_listen, manifest.admin.token.as_ref(), &options.data)?;
    let _lock = data::lock(&options.data)?;
    data::refuse_backup(&options)?;

    let files = Files::default();
    let cache = cache::Cache::with(CACHE_BYTES, &manifest.filters, cache::Clock::default());
    let registry = Arc::new(load(&manifest, &options, &files, cache.clone())?);
    let opened = open_databases(&manifest, &options.data, &registry, &files).await?;
    filling::check(&manifest, &opened).await?;
    files.open(opened.clone());
    let metrics = Metrics::default();
    let hub = Hub::default();
    let journal_options = databases::options(&manifest, &manifest.journal.url, "journal", &options.data);
    let journal = Journal::open(&journal_options, Arc::new(hub.clone()))?;
    if options.restored {
        data::put_into_service(&journal, &options.data).await?;
    }
    let steps = Arc::new(Steps(registry.clone()));
    let orchestrator =
        Orchestrator::new(journal, opened.clone(), steps, settings(&manifest)).observed_by(Arc::new(metrics.clone()));
    let definitions = manifest.sagas.values().map(|saga| saga.definition.clone());
    orchestrator.open(definitions).await.map_err(Unstartable::Journal)?;

    let app = App {
        manifest: manifest.clone(),
        registry: registry.clone(),
        cache: cache.clone(),
        orchestrator: orchestrator.clone(),
        operator: operator(&manifest, &options.data)?,
        hub,
        stop: stop.clone(),
    };
    let public = metrics.around(crate::http::router(&app)?);
    let addresses = Addresses::of(&listener, &admin_listener);
    let connections = Connections {
        max_headers: manifest.server.max_headers,
        header_timeout: manifest.server.header_timeout,
        drain: manifest.server.drain,
    };
    let public = tokio::spawn(crate::http::serve(listener, public, connections, stop.clone()));
    // Operators and probes are answered until everything else has ended.
    let admin_stop = CancellationToken::new();
    let admin = crate::admin::router(app, guard, metrics, Keeper::new(&options.data));
    let admin = tokio::spawn(crate::http::serve(
        admin_listener,
        admin,
        connections,
        admin_stop.clone(),
    ));
    let mut background = vec![filling::start(&manifest, &opened, &cache, &stop)];
    background.extend(deliver_events(&manifest, opened, &registry, &stop));
    addresses.announce(options.ready_file.as_deref())?;

    stop.cancelled().await;
    tracing::info!("stopping: requests that run may end");
    // A task that panicked has said so already; the rest is ended all the same.
    let _ = public.await;
    orchestrator.stop().await;
    for task in background {
        let _ = task.await;
    }
    admin_stop.cancel();
    let _ = admin.await;
    Ok(())
}

/// The operator's token, where the manifest has one: some routes of the public API ask for it.
fn operator(manifest: &Manifest, data: &Path) -> Result<Option<Arc<Secret>>, Unstartable> {
    let token = manifest
        .admin
        .token
        .as_ref()
        .map(|token| secret::read(token, data))
        .transpose();
    Ok(token.map_err(crate::admin::Unguarded::Token)?.map(Arc::new))
}

async fn listen(address: SocketAddr, option: &'static str) -> Result<TcpListener, Unstartable> {
    TcpListener::bind(address).await.map_err(|source| Unstartable::Address {
        address,
        option,
        source,
    })
}

fn load(
    manifest: &Manifest,
    options: &Options,
    files: &Files,
    cache: Arc<cache::Cache>,
) -> Result<Registry, Unstartable> {
    let backends = Backends {
        databases: Arc::new(files.clone()),
        cache,
        hasher: Arc::new(identity::Hasher::new(manifest.server.hash_parallelism)),
        ids: Arc::new(ids::Ids::default()),
        handle: tokio::runtime::Handle::current(),
    };
    let places = Places {
        artifacts: &options.components,
        cache: &options.data.join("cache"),
        data: &options.data,
    };
    Registry::load(manifest, places, backends).map_err(Unstartable::Components)
}

/// Opens every database with the tables of the components that own some there.
async fn open_databases(
    manifest: &Manifest,
    data: &Path,
    registry: &Registry,
    files: &Files,
) -> Result<HashMap<String, File>, Unstartable> {
    let mut opened = HashMap::new();
    for (label, database) in &manifest.databases {
        let mut migrations = vec![];
        for (name, component) in &manifest.components {
            if component.databases.contains(label) {
                migrations.push(migrations_of(registry, name, label, files.dialect(label)).await?);
            }
        }
        let options = databases::options(manifest, &database.url, label, data);
        opened.insert(label.clone(), databases::open(&options, &migrations)?);
    }
    Ok(opened)
}

type Migrations = (String, skald_saga::Digest, Vec<skald_store::fence::Migration>);

async fn migrations_of(
    registry: &Registry,
    component: &str,
    label: &str,
    dialect: Dialect,
) -> Result<Migrations, Unstartable> {
    let failed = |detail: String| Unstartable::Migrations {
        component: component.into(),
        detail,
    };
    let version = registry
        .active(component)
        .ok_or_else(|| failed("it is not loaded".into()))?;
    let migrations = version
        .migrations(label, dialect)
        .await
        .map_err(|error| failed(error.to_string()))?;
    let migrations = migrations.into_iter().map(|migration| skald_store::fence::Migration {
        version: migration.version,
        name: migration.name,
        statements: migration.statements,
    });
    Ok((component.to_owned(), version.digest(), migrations.collect()))
}

fn settings(manifest: &Manifest) -> Settings {
    Settings {
        most_running: manifest.server.max_inflight_sagas,
        parallel_recovery: manifest.orchestrator.parallel_recovery,
        sweep: manifest.orchestrator.sweep,
        retention: manifest.journal.retention,
        key_window: manifest.journal.key_window,
    }
}

fn deliver_events(
    manifest: &Manifest,
    files: HashMap<String, File>,
    registry: &Arc<Registry>,
    stop: &CancellationToken,
) -> Vec<tokio::task::JoinHandle<()>> {
    let mut subscribers = Subscribers::new();
    for (name, component) in &manifest.components {
        for topic in &component.handles {
            subscribers.entry(topic.clone()).or_default().push(name.clone());
        }
    }
    let subscribers = Arc::new(subscribers);
    files
        .into_values()
        .map(|file| tokio::spawn(bus::deliver(file, registry.clone(), subscribers.clone(), stop.clone())))
        .collect()
}
