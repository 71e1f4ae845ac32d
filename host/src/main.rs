//! The program `skald`. What it can do is in [`skald_host::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    skald_host::cli::main()
}
