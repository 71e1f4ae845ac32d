//! The engine without HTTP: orchestrator, stores and the shop's real components in this process.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, anyhow, bail};
use skald_host::capability::sql::Dialect;
use skald_host::capability::{Backends, cache, identity, ids};
use skald_host::databases::{self, Files};
use skald_host::invoke::Principal;
use skald_host::registry::{Places, Registry};
use skald_host::steps::Steps;
use skald_manifest::Manifest;
use skald_orchestrator::{Launched, Orchestrator, Request, Settings};
use skald_saga::status::Phase;
use skald_saga::{Definition, Digest, SagaId};
use skald_store::fence::Migration;
use skald_store::journal::{Journal, Listener, StoredEvent};
use skald_store::sqlite::File;
use tokio::sync::oneshot;

use crate::floor::PRODUCTS;
use crate::measure::Client;

/// How many calls an instance serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instances {
    /// One: the default.
    Fresh,
    /// Those of one group commit: the shop's choice.
    Group,
}

/// The engine.
pub struct Engine(Arc<Inner>);

struct Inner {
    orchestrator: Orchestrator,
    definition: Arc<Definition>,
    principal: Arc<str>,
    ends: Arc<Ends>,
}

/// Who waits for which saga's end.
#[derive(Default)]
struct Ends(Mutex<HashMap<SagaId, oneshot::Sender<Phase>>>);

impl Ends {
    fn all(&self) -> MutexGuard<'_, HashMap<SagaId, oneshot::Sender<Phase>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new id that nobody waits for, and where its end comes.
    fn expect_new(&self) -> Option<(SagaId, oneshot::Receiver<Phase>)> {
        let (told, ended) = oneshot::channel();
        let id = Orchestrator::new_id();
        match self.all().entry(id) {
            Entry::Vacant(free) => {
                free.insert(told);
                Some((id, ended))
            }
            Entry::Occupied(_) => None,
        }
    }
}

impl Listener for Ends {
    fn told(&self, _: &Arc<str>, _: Digest, events: &[StoredEvent]) {
        for event in events.iter().filter(|event| event.event.phase != Phase::Running) {
            if let Some(waiting) = self.all().remove(&event.saga) {
                // A client that has gone needs no answer.
                let _ = waiting.send(event.event.phase);
            }
        }
    }
}

impl Engine {
    /// Opens it in a folder of its own.
    pub async fn open(manifest: &Path, components: &Path, data: &Path, instances: Instances) -> Result<Self> {
        std::fs::create_dir_all(data)?;
        let manifest = parse(manifest, instances)?;
        let files = Files::default();
        let registry = Arc::new(load(&manifest, components, data, &files)?);
        let opened = open_databases(&manifest, data, &registry).await?;
        files.open(opened.clone());
        fill_shelves(&opened["product"]).await?;

        let ends = Arc::new(Ends::default());
        let journal = databases::options(&manifest, &manifest.journal.url, "journal", data);
        let journal = Journal::open(&journal, ends.clone())?;
        let orchestrator = Orchestrator::new(journal, opened, Arc::new(Steps(registry)), Settings::default());
        let definition = manifest.sagas["purchase"].definition.clone();
        orchestrator.open([definition.clone()]).await?;
        let principal = Principal {
            subject: "7".into(),
            ..Principal::default()
        };
        let principal = serde_json::to_string(&principal)?.into();
        Ok(Self(Arc::new(Inner {
            orchestrator,
            definition,
            principal,
            ends,
        })))
    }

    /// A client.
    #[expect(clippy::unused_async, reason = "the other subjects' clients have to connect")]
    pub async fn client(&self) -> Result<Buyer> {
        Ok(Buyer {
            engine: self.0.clone(),
            count: 0,
        })
    }
}

/// A client of the engine.
pub struct Buyer {
    engine: Arc<Inner>,
    count: i64,
}

impl Client for Buyer {
    async fn buy(&mut self) -> Result<()> {
        self.count += 1;
        let product = self.count % PRODUCTS + 1;
        let input: Arc<str> = format!(
            r#"{{"customer_id":7,"currency_code":"NT","amount":7,"purchase_items":[{{"product_id":{product},"amount":1,"price":7}}]}}"#
        )
        .into();
        // Ids that are made in the same millisecond may clash; another one is made then.
        loop {
            let Some((id, ended)) = self.engine.ends.expect_new() else {
                continue;
            };
            match self.engine.start(id, input.clone()).await? {
                Launched::New => match ended.await? {
                    Phase::Completed => return Ok(()),
                    other => bail!("a purchase ended {other:?}"),
                },
                Launched::Clash => drop(self.engine.ends.all().remove(&id)),
                Launched::Before(other) => bail!("a purchase was not started: {other:?}"),
            }
        }
    }
}

impl Inner {
    async fn start(&self, id: SagaId, input: Arc<str>) -> Result<Launched> {
        let request = Request {
            id,
            definition: self.definition.clone(),
            input,
            principal: Some(self.principal.clone()),
            stream: "7".into(),
            key: None,
            response: "".into(),
        };
        Ok(self.orchestrator.start(request).await?)
    }
}

/// The shop's manifest with another choice of instances.
fn parse(manifest: &Path, instances: Instances) -> Result<Manifest> {
    let text = std::fs::read_to_string(manifest).with_context(|| format!("failed to read {}", manifest.display()))?;
    let text = match instances {
        Instances::Fresh => text.replace("instances = \"group\"", "instances = \"fresh\""),
        Instances::Group => text,
    };
    skald_manifest::parse(&text).map_err(|faults| anyhow!("{}", faults.in_file("skald.toml")))
}

/// The components and the database of one of them, without an orchestrator.
pub async fn component(
    manifest: &Path,
    components: &Path,
    data: &Path,
    instances: Instances,
    name: &str,
) -> Result<(Arc<Registry>, File)> {
    let manifest = parse(manifest, instances)?;
    let files = Files::default();
    let registry = Arc::new(load(&manifest, components, data, &files)?);
    let mut opened = open_databases(&manifest, data, &registry).await?;
    files.open(opened.clone());
    let file = opened
        .remove(name)
        .with_context(|| format!("there is no database {name}"))?;
    Ok((registry, file))
}

fn load(manifest: &Manifest, components: &Path, data: &Path, files: &Files) -> Result<Registry> {
    let backends = Backends {
        databases: Arc::new(files.clone()),
        cache: cache::Cache::new(1 << 20),
        hasher: Arc::new(identity::Hasher::new(1)),
        ids: Arc::new(ids::Ids::default()),
        handle: tokio::runtime::Handle::current(),
    };
    let places = Places {
        artifacts: components,
        cache: &data.join("cache"),
        data,
    };
    Registry::load(manifest, places, backends).map_err(|faults| anyhow!("{faults:?}"))
}

async fn open_databases(manifest: &Manifest, data: &Path, registry: &Registry) -> Result<HashMap<String, File>> {
    let mut opened = HashMap::new();
    for (label, database) in &manifest.databases {
        let mut migrations = vec![];
        for (name, _) in manifest
            .components
            .iter()
            .filter(|(_, component)| component.databases.contains(label))
        {
            let version = registry.active(name).with_context(|| format!("{name} is not loaded"))?;
            let changes = version
                .migrations(label, Dialect::Sqlite)
                .await?
                .into_iter()
                .map(|change| Migration {
                    version: change.version,
                    name: change.name,
                    statements: change.statements,
                });
            migrations.push((name.clone(), version.digest(), changes.collect()));
        }
        let options = databases::options(manifest, &database.url, label, data);
        opened.insert(label.clone(), databases::open(&options, &migrations)?);
    }
    Ok(opened)
}

async fn fill_shelves(products: &File) -> Result<()> {
    let fill = |connection: &rusqlite::Connection| {
        for product in 1..=PRODUCTS {
            connection.execute(
                "INSERT INTO product (id, name, description, brand_name, price, inventory) VALUES (?, 'thing', '', 'Acme', 7, 1000000000)",
                [product],
            )?;
        }
        Ok(())
    };
    Ok(products.writer.write(fill).await?)
}
