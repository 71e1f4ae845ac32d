//! `run` and `check`: what works on this machine's files.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::{Failure, print, print_json};
use crate::run::{self, Unstartable};

#[derive(Args)]
pub(super) struct Run {
    /// The manifest.
    #[arg(long, default_value = "skald.toml")]
    manifest: PathBuf,
    /// The folder that holds the components' artifacts.
    #[arg(long, default_value = "components")]
    components: PathBuf,
    /// The data folder: databases, keys, compiled code.
    #[arg(long, default_value = ".skald")]
    data: PathBuf,
    /// Where the public API listens.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the admin API listens.
    #[arg(long, default_value = "127.0.0.1:8081")]
    admin_listen: SocketAddr,
    /// Where to write the addresses, as a line of JSON, once the host serves; `-` is standard output.
    #[arg(long)]
    ready_file: Option<PathBuf>,
    /// The data folder was restored from a backup: no unfinished saga can be cancelled until it is
    /// known not to have ended since then.
    #[arg(long)]
    restored: bool,
}

#[derive(Args)]
pub(super) struct Check {
    /// The manifest.
    #[arg(default_value = "skald.toml")]
    manifest: PathBuf,
    /// Prints the faults as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the host until it is told to stop. `filter` says what is logged.
pub(super) fn run(options: Run, filter: &str) -> Result<(), Failure> {
    log(filter).and_then(|()| serve(options)).map_err(Failure::Unusable)
}

fn log(filter: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("--log {filter:?} is no filter: {error}"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Colour codes are for people who watch, not for files.
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
    Ok(())
}

fn serve(options: Run) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime can't be started: {error}"))?;
    let stop = CancellationToken::new();
    let options = run::Options {
        manifest: options.manifest,
        components: options.components,
        data: options.data,
        listen: options.listen,
        admin_listen: options.admin_listen,
        ready_file: options.ready_file,
        restored: options.restored,
    };
    runtime.block_on(async {
        let signals = stop_on_signals(&stop).map_err(|error| format!("signals can't be taken: {error}"))?;
        tokio::spawn(signals);
        run::run(options, stop).await.map_err(|fault| fault.to_string())
    })
}

/// Stops the host on SIGINT and SIGTERM.
fn stop_on_signals(stop: &CancellationToken) -> std::io::Result<impl Future<Output = ()> + use<>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stop = stop.clone();
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stop.cancel();
    })
}

/// Reads a manifest, and tells every fault of it.
pub(super) fn check(check: &Check) -> Result<(), Failure> {
    match run::read_manifest(&check.manifest) {
        Ok(_) if check.json => print_json(&serde_json::json!([])),
        Ok(manifest) => print(&format!(
            "{} is in order: {} components, {} sagas, {} routes\n",
            check.manifest.display(),
            manifest.components.len(),
            manifest.sagas.len(),
            manifest.routes.len()
        )),
        Err(Unstartable::Manifest { faults, .. }) if check.json => {
            print_json(&serde_json::to_value(&faults).expect("faults are texts and numbers"));
            return Err(Failure::Unusable(String::new()));
        }
        Err(fault) => return Err(Failure::Unusable(fault.to_string())),
    }
    Ok(())
}
