//! Builds components and host, unless nothing changed since the last time.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use super::fingerprint::{self, Stamp};
use crate::guests;
use crate::tools;
use crate::workspace::{Workspace, run_shown, shown};

/// Makes sure that the host and the shop's components are built from the present sources; returns the host's program.
pub fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    let program = workspace.target().join("release").join("skald");
    let mut commands = [
        ("components", guests::build(workspace, guests::shop())),
        ("host", build_host(workspace)),
    ];

    let texts: Vec<_> = commands.iter().map(|(_, command)| shown(command)).collect();
    let inputs = fingerprint::of_build(workspace.root(), &tools::toolchain()?, &texts)?;
    let kept = workspace.scratch().join("up.json");
    if Stamp::read(&kept).is_some_and(|stamp| stamp.holds(&inputs)) {
        return Ok(program);
    }

    tools::ensure_guest_target()?;
    let count = commands.len();
    for (at, (what, command)) in commands.iter_mut().enumerate() {
        println!(
            "building the {what} ({} of {count}); the first time this takes minutes",
            at + 1
        );
        if !run_shown(command)? {
            bail!("the {what} didn't build; the lines above say why");
        }
    }
    guests::stage(workspace, guests::shop())?;

    let mut outputs: Vec<_> = guests::shop()
        .map(|guest| workspace.components().join(guest.file))
        .collect();
    outputs.push(program.clone());
    Stamp::of(inputs, &outputs)?.write(&kept)?;
    Ok(program)
}

fn build_host(workspace: &Workspace) -> Command {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--release", "-p", "skald-host"]);
    cargo
}
