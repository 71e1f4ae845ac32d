//! `cargo xtask chaos`: the optimised host, killed under load. What is done and checked is in
//! `bench/driver`; this file builds it all and starts it.

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::guests;
use crate::tools;
use crate::workspace::{Workspace, run_shown};

/// What `cargo xtask chaos` can be told.
#[derive(clap::Args)]
pub struct Args {
    /// How often the host is killed
    #[arg(long, default_value_t = 200)]
    rounds: usize,

    /// Repeat the random choices of an earlier run
    #[arg(long)]
    seed: Option<u64>,
}

/// Builds everything, and plays the rounds.
pub fn run(args: &Args) -> Result<ExitCode> {
    let workspace = Workspace::locate()?;
    tools::ensure_guest_target()?;
    let mut programs = workspace.cargo();
    programs.args(["build", "--release", "-p", "skald-host", "-p", "skald-driver"]);
    for build in [&mut guests::build(&workspace, guests::shop()), &mut programs] {
        if !run_shown(build)? {
            bail!("something didn't build; the lines above say why");
        }
    }
    guests::stage(&workspace, guests::shop())?;

    let release = workspace.target().join("release");
    let mut chaos = Command::new(release.join("skald-chaos"));
    chaos.arg("--skald").arg(release.join("skald"));
    chaos.arg("--manifest").arg(workspace.root().join("skald.toml"));
    chaos.arg("--components").arg(workspace.components());
    chaos.arg("--rounds").arg(args.rounds.to_string());
    if let Some(seed) = args.seed {
        chaos.arg("--seed").arg(seed.to_string());
    }
    let passed = run_shown(&mut chaos)?;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
