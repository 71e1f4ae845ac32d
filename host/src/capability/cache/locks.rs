//! Mutual exclusion, with a number that grows with every holder: a database that remembers the
//! highest it has seen can refuse a holder that has lost its lock unawares.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::errors::Error;
use crate::capability::ids::Ids;

/// The most locks that are held at the same time.
const MAX_LOCKS: usize = 100_000;

/// All locks of this host.
#[derive(Default)]
pub(super) struct Locks {
    held: Mutex<HashMap<Box<str>, Holder>>,
    released: Condvar,
    /// By the clock, so that they grow over restarts, too.
    tokens: Ids,
}

#[derive(Clone, Copy)]
struct Holder {
    token: u64,
    until: Instant,
}

/// A lock in somebody's hands. Dropping it releases it.
pub(super) struct Held {
    cache: Arc<super::Cache>,
    name: Box<str>,
    pub(super) token: u64,
}

impl Locks {
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Holder>> {
        // Nothing panics while it is held.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a lock, waiting until this moment of the system's; none when it is held all that time. Until
/// when it is held goes by the cache's clock.
pub(super) fn acquire(
    cache: &Arc<super::Cache>,
    name: &str,
    ttl: Duration,
    until: Instant,
) -> Result<Option<Held>, Error> {
    let locks = &cache.locks;
    let mut held = locks.lock();
    loop {
        let (now, waits) = (cache.clock.now(), Instant::now());
        let holder = held.get(name).copied().filter(|holder| holder.until > now);
        let Some(holder) = holder else {
            if held.len() >= MAX_LOCKS {
                held.retain(|_, holder| holder.until > now);
            }
            if held.len() >= MAX_LOCKS {
                return Err(Error::Unreachable(format!("{MAX_LOCKS} locks are held already")));
            }
            let token = locks.tokens.next();
            held.insert(
                name.into(),
                Holder {
                    token,
                    until: now + ttl,
                },
            );
            return Ok(Some(Held {
                cache: cache.clone(),
                name: name.into(),
                token,
            }));
        };
        if waits >= until {
            return Ok(None);
        }
        let wait = (until - waits).min(holder.until - now);
        held = locks
            .released
            .wait_timeout(held, wait)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
    }
}

impl Held {
    /// Holds it for this much longer from now on.
    pub(super) fn renew(&self, ttl: Duration) -> Result<(), Error> {
        let (mut held, now) = (self.cache.locks.lock(), self.cache.clock.now());
        match held.get_mut(&self.name) {
            Some(holder) if holder.token == self.token && holder.until > now => {
                holder.until = now + ttl;
                Ok(())
            }
            _ => Err(Error::Lost),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.cache.locks.lock();
        if held.get(&self.name).is_some_and(|holder| holder.token == self.token) {
            held.remove(&self.name);
        }
        drop(held);
        self.cache.locks.released.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::cache::Cache;

    const LONG: Duration = Duration::from_mins(1);

    fn take(cache: &Arc<Cache>, ttl: Duration, wait: Duration) -> Option<Held> {
        acquire(cache, "till", ttl, Instant::now() + wait).expect("there is room")
    }

    #[test]
    fn one_holds_it_and_the_next_gets_a_greater_number() {
        let cache = Cache::new(1 << 20);
        let first = take(&cache, LONG, Duration::ZERO).expect("free");
        assert!(take(&cache, LONG, Duration::ZERO).is_none(), "it is held");
        std::thread::scope(|scope| {
            let second = scope.spawn(|| take(&cache, LONG, LONG).map(|held| held.token));
            let token = first.token;
            drop(first);
            assert!(second.join().expect("no panic").expect("released") > token);
        });
    }

    #[test]
    fn who_has_lost_it_can_neither_renew_nor_release_it() {
        let cache = Cache::new(1 << 20);
        let late = take(&cache, Duration::ZERO, Duration::ZERO).expect("free");
        let _next = take(&cache, LONG, Duration::ZERO).expect("its time is over");
        assert!(matches!(late.renew(LONG), Err(Error::Lost)));
        drop(late);
        assert!(take(&cache, LONG, Duration::ZERO).is_none(), "the next still holds it");
    }
}
