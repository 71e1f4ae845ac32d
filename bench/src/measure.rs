//! Closed loops: so many clients, each with one purchase under way at any time.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;
use tokio::task::JoinSet;

/// What the clients do before anything counts: caches fill, instances are made.
const WARM_UP: Duration = Duration::from_millis(300);

/// One client of a subject.
pub trait Client: Send + 'static {
    /// One purchase, from its start to its end.
    fn buy(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// What one measurement showed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sample {
    /// Purchases that ended, each second.
    pub per_second: f64,
    /// Half of them took no longer, in microseconds.
    pub p50_us: f64,
    /// 99 of 100 took no longer, in microseconds.
    pub p99_us: f64,
    /// The processors' load while it ran, by everybody, as the kernel tells it for the last minute.
    pub load: f64,
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0}/s, p50 {:.2} ms, p99 {:.2} ms",
            self.per_second,
            self.p50_us / 1000.0,
            self.p99_us / 1000.0
        )
    }
}

/// Lets so many clients buy for this long.
pub async fn measure<C: Client, F: Future<Output = Result<C>>>(
    clients: usize,
    time: Duration,
    open: impl Fn(usize) -> F,
) -> Result<Sample> {
    let mut buyers = Vec::with_capacity(clients);
    for number in 0..clients {
        buyers.push(open(number).await?);
    }
    let begin = Instant::now() + WARM_UP;
    let end = begin + time;
    let mut tasks = JoinSet::new();
    for buyer in buyers {
        tasks.spawn(buy_until(buyer, begin, end));
    }
    let mut took = vec![];
    while let Some(ended) = tasks.join_next().await {
        took.append(&mut ended??);
    }
    Ok(summary(took, time))
}

/// The times of the purchases that ended between `begin` and `end`.
async fn buy_until<C: Client>(mut client: C, begin: Instant, end: Instant) -> Result<Vec<f64>> {
    let mut took = vec![];
    loop {
        let asked = Instant::now();
        if asked >= end {
            return Ok(took);
        }
        client.buy().await?;
        let now = Instant::now();
        if now >= begin && now < end {
            took.push(now.duration_since(asked).as_secs_f64() * 1e6);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of purchases is far below 2^52")]
fn summary(mut took: Vec<f64>, time: Duration) -> Sample {
    took.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| {
        took.get((took.len() * percent / 100).min(took.len().saturating_sub(1)))
            .copied()
    };
    Sample {
        per_second: took.len() as f64 / time.as_secs_f64(),
        p50_us: at(50).unwrap_or(f64::NAN),
        p99_us: at(99).unwrap_or(f64::NAN),
        load: load(),
    }
}

/// The kernel's load average of the last minute.
pub fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ')
        .next()
        .and_then(|load| load.parse().ok())
        .unwrap_or(f64::NAN)
}

/// The median.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
