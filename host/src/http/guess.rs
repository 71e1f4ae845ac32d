//! Against guessing: who has failed too often, by address or by account, waits. Only failures count,
//! so that nobody is locked out by logging in, and a success doesn't reset what failed before it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::StatusCode;
use http::header::RETRY_AFTER;
use moka::sync::Cache;
use skald_manifest::GuessLimit;

use super::Problem;

/// The most addresses and accounts that are counted at a time: some 10 MiB. Beyond it the ones that
/// were quiet longest are forgotten.
const MOST_COUNTED: u64 = 100_000;

/// The failures of one route.
#[derive(Clone)]
pub(super) struct Guesses {
    limit: Arc<GuessLimit>,
    failures: Cache<Who, Arc<AtomicU32>>,
}

/// Who failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Who {
    Address(IpAddr),
    Account(String),
}

impl Guesses {
    pub fn new(limit: &GuessLimit) -> Self {
        let failures = Cache::builder()
            .max_capacity(MOST_COUNTED)
            .time_to_live(limit.window)
            .build();
        Self {
            limit: Arc::new(limit.clone()),
            failures,
        }
    }

    /// Who a request with this body comes from.
    pub fn who(&self, address: IpAddr, body: &[u8]) -> Vec<Who> {
        let account = self.limit.body_field.as_ref().and_then(|field| {
            let body: serde_json::Value = serde_json::from_slice(body).ok()?;
            Some(Who::Account(body.get(field)?.as_str()?.to_lowercase()))
        });
        std::iter::once(Who::Address(address)).chain(account).collect()
    }

    /// Refuses whoever has failed too often.
    pub fn check(&self, who: &[Who]) -> Result<(), Problem> {
        let failed = |who| self.failures.get(who).map_or(0, |count| count.load(Ordering::Relaxed));
        let most = |who: &Who| match who {
            Who::Address(_) => self.limit.address_failures,
            Who::Account(_) => self.limit.failures,
        };
        if who.iter().all(|who| failed(who) < most(who)) {
            return Ok(());
        }
        Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many attempts")
            .detail("too many attempts have failed; wait for the time in Retry-After")
            .header(RETRY_AFTER, self.limit.window.as_secs().max(1)))
    }

    /// Counts a failure, if the answer was one.
    pub fn count(&self, who: Vec<Who>, answer: StatusCode) {
        if matches!(
            answer,
            StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND | StatusCode::FORBIDDEN
        ) {
            for who in who {
                self.failures
                    .get_with(who, Arc::default)
                    .fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn failures_of_an_account_and_of_an_address_each_lock_it_and_successes_count_for_nothing() {
        let limit = GuessLimit {
            failures: 2,
            address_failures: 3,
            window: Duration::from_mins(1),
            body_field: Some("email".into()),
        };
        let guesses = Guesses::new(&limit);
        let here: IpAddr = [127, 0, 0, 1].into();
        let there: IpAddr = [127, 0, 0, 2].into();
        let body = br#"{"email":"A@example.org"}"#;
        for _ in 0..5 {
            guesses.count(guesses.who(here, body), StatusCode::OK);
        }
        assert!(guesses.check(&guesses.who(here, body)).is_ok());
        for _ in 0..2 {
            guesses.count(guesses.who(here, body), StatusCode::UNAUTHORIZED);
        }
        assert!(guesses.check(&guesses.who(here, b"{}")).is_ok(), "an address has more");
        guesses.count(guesses.who(here, b"{}"), StatusCode::NOT_FOUND);
        assert!(guesses.check(&guesses.who(here, b"{}")).is_err(), "the address");
        assert!(
            guesses
                .check(&guesses.who(there, br#"{"email":"a@EXAMPLE.org"}"#))
                .is_err(),
            "the account"
        );
        assert!(
            guesses
                .check(&guesses.who(there, br#"{"email":"b@example.org"}"#))
                .is_ok(),
            "somebody else"
        );
    }
}
