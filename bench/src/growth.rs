//! Whether a saga costs the same however many are stored.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::engine::{Engine, Instances};
use crate::extra;
use crate::measure::measure as sample;
use crate::report::Extra;

/// How many purchases are under way while the store is filled.
const CLIENTS: usize = 64;
/// How long one look takes.
const LOOK: Duration = Duration::from_secs(2);
/// After so many the first look is taken.
const FEW: usize = 10_000;

/// Stores sagas until there are so many, and tells what one cost in the beginning and in the end.
pub async fn measure(manifest: &Path, components: &Path, data: &Path, stored: usize) -> Result<Vec<Extra>> {
    let engine = Engine::open(manifest, components, &data.join("growth"), Instances::Group).await?;
    let begun = Instant::now();
    let (mut count, mut few) = (0, None);
    loop {
        let look = sample(CLIENTS, LOOK, |_| engine.client()).await?;
        count += ended(look.per_second, LOOK);
        if few.is_none() && count >= FEW {
            few = Some((count, 1e6 / look.per_second));
        }
        if let Some((at, cost)) = few
            && count >= stored
        {
            let now = 1e6 / look.per_second;
            let took = begun.elapsed().as_secs();
            return Ok(vec![extra(
                &format!("microseconds per saga with {at} and with {count} stored, c={CLIENTS}"),
                format!(
                    "{cost:.0} and {now:.0} ({:.2} times; {took} s to store them)",
                    now / cost
                ),
            )]);
        }
    }
}

/// The warm-up's purchases are stored too and not counted: there are at least so many.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is a small positive number"
)]
fn ended(per_second: f64, time: Duration) -> usize {
    (per_second * time.as_secs_f64()) as usize
}
