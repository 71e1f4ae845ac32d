//! The program's commands. `run` and `check` work on this machine's files; the others ask a running
//! host, by its admin API.
//!
//! Exit codes, for scripts: 0 it is done, 1 the host refuses it or something disagrees, 2 it can't be
//! asked (wrong usage, unusable files, nobody answers).

mod client;

mod table;

mod host;

mod sagas;

mod show;

mod inventory;

mod keeping;

use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use client::Admin;

/// What was asked for is refused, or something disagrees.
const REFUSED: u8 = 1;

/// It can't even be asked for.
const UNUSABLE: u8 = 2;

/// Runs sagas whose steps are WebAssembly components.
#[derive(Parser)]
#[command(name = "skald", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// What is logged, such as `info` or `skald_host=debug`.
    #[arg(long, global = true, env = "SKALD_LOG", default_value = "info")]
    log: String,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the host.
    Run(host::Run),
    /// Finds every fault of a manifest, and does no more.
    Check(host::Check),
    /// Looks at sagas, and acts on them.
    #[command(subcommand)]
    Sagas(sagas::Command),
    /// Looks at the components of a host.
    #[command(subcommand)]
    Components(inventory::Components),
    /// Looks at the databases of a host.
    #[command(subcommand)]
    Databases(inventory::Databases),
    /// Takes a consistent copy of a running host's journal and databases.
    Backup(keeping::Take),
    /// Checks that journal, fences and events agree, and lists what does not.
    Verify(keeping::Verify),
    /// Prints what a shell needs to complete commands.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// How the answer is shown.
#[derive(Args, Clone, Copy)]
struct Output {
    /// Prints the host's answer as JSON, for scripts.
    #[arg(long)]
    json: bool,
}

/// Why a command ends without having done what was asked.
enum Failure {
    /// The host said no, or something disagrees. The text is for stderr; empty where all is told.
    Refused(String),
    /// It could not be asked.
    Unusable(String),
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Run(run) => host::run(run, &cli.log),
        Command::Check(check) => host::check(&check),
        Command::Sagas(command) => sagas::run(command),
        Command::Components(command) => inventory::components(command),
        Command::Databases(command) => inventory::databases(command),
        Command::Backup(wanted) => keeping::back_up(&wanted),
        Command::Verify(wanted) => keeping::check(&wanted),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "skald", &mut std::io::stdout());
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Refused(why)) => tell(&why, REFUSED),
        Err(Failure::Unusable(why)) => tell(&why, UNUSABLE),
    }
}

fn tell(why: &str, code: u8) -> ExitCode {
    if !why.is_empty() {
        eprintln!("skald: {why}");
    }
    ExitCode::from(code)
}

/// Prints a line of an answer. A reader that has seen enough (`| head`) ends the program quietly.
fn print(text: &str) {
    use std::io::Write as _;
    if std::io::stdout().write_all(text.as_bytes()).is_err() {
        std::process::exit(0);
    }
}

/// Prints JSON, as the host wrote it, for people to read as well.
fn print_json(value: &serde_json::Value) {
    print(&format!("{value:#}\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
