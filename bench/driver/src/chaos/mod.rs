//! Rounds of load and SIGKILL, and the books at the end.
//!
//! Buyers buy without a pause, readers follow their streams and resume, and the process is killed at
//! random moments: under load, and every fourth time while it is still recovering. In the end nothing
//! may be lost, nothing doubled, and every purchase must have ended.

mod books;
mod buyer;
mod reader;
pub mod recovery;
mod scene;

pub use scene::{Customer, Stock};

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;

use crate::dice::Dice;
use crate::process::{Host, Program};
use scene::Scene;

/// What is done to the host.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How often it is killed.
    pub rounds: usize,
    /// How many customers there are, each with a stream of results.
    pub customers: usize,
    /// How many purchases are under way at the same time.
    pub buyers: usize,
    /// The longest time under load before a kill.
    pub round: Duration,
    /// Where the random choices come from.
    pub seed: u64,
    /// A run with fewer completed purchases proves nothing.
    pub least_completed: usize,
}

/// How long the host may take to end everything after the last round.
const SETTLE: Duration = Duration::from_secs(30);

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How often the host was killed.
    pub kills: usize,
    /// Purchases that were answered 201.
    pub started: usize,
    /// Purchases that completed.
    pub completed: usize,
    /// Purchases that were refused.
    pub compensated: usize,
    /// Purchases asked for again under their key.
    pub repeated: usize,
    /// Purchases without a key that were cut off, and how many of those ran.
    pub cut: (usize, usize),
    /// Events told.
    pub events: usize,
    /// The longest time from a start's command to serving.
    pub slowest_start: Duration,
    /// What must not be, and is.
    pub faults: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} kills; {} purchases answered 201, {} completed, {} refused, {} asked for again by key, {} cut off without a key ({} of them ran); {} events; slowest start {} ms",
            self.kills,
            self.started,
            self.completed,
            self.compensated,
            self.repeated,
            self.cut.0,
            self.cut.1,
            self.events,
            self.slowest_start.as_millis()
        )?;
        for fault in self.faults.iter().take(20) {
            writeln!(f, "FAULT: {fault}")?;
        }
        write!(
            f,
            "{}",
            if self.faults.is_empty() {
                "the books agree"
            } else {
                "the books disagree"
            }
        )
    }
}

/// Plays a plan, and says after each round how many are over. An error is the environment's; what the
/// host did wrong is in the report.
pub async fn run(program: &Program, plan: &Plan, over: impl Fn(usize)) -> Result<Report> {
    let mut report = Report::default();
    let mut host = start(program, &mut report).await?;
    let scene = Arc::new(Scene::open(host.address, plan).await?);
    let readers = all(&scene, scene.customers.len(), reader::follow);
    scene.make_first_purchases(SETTLE).await?;
    let buyers = all(&scene, plan.buyers, buyer::shop);

    let mut dice = Dice::new(plan.seed);
    for round in 0..plan.rounds {
        wait_for_moment(&scene, plan, round, &mut dice).await;
        scene.closed();
        host.kill()?;
        report.kills += 1;
        host = start(program, &mut report).await?;
        scene.opened(host.address);
        over(round + 1);
    }

    scene.last_orders();
    finish(buyers).await;
    books::settle(&scene, SETTLE).await;
    scene.stop();
    finish(readers).await;
    books::close(&scene, &mut report).await?;
    if report.completed < plan.least_completed {
        report.faults.push(format!(
            "only {} purchases completed: fewer than {} prove nothing",
            report.completed, plan.least_completed
        ));
    }
    Ok(report)
}

async fn start(program: &Program, report: &mut Report) -> Result<Host> {
    let host = program.start().await?;
    if report.kills > 0 {
        report.slowest_start = report.slowest_start.max(host.spawned.elapsed());
    }
    Ok(host)
}

/// Most rounds end a while after the first answer; every fourth one ends in the middle of recovery.
async fn wait_for_moment(scene: &Scene, plan: &Plan, round: usize, dice: &mut Dice) {
    let longest = u64::try_from(plan.round.as_millis()).unwrap_or(u64::MAX).max(1);
    let early = round % 4 == 3;
    if !early {
        let begun = Instant::now();
        scene.wait_for_progress(begun + plan.round * 10).await;
    }
    let wait = dice.below(if early { longest / 8 + 1 } else { longest });
    tokio::time::sleep(Duration::from_millis(wait)).await;
}

fn all<F: Future<Output = ()> + Send + 'static>(
    scene: &Arc<Scene>,
    count: usize,
    task: impl Fn(Arc<Scene>, usize) -> F,
) -> JoinSet<()> {
    (0..count).map(|number| task(scene.clone(), number)).collect()
}

async fn finish(mut tasks: JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        ended.expect("the driver's own tasks do not panic");
    }
}

/// A plan that can't be played is told before anything is started.
pub fn check(plan: &Plan) -> Result<()> {
    ensure!(
        plan.customers > 0 && plan.buyers > 0,
        "a plan needs a customer and a buyer"
    );
    Ok(())
}
