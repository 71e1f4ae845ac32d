//! `skald-chaos`: kills the host under load, many times, and checks the books.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use skald_driver::chaos::{self, Plan, recovery};
use skald_driver::process::Program;

/// Kills the host under load, many times, and checks the books.
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
    /// How often the host is killed.
    #[arg(long, default_value_t = 200)]
    rounds: usize,
    /// Customers, each with a stream of results.
    #[arg(long, default_value_t = 8)]
    customers: usize,
    /// Purchases under way at the same time.
    #[arg(long, default_value_t = 64)]
    buyers: usize,
    /// The longest time under load before a kill, in milliseconds.
    #[arg(long, default_value_t = 300)]
    round_ms: u64,
    /// The fewest completed purchases that prove something.
    #[arg(long, default_value_t = 1000)]
    least: usize,
    /// Where the random choices come from; by default the clock.
    #[arg(long)]
    seed: Option<u64>,
}

/// How many sagas are open when the host is killed to see how long they take to end.
const OPEN: usize = 64;
/// The last of them has ended this long after the start's command.
const RECOVERED: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let recovered = time_recovery(&options).await?;
    let agreed = kill_and_check(&options).await?;
    Ok(if recovered && agreed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// After so many rounds it is told how far it is.
const TOLD_EVERY: usize = 10;

async fn time_recovery(options: &Options) -> Result<bool> {
    let data = tempfile::tempdir().context("failed to make a data folder")?;
    let took = recovery::run(&program(options, data.path()), OPEN).await?;
    let (took_ms, bound_ms) = (took.as_millis(), RECOVERED.as_millis());
    println!("the last of {OPEN} open sagas ended {took_ms} ms after the start's command; it has {bound_ms} ms");
    Ok(took <= RECOVERED)
}

async fn kill_and_check(options: &Options) -> Result<bool> {
    let data = tempfile::tempdir().context("failed to make a data folder")?;
    let seed = match options.seed {
        Some(seed) => seed,
        None => std::time::UNIX_EPOCH
            .elapsed()
            .context("the clock stands before 1970")?
            .as_secs(),
    };
    let plan = Plan {
        rounds: options.rounds,
        customers: options.customers,
        buyers: options.buyers,
        round: Duration::from_millis(options.round_ms),
        seed,
        least_completed: options.least,
    };
    println!("{} rounds, {} buyers, seed {seed}", plan.rounds, plan.buyers);
    let over = |round: usize| {
        if round.is_multiple_of(TOLD_EVERY) {
            eprintln!("{round} of {} rounds", plan.rounds);
        }
    };
    let report = chaos::run(&program(options, data.path()), &plan, over).await?;
    println!("{report}");
    if !report.faults.is_empty() {
        println!("the data and the host's log are kept in {}", data.keep().display());
        return Ok(false);
    }
    Ok(true)
}

fn program(options: &Options, data: &Path) -> Program {
    Program {
        skald: options.skald.clone(),
        manifest: options.manifest.clone(),
        components: options.components.clone(),
        data: data.to_owned(),
        log: "warn".into(),
    }
}
