//! The parts of `cargo xtask test`, as data: the table below is their order and their documentation.
//!
//! Every call for this machine is over the whole workspace (guests too: their unit tests run natively), which makes
//! cargo resolve the same features each time and build a dependency once: as a library for the tests, and as metadata,
//! which lints and documentation share.

use std::process::Command;

use anyhow::Result;

use super::Context;
use super::summary::Verdict;
use crate::guests::{self, GUESTS};
use crate::languages::LANGUAGES;
use crate::tools::{self, CARGO_COMPONENT, CARGO_DENY};
use crate::workspace::run_shown;

/// One check.
pub struct Part {
    /// The name that `--only` takes.
    pub name: &'static str,
    /// What it checks, in a few words.
    pub about: &'static str,
    /// Parts without which it means nothing; they stand before it in the table.
    pub needs: &'static [&'static str],
    /// Does it. An error counts as a failure, or as "unable" if it is the environment's fault.
    pub run: fn(&Context) -> Result<Verdict>,
}

/// Every part, in the order in which they run: what is quick and often wrong comes first.
pub const PARTS: &[Part] = &[
    Part {
        name: "format",
        about: "sources are formatted as rustfmt does it",
        needs: &[],
        run: format,
    },
    Part {
        name: "dependencies",
        about: "licences, sources and versions are as deny.toml allows",
        needs: &[],
        run: dependencies,
    },
    Part {
        name: "advisories",
        about: "no dependency has a known vulnerability",
        needs: &[],
        run: advisories,
    },
    Part {
        name: "guests",
        about: "the components build with plain cargo",
        needs: &[],
        run: build_guests,
    },
    Part {
        name: "lints",
        about: "clippy finds nothing in host, tools and components",
        needs: &[],
        run: lints,
    },
    Part {
        name: "component",
        about: "the components build with cargo component too",
        needs: &[],
        run: cargo_component,
    },
    Part {
        name: "tests",
        about: "every test passes",
        needs: &["guests"],
        run: tests,
    },
    Part {
        name: "browser",
        about: "the page to try the API works in a real browser",
        needs: &["guests"],
        run: browser,
    },
    Part {
        name: "languages",
        about: "a step in JavaScript and in Python works in the host",
        needs: &["guests"],
        run: languages,
    },
    Part {
        name: "docs",
        about: "the documentation has no gaps and no broken links",
        needs: &[],
        run: docs,
    },
];

/// What makes clippy's warnings errors without touching how dependencies are compiled, as `RUSTFLAGS` would.
const DENY_WARNINGS: &[&str] = &["--", "-D", "warnings"];

fn format(context: &Context) -> Result<Verdict> {
    tools::ensure_component(&context.workspace, "rustfmt", "fmt")?;
    let mut cargo = context.workspace.cargo();
    cargo.args(["fmt", "--all", "--check"]);
    check([cargo])
}

fn dependencies(context: &Context) -> Result<Verdict> {
    CARGO_DENY.ensure(&context.workspace)?;
    let mut cargo = context.workspace.cargo();
    cargo.args(["deny", "--locked", "check", "licenses", "bans", "sources"]);
    check([cargo])
}

fn advisories(context: &Context) -> Result<Verdict> {
    if !context.all {
        return Ok(Verdict::Skipped("needs the network; --all includes it".to_owned()));
    }
    CARGO_DENY.ensure(&context.workspace)?;
    // Apart from the check, so that an unreachable database isn't taken for a vulnerable dependency.
    if !run_shown(context.workspace.cargo().args(["deny", "fetch", "db"]))? {
        return Ok(Verdict::Skipped("the advisory database can't be fetched".to_owned()));
    }
    let mut cargo = context.workspace.cargo();
    cargo.args(["deny", "--locked", "check", "advisories"]);
    check([cargo])
}

fn build_guests(context: &Context) -> Result<Verdict> {
    tools::ensure_guest_target()?;
    let verdict = check([guests::build(&context.workspace, GUESTS.iter())])?;
    if matches!(verdict, Verdict::Passed) {
        guests::stage(&context.workspace, GUESTS.iter())?;
    }
    Ok(verdict)
}

fn lints(context: &Context) -> Result<Verdict> {
    tools::ensure_component(&context.workspace, "clippy", "clippy")?;
    tools::ensure_guest_target()?;
    let mut native = context.workspace.cargo();
    native.args(["clippy", "--workspace", "--all-targets", "--keep-going"]);
    native.args(DENY_WARNINGS);
    let mut wasm = context.workspace.cargo();
    wasm.args(["clippy", "--keep-going", "--target", guests::TARGET]);
    wasm.args(guests::packages(GUESTS.iter()));
    wasm.args(DENY_WARNINGS);
    check([native, wasm])
}

fn cargo_component(context: &Context) -> Result<Verdict> {
    if context.all {
        CARGO_COMPONENT.ensure(&context.workspace)?;
    } else if !CARGO_COMPONENT.is_installed(&context.workspace) {
        return Ok(Verdict::Skipped(
            "cargo-component isn't installed; --all installs it".to_owned(),
        ));
    }
    let mut cargo = context.workspace.cargo();
    cargo.args(["component", "build", "--profile", guests::PROFILE]);
    cargo.args(guests::packages(GUESTS.iter()));
    let verdict = check([cargo])?;
    if matches!(verdict, Verdict::Passed) {
        // When it fails late it leaves a core module at the component's place, and need not say so.
        let folder = guests::output_folder(&context.workspace, "wasm32-wasip1");
        for guest in GUESTS {
            guests::read_component(&folder, guest)?;
        }
    }
    Ok(verdict)
}

fn tests(context: &Context) -> Result<Verdict> {
    let mut cargo = context.workspace.cargo();
    cargo
        .args(["test", "--workspace", "--no-fail-fast"])
        .env("SKALD_COMPONENTS", context.workspace.components());
    // Fault points are compiled in for these alone: nothing else is tested with them in.
    let mut faults = context.workspace.cargo();
    faults.args([
        "test",
        "--package",
        "skald-orchestrator",
        "--features",
        "faults",
        "--test",
        "faults",
    ]);
    check([cargo, faults])
}

fn browser(context: &Context) -> Result<Verdict> {
    if context.all {
        tools::ensure_browser()?;
    }
    let Some(browser) = tools::browser() else {
        return Ok(Verdict::Skipped(
            "chromium isn't installed; --all installs it".to_owned(),
        ));
    };
    let mut cargo = context.workspace.cargo();
    cargo
        .args([
            "test",
            "--workspace",
            "--test",
            "contract",
            "--",
            "--ignored",
            "browser",
        ])
        .env("SKALD_COMPONENTS", context.workspace.components())
        .env("SKALD_BROWSER", browser);
    check([cargo])
}

fn languages(context: &Context) -> Result<Verdict> {
    for language in LANGUAGES {
        if context.all {
            language.ensure(&context.workspace)?;
        } else if !language.is_installed(&context.workspace) {
            return Ok(Verdict::Skipped(format!(
                "the tool for {} isn't installed; --all installs it",
                language.name
            )));
        }
    }
    let mut tests = context.workspace.cargo();
    tests
        .args(["test", "--workspace", "--test", "wasm", "--", "--ignored", "languages"])
        .env("SKALD_COMPONENTS", context.workspace.components());
    let builds = LANGUAGES.iter().map(|language| language.build(&context.workspace));
    check(builds.chain([tests]))
}

fn docs(context: &Context) -> Result<Verdict> {
    let mut cargo = context.workspace.cargo();
    cargo
        .args(["doc", "--workspace", "--no-deps", "--keep-going"])
        .env("RUSTDOCFLAGS", "-D warnings");
    check([cargo])
}

/// Runs the commands, all of them even if one fails.
fn check(commands: impl IntoIterator<Item = Command>) -> Result<Verdict> {
    let mut passed = true;
    for mut command in commands {
        passed &= run_shown(&mut command)?;
    }
    Ok(if passed { Verdict::Passed } else { Verdict::Failed })
}
