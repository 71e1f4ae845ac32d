//! The project's own commands: `cargo xtask up`, `test`, `chaos` and `bench`.
//!
//! This file only tells the commands apart; each is a module of its own. They share [`workspace`] (folders, and how
//! cargo is called), [`guests`] (which components there are), [`languages`] (those that are not in Rust), [`tools`]
//! (what has to be installed) and [`fault`] (what is the environment's fault and not the project's). No command imports
//! another.

mod bench;
mod chaos;
mod fault;
mod guests;
mod languages;
mod test;
mod tools;
mod up;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Skald's development commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the shop and start it on this machine, with nothing else installed
    Up(up::Args),
    /// Check everything: format, lints, dependencies, components, tests, documentation
    Test(test::Args),
    /// Kill the optimised host under load, 200 times, and check that nothing is lost or doubled
    Chaos(chaos::Args),
    /// Measure the host beside the same purchase written by hand
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Up(args) => up::run(args),
        Command::Test(args) => test::run(&args),
        Command::Chaos(args) => chaos::run(&args),
        Command::Bench(args) => bench::run(&args),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        fault::exit_code(&error)
    })
}
