//! How often a failed attempt is repeated, and how long the pauses are.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A retry policy: data, decoded once from the manifest.
///
/// The pause before attempt n + 1 is `initial × factor^(n-1)`, at most `max`, and then moved by up to
/// `jitter` of itself in either direction, so that what failed together does not return together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// How many attempts there are in all, the first included.
    pub attempts: u32,
    /// The first pause, in milliseconds.
    pub initial_ms: u64,
    /// By what each pause is longer than the one before.
    pub factor: f64,
    /// The longest pause, in milliseconds.
    pub max_ms: u64,
    /// The share of a pause, between 0 and 1, by which it may be shorter or longer.
    pub jitter: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 10,
            initial_ms: 50,
            factor: 2.0,
            max_ms: 5_000,
            jitter: 0.2,
        }
    }
}

impl Retry {
    /// The pause after `failed` attempts (1 and more), in milliseconds. `dice` is a number in [0, 1).
    pub fn pause_ms(&self, failed: u32, dice: f64) -> u64 {
        let exponent = i32::try_from(failed.saturating_sub(1)).unwrap_or(i32::MAX);
        let (initial, longest) = (
            Duration::from_millis(self.initial_ms),
            Duration::from_millis(self.max_ms),
        );
        let plain = (initial.as_secs_f64() * self.factor.powi(exponent)).min(longest.as_secs_f64());
        let moved = Duration::try_from_secs_f64(plain * (1.0 + self.jitter * (2.0 * dice - 1.0)));
        let moved = moved.unwrap_or_default().min(longest).as_micros();
        // To the nearest millisecond: seconds as a fraction are not exact.
        u64::try_from((moved + 500) / 1000).unwrap_or(self.max_ms)
    }

    /// Whether nothing is left after this many failed attempts.
    pub fn exhausted(&self, failed: u32) -> bool {
        failed >= self.attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_stay_within_the_jitter() {
        let retry = Retry {
            attempts: 5,
            initial_ms: 100,
            factor: 2.0,
            max_ms: 1000,
            jitter: 0.1,
        };
        let plain: Vec<_> = (1..=6).map(|failed| retry.pause_ms(failed, 0.5)).collect();
        assert_eq!(plain, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(retry.pause_ms(1, 0.0), 90);
        assert!(retry.pause_ms(u32::MAX, 0.999) <= 1000);
    }

    #[test]
    fn the_budget_counts_the_first_attempt() {
        let retry = Retry {
            attempts: 1,
            ..Retry::default()
        };
        assert!(!retry.exhausted(0));
        assert!(retry.exhausted(1));
    }
}
