//! `cargo xtask bench`: how fast it is. What is measured is in `bench`; this file builds it all and
//! starts it.

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::guests;
use crate::tools;
use crate::workspace::{Workspace, run_shown};

/// What `cargo xtask bench` can be told.
#[derive(clap::Args)]
pub struct Args {
    /// Store a million sagas to see whether the last costs what the first did, instead of 100,000
    #[arg(long)]
    full: bool,

    /// Leave out what is measured once: growth
    #[arg(long)]
    quick: bool,

    /// How often each measurement is repeated; the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// Builds everything, prints the table and writes the JSON.
pub fn run(args: &Args) -> Result<ExitCode> {
    let workspace = Workspace::locate()?;
    tools::ensure_guest_target()?;
    let mut programs = workspace.cargo();
    programs.args(["build", "--release", "-p", "skald-host", "-p", "skald-bench"]);
    for build in [&mut guests::build(&workspace, guests::shop()), &mut programs] {
        if !run_shown(build)? {
            bail!("something didn't build; the lines above say why");
        }
    }
    guests::stage(&workspace, guests::shop())?;

    let results = workspace.root().join("bench").join("results");
    fs::create_dir_all(&results).with_context(|| format!("failed to create {}", results.display()))?;
    let release = workspace.target().join("release");
    let mut bench = Command::new(release.join("skald-bench"));
    bench.arg("--skald").arg(release.join("skald"));
    bench.arg("--manifest").arg(workspace.root().join("skald.toml"));
    bench.arg("--components").arg(workspace.components());
    bench.arg("--rounds").arg(args.rounds.to_string());
    bench.arg("--json").arg(results.join("latest.json"));
    bench.args(args.full.then_some("--full"));
    bench.args(args.quick.then_some("--quick"));
    let measured = run_shown(&mut bench)?;
    Ok(if measured { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
