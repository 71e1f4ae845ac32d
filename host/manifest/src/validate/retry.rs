//! Retry policies. What a policy leaves out, it takes from the one it stands under.

use std::time::Duration;

use skald_saga::Retry;

use crate::place::Findings;
use crate::table::RawTable;

/// How often a failed compensation is tried when the manifest doesn't say: longer than a step,
/// because giving up leaves a customer's goods or money behind.
pub fn compensation() -> Retry {
    Retry {
        attempts: 20,
        max_ms: 30_000,
        ..Retry::default()
    }
}

/// A policy, on top of another.
pub fn policy(raw: Option<&RawTable>, under: &Retry, found: &mut Findings<'_>) -> Retry {
    let Some(raw) = raw else { return under.clone() };
    let policy = Retry {
        attempts: raw.count("attempts").unwrap_or(under.attempts),
        initial_ms: raw.duration("initial").map_or(under.initial_ms, milliseconds),
        factor: raw.number("factor").unwrap_or(under.factor),
        max_ms: raw.duration("max").map_or(under.max_ms, milliseconds),
        jitter: raw.number("jitter").unwrap_or(under.jitter),
    };
    let is_own = raw.is_given("initial") || raw.is_given("max");
    if is_own && policy.initial_ms > policy.max_ms {
        let place = raw.place_of(if raw.is_given("initial") { "initial" } else { "max" });
        let (first, longest) = (policy.initial_ms, policy.max_ms);
        let message = format!("the first pause ({first}ms) is longer than the longest ({longest}ms)");
        found.add(place, message, "lower initial or raise max");
    }
    policy
}

/// A duration in whole milliseconds, the smallest unit of the manifest.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("the schema bounds every duration by years")
}
