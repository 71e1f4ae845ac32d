//! Against guessing: who has failed too often, by address or by account, waits. Only failures count,
//! so that nobody is locked out by logging in, and a success doesn't reset what failed before it.
//!
//! A guess is counted before it is checked and given back unless it fails: else as many guesses as
//! can be made at the same time would pass before the first of them is counted. One that finds all
//! that are left in use waits for the others' answers, so that many may log in at the same time.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::StatusCode;
use http::header::RETRY_AFTER;
use moka::sync::Cache;
use skald_manifest::GuessLimit;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Problem;

/// The most addresses and accounts that are counted at a time: some 15 MiB. Beyond it the ones that
/// were quiet longest are forgotten.
const MOST_COUNTED: u64 = 100_000;

/// The failures of one route.
#[derive(Clone)]
pub(super) struct Guesses {
    limit: Arc<GuessLimit>,
    counts: Cache<Who, Arc<Count>>,
}

/// Who guesses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    Address(IpAddr),
    Account(String),
}

/// What an address or an account has left within the window.
struct Count {
    /// A permit for each guess that neither failed nor is being checked. Closed when all have failed,
    /// so that nobody waits for one.
    left: Arc<Semaphore>,
    failed: AtomicU32,
    most: u32,
}

/// A guess that is counted until it is known not to have failed. Dropping it gives it back: whoever
/// got no answer has learnt nothing.
#[must_use]
pub(super) struct Guess(Vec<(Arc<Count>, OwnedSemaphorePermit)>);

impl Guesses {
    pub fn new(limit: &GuessLimit) -> Self {
        let counts = Cache::builder()
            .max_capacity(MOST_COUNTED)
            .time_to_live(limit.window)
            .build();
        Self {
            limit: Arc::new(limit.clone()),
            counts,
        }
    }

    /// Counts a guess by a request with this body, or refuses it if too many have failed.
    pub async fn admit(&self, address: Option<IpAddr>, body: &[u8]) -> Result<Guess, Problem> {
        let mut guess = Guess(vec![]);
        // The address comes first: who waits for its turn there must not hold up the account's owner.
        for who in address.map(Who::Address).into_iter().chain(self.account(body)) {
            let most = match who {
                Who::Address(_) => self.limit.address_failures,
                Who::Account(_) => self.limit.failures,
            };
            let count = self.counts.get_with(who, || Arc::new(Count::new(most)));
            let permit = count.left.clone().acquire_owned().await;
            guess.0.push((count, permit.map_err(|_| self.too_many())?));
        }
        Ok(guess)
    }

    /// The account that a body names.
    fn account(&self, body: &[u8]) -> Option<Who> {
        let field = self.limit.body_field.as_ref()?;
        let body: serde_json::Value = serde_json::from_slice(body).ok()?;
        Some(Who::Account(body.get(field)?.as_str()?.to_lowercase()))
    }

    fn too_many(&self) -> Problem {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many attempts")
            .detail("too many attempts have failed; wait for the time in Retry-After")
            .header(RETRY_AFTER, self.limit.window.as_secs().max(1))
    }
}

impl Guess {
    /// What was answered: a failure stays counted.
    pub fn answered(self, answer: StatusCode) {
        if matches!(
            answer,
            StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND | StatusCode::FORBIDDEN
        ) {
            for (count, permit) in self.0 {
                permit.forget();
                count.fail();
            }
        }
    }
}

impl Count {
    fn new(most: u32) -> Self {
        Self {
            left: Arc::new(Semaphore::new(most as usize)),
            failed: AtomicU32::new(0),
            most,
        }
    }

    fn fail(&self) {
        if self.failed.fetch_add(1, Ordering::Relaxed) + 1 >= self.most {
            self.left.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::poll;

    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    const THERE: Option<IpAddr> = Some(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST));
    const BODY: &[u8] = br#"{"email":"A@example.org"}"#;

    fn guesses() -> Guesses {
        Guesses::new(&GuessLimit {
            failures: 2,
            address_failures: 3,
            window: Duration::from_mins(1),
            body_field: Some("email".into()),
        })
    }

    #[tokio::test]
    async fn failures_of_an_account_and_of_an_address_each_lock_it_and_successes_count_for_nothing() {
        let guesses = guesses();
        let guess = async |address, body: &[u8], answer| {
            let admitted = guesses.admit(address, body).await;
            admitted.map(|guess| guess.answered(answer)).is_ok()
        };
        for _ in 0..5 {
            assert!(guess(HERE, BODY, StatusCode::OK).await);
        }
        for _ in 0..2 {
            assert!(guess(HERE, BODY, StatusCode::UNAUTHORIZED).await);
        }
        assert!(guess(HERE, b"{}", StatusCode::NOT_FOUND).await, "an address has more");
        assert!(!guess(HERE, b"{}", StatusCode::OK).await, "the address");
        let same = br#"{"email":"a@EXAMPLE.org"}"#;
        assert!(!guess(THERE, same, StatusCode::OK).await, "the account");
        let other = br#"{"email":"b@example.org"}"#;
        assert!(guess(THERE, other, StatusCode::OK).await, "somebody else");
    }

    #[tokio::test]
    async fn guesses_at_the_same_time_are_counted_before_they_are_checked() {
        let guesses = guesses();
        let [first, second] = [(); 2].map(|()| guesses.admit(THERE, BODY));
        let (first, second) = (first.await.expect("one"), second.await.expect("two"));
        let mut third = Box::pin(guesses.admit(THERE, BODY));
        assert!(poll!(&mut third).is_pending(), "it waits for what the others are told");
        first.answered(StatusCode::OK);
        let third = third.await.expect("a success gives its guess back");
        let mut fourth = Box::pin(guesses.admit(THERE, BODY));
        assert!(poll!(&mut fourth).is_pending());
        drop(second);
        let fourth = fourth.await.expect("so does a guess without an answer");
        let mut fifth = Box::pin(guesses.admit(HERE, BODY));
        assert!(poll!(&mut fifth).is_pending());
        third.answered(StatusCode::UNAUTHORIZED);
        fourth.answered(StatusCode::UNAUTHORIZED);
        assert!(fifth.await.is_err(), "both that were left have failed");
        assert!(guesses.admit(HERE, b"{}").await.is_ok(), "which held up nobody else");
    }
}
