//! `cargo xtask up`: build the shop, start it on this machine, and say how to try it.
//!
//! ```text
//! preflight ── build ── host ── demo ── tour
//!  (faults)   (stamp)  (child) (API)   (text)
//! ```
//!
//! The order is the promise "nothing half-made": whatever can be known to go wrong is looked for before the build,
//! and the data folder is made only once there is something to put into it.

mod build;
mod demo;
mod fingerprint;
mod host;
mod preflight;
mod tour;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use host::{Host, Started};

/// What `cargo xtask up` can be told.
#[derive(clap::Args)]
pub struct Args {
    /// Folder for databases and keys; made if it isn't there [default: .skald in the project]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Where the shop answers; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// Where health, metrics and the operator's API answer; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8081")]
    admin_listen: SocketAddr,

    /// Put a few products and a customer into the shop, unless they are there
    #[arg(long)]
    demo: bool,
}

/// Builds what changed, starts the host, and stays until it has ended.
pub fn run(args: Args) -> Result<ExitCode> {
    let workspace = Workspace::locate()?;
    let data = std::path::absolute(args.data.unwrap_or_else(|| workspace.root().join(".skald")))
        .context("bad --data: an empty path")?;
    preflight::addresses(args.listen, args.admin_listen)?;
    preflight::data_folder(&data)?;

    let program = build::ensure(&workspace)?;
    preflight::make(&data)?;
    let launch = host::Launch {
        program,
        data,
        listen: args.listen,
        admin: args.admin_listen,
    };

    let mut host = Host::start(&workspace, &launch)?;
    if let Started::Ready(addresses) = host.wait_until_ready()? {
        let greeting = greet(&addresses, &launch, args.demo);
        match greeting {
            Ok(text) => println!("{text}"),
            // The shop doesn't stay open for someone who was told that it didn't open.
            Err(error) if !host.was_interrupted() => {
                host.stop()?;
                return Err(error);
            }
            Err(_) => {}
        }
    }
    host.wait()
}

/// Fills the shop if asked to, and says where it is and how to try it.
fn greet(addresses: &host::Addresses, launch: &host::Launch, demo: bool) -> Result<String> {
    let shop = tour::url(addresses.listen);
    let demo = if demo { Some(demo::fill(&shop)?) } else { None };
    Ok(tour::greeting(
        &shop,
        &tour::url(addresses.admin),
        &launch.data,
        demo.as_ref(),
    ))
}
