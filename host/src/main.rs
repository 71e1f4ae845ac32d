//! The program `skald`: it runs the host, and checks manifests.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use skald_host::run::{self, Unstartable};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// What the program ends with when what it was given is at fault, not the program.
const USAGE_FAULT: u8 = 2;

/// Runs sagas whose steps are WebAssembly components.
#[derive(Parser)]
#[command(version, about)]
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
    Run(Run),
    /// Finds every fault of a manifest, and does no more.
    Check(Check),
}

#[derive(Args)]
struct Run {
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
    /// Where to write the addresses, as a line of JSON, once the host serves.
    #[arg(long)]
    ready_file: Option<PathBuf>,
}

#[derive(Args)]
struct Check {
    /// The manifest.
    #[arg(default_value = "skald.toml")]
    manifest: PathBuf,
    /// Prints the faults as JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        Command::Check(check) => self::check(&check),
        Command::Run(options) => match log(&cli.log).and_then(|()| serve(options)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(fault) => {
                eprintln!("skald: {fault}");
                ExitCode::from(USAGE_FAULT)
            }
        },
    }
}

fn log(filter: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("--log {filter:?} is no filter: {error}"))?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
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

fn check(check: &Check) -> ExitCode {
    match run::read_manifest(&check.manifest) {
        Ok(manifest) if check.json => {
            println!("[]");
            drop(manifest);
            ExitCode::SUCCESS
        }
        Ok(manifest) => {
            println!(
                "{} is in order: {} components, {} sagas, {} routes",
                check.manifest.display(),
                manifest.components.len(),
                manifest.sagas.len(),
                manifest.routes.len()
            );
            ExitCode::SUCCESS
        }
        Err(Unstartable::Manifest { faults, .. }) if check.json => {
            println!("{}", serde_json::to_string_pretty(&faults).expect("faults are texts and numbers"));
            ExitCode::from(USAGE_FAULT)
        }
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::from(USAGE_FAULT)
        }
    }
}
