//! `skald-bench`: the same purchase by hand, through the engine, and through the whole host, side by
//! side in one run. Ratios within a run mean something; figures of different runs do not.
//!
//! | file | what is measured |
//! |---|---|
//! | `floor` | the purchase written by hand: what the disk and SQLite allow |
//! | `engine` | orchestrator and components in this process, without HTTP |
//! | `dispatch`, `raw` | one call of a component alone, beside the same by wasmtime's own interface |
//! | `api` | the real program, from `POST /api/purchase` to the last event |
//! | `growth` | whether a saga costs the same however many are stored |
//! | `measure`, `report` | closed loops, medians, the table and the JSON |

mod api;
mod dispatch;
mod engine;
mod floor;
mod growth;
mod measure;
mod raw;
mod report;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;

use api::Api;
use engine::Engine;
use floor::Floor;
use measure::{Sample, measure};
use report::{Extra, Report};

/// The same as the host's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the host beside the same purchase written by hand.
#[derive(Parser)]
#[command(version, about)]
struct Options {
    /// The `skald` binary.
    #[arg(long)]
    skald: PathBuf,
    /// The manifest.
    #[arg(long)]
    manifest: PathBuf,
    /// The folder of artifacts.
    #[arg(long)]
    components: PathBuf,
    /// How long each measurement takes, in milliseconds.
    #[arg(long, default_value_t = 2000)]
    ms: u64,
    /// How often each is repeated; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many purchases are under way at the same time.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64,256")]
    clients: Vec<usize>,
    /// Measure only these: floor, fenced, fresh, group, api.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Store a million sagas to see whether the last cost what the first did, instead of 100,000.
    #[arg(long)]
    full: bool,
    /// Leave out what is measured once: dispatch and growth.
    #[arg(long)]
    quick: bool,
    /// Where the JSON goes.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What is measured side by side.
enum Subject {
    Floor(Floor),
    Engine(Engine),
    Api(Box<Api>),
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let data = tempfile::tempdir().context("failed to make a data folder")?;
    let mut report = Report::new();
    let mut subjects = open(&options, data.path()).await?;
    for round in 0..options.rounds {
        for clients in &options.clients {
            for (name, subject) in &mut subjects {
                let sample = run(subject, *clients, Duration::from_millis(options.ms)).await?;
                eprintln!("round {} {name} c={clients}: {sample}", round + 1);
                report.add(name, *clients, sample);
            }
        }
    }
    for (name, subject) in subjects {
        if let Subject::Api(api) = subject {
            report.note(
                api.close()
                    .await
                    .with_context(|| format!("failed to close the books of {name}"))?,
            );
        }
    }
    if !options.quick {
        report.note(dispatch::measure(&options.manifest, &options.components, data.path()).await?);
        let stored = if options.full { 1_000_000 } else { 100_000 };
        report.note(growth::measure(&options.manifest, &options.components, data.path(), stored).await?);
    }
    print!("{report}");
    if let Some(path) = options.json {
        std::fs::write(&path, report.json()?).with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

/// Opens what was asked for, in the order of the table.
async fn open(options: &Options, data: &std::path::Path) -> Result<Vec<(&'static str, Subject)>> {
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    let mut subjects = vec![];
    for (name, fenced) in [("floor", false), ("fenced", true)] {
        if wanted(name) {
            subjects.push((name, Subject::Floor(Floor::open(&data.join(name), fenced)?)));
        }
    }
    for (name, instances) in [("fresh", engine::Instances::Fresh), ("group", engine::Instances::Group)] {
        if wanted(name) {
            let engine = Engine::open(&options.manifest, &options.components, &data.join(name), instances).await?;
            subjects.push((name, Subject::Engine(engine)));
        }
    }
    if wanted("api") {
        let most = options.clients.iter().copied().max().unwrap_or(1);
        let api = Api::open(
            &options.skald,
            &options.manifest,
            &options.components,
            &data.join("api"),
            most,
        )
        .await?;
        subjects.push(("api", Subject::Api(Box::new(api))));
    }
    Ok(subjects)
}

async fn run(subject: &Subject, clients: usize, time: Duration) -> Result<Sample> {
    match subject {
        Subject::Floor(floor) => measure(clients, time, |_| floor.client()).await,
        Subject::Engine(engine) => measure(clients, time, |_| engine.client()).await,
        Subject::Api(api) => measure(clients, time, |number| api.client(number)).await,
    }
}

/// What was measured once, as a row of text.
fn extra(name: &str, value: String) -> Extra {
    Extra {
        name: name.to_owned(),
        value,
    }
}
