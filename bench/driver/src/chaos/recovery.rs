//! How long it takes, after a kill, until everything that was open has ended.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::task::JoinSet;

use crate::http::Connection;
use crate::process::Program;
use crate::shop::{self, Answer, Cart};
use crate::sse::Stream;

/// How long an event may let wait for itself before the run is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Kills the host with so many sagas open, each at its last step, and starts it again. Gives back the
/// time from the start's command to the last end.
pub async fn run(program: &Program, open: usize) -> Result<Duration> {
    let mut host = program.start().await?;
    let mut shop = Connection::open(host.address).await?;
    let token = shop::sign_up(&mut shop, "somebody").await?;
    let stock = open as u64 + 1;
    let product = shop::add_product(&mut shop, "thing", 7, stock).await?;
    let body = shop::purchase_body(&Cart::from([(product, 1)]));
    let bearer = format!("Bearer {token}");

    // The first one ends, so that there is an id to resume from.
    let mut stream = Stream::open(host.address, &token, None).await?;
    ask(host.address, &bearer, &body).await?;
    let last = wait_for_ends(&mut stream, 1).await?;

    // Whoever holds the payments' file holds every saga at its last step.
    let gate = rusqlite::Connection::open(program.data.join("payment.db")).context("failed to open the payments")?;
    gate.execute_batch("BEGIN IMMEDIATE")
        .context("failed to hold the payments")?;
    let mut buyers = JoinSet::new();
    for _ in 0..open {
        let (address, bearer, body) = (host.address, bearer.clone(), body.clone());
        buyers.spawn(async move { ask(address, &bearer, &body).await });
    }
    for answer in buyers.join_all().await {
        answer?;
    }
    host.kill()?;
    drop(gate);

    let commanded = Instant::now();
    let host = program.start().await?;
    let mut stream = Stream::open(host.address, &token, Some(last)).await?;
    wait_for_ends(&mut stream, open).await?;
    let took = commanded.elapsed();
    let left = shop::inventory(&mut Connection::open(host.address).await?, product).await?;
    ensure!(left == 0, "{left} are left, and all were sold");
    Ok(took)
}

async fn ask(address: SocketAddr, bearer: &str, body: &str) -> Result<()> {
    let mut shop = Connection::open(address).await?;
    match shop::buy(&mut shop, bearer, body, None).await? {
        Answer::Started(_) => Ok(()),
        other => bail!("a purchase was answered {other:?}"),
    }
}

/// Reads until so many purchases have completed, and gives back the last event's id.
async fn wait_for_ends(stream: &mut Stream, mut ends: usize) -> Result<u64> {
    loop {
        let told = tokio::time::timeout(PATIENCE, stream.next()).await;
        let told = told.with_context(|| format!("{ends} purchases have not ended"))??;
        if told.data.is_end() {
            ensure!(
                told.data.saga == "COMPLETED",
                "purchase {} ended {}",
                told.data.purchase_id,
                told.data.saga
            );
            ends -= 1;
        }
        if ends == 0 {
            return Ok(told.id);
        }
    }
}
