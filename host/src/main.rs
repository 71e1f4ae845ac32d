//! The program `skald`. What it can do is in [`skald_host::cli`].

use std::process::ExitCode;

/// Sagas are many small allocations that are made on one thread and freed on another, and hashing a
/// password takes 19 MiB: the system's allocator is slower at both and keeps what it was given.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    skald_host::cli::main()
}
