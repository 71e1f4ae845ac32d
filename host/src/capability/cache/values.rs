//! Values by key, with a time to live, and leases against stampedes: of all who miss a value, one
//! supplies it, and the others wait for that one or take what is out of date.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use moka::Expiry;

/// How long a value that is out of date is still handed out while somebody renews it.
const GRACE: Duration = Duration::from_mins(1);

/// How long a lease is good. A call that takes longer has no claim any more.
const LEASE: Duration = Duration::from_secs(30);

/// The key of a value: the bucket's label and the key in it.
pub(super) type Key = (Arc<str>, Box<str>);

/// All values of this host.
pub(super) struct Values {
    kept: moka::sync::Cache<Key, Kept>,
    leases: Mutex<Leases>,
    changed: Condvar,
}

#[derive(Default)]
struct Leases {
    by_key: HashMap<Key, Leased>,
    last: u64,
}

#[derive(Clone, Copy)]
struct Leased {
    id: u64,
    until: Instant,
}

#[derive(Clone)]
struct Kept {
    value: Arc<[u8]>,
    fresh_until: Instant,
    gone_at: Instant,
    /// After this time its memory is freed. It may not be handed out any more before that.
    lifetime: Duration,
}

/// What was found.
pub(super) enum Found {
    Hit(Arc<[u8]>),
    Stale(Arc<[u8]>),
    Miss(Lent),
}

/// A lease in somebody's hands. Dropping it hands the duty on.
pub(super) struct Lent {
    cache: Arc<super::Cache>,
    key: Key,
    id: u64,
}

struct UntilGone;

impl Expiry<Key, Kept> for UntilGone {
    fn expire_after_create(&self, _: &Key, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(kept.lifetime)
    }

    fn expire_after_update(&self, _: &Key, kept: &Kept, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(kept.lifetime)
    }
}

impl Values {
    pub(super) fn new(bytes: u64) -> Self {
        let weigh = |key: &Key, kept: &Kept| {
            u32::try_from(key.0.len() + key.1.len() + kept.value.len() + 64).unwrap_or(u32::MAX)
        };
        let kept = moka::sync::Cache::builder()
            .max_capacity(bytes)
            .weigher(weigh)
            .expire_after(UntilGone)
            .build();
        Self {
            kept,
            leases: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// A value that is not out of date.
    pub(super) fn get(&self, key: &Key, now: Instant) -> Option<Arc<[u8]>> {
        self.kept
            .get(key)
            .filter(|kept| kept.fresh_until > now)
            .map(|kept| kept.value)
    }

    pub(super) fn set(&self, key: Key, value: Vec<u8>, ttl: Duration, now: Instant) {
        let lifetime = ttl + GRACE.min(ttl);
        let kept = Kept {
            value: value.into(),
            fresh_until: now + ttl,
            gone_at: now + lifetime,
            lifetime,
        };
        self.kept.insert(key, kept);
    }

    /// Forgets the value, and takes away the lease: what its holder is about to supply is old.
    pub(super) fn delete(&self, key: &Key) {
        self.kept.invalidate(key);
        self.lock().by_key.remove(key);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Leases> {
        // Nothing panics while it is held, and a lost lease costs one more computation.
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks a value up. On a miss one caller gets the lease; the others wait until this moment, and then
/// get a lease of their own. That moment is the system's; what expires goes by the cache's clock.
pub(super) fn fetch(cache: &Arc<super::Cache>, key: Key, until: Instant) -> Found {
    let values = &cache.values;
    let mut leases = values.lock();
    loop {
        let (now, waits) = (cache.clock.now(), Instant::now());
        let kept = values.kept.get(&key).filter(|kept| kept.gone_at > now);
        if let Some(kept) = &kept
            && kept.fresh_until > now
        {
            return Found::Hit(kept.value.clone());
        }
        let awaited = leases.by_key.get(&key).is_some_and(|leased| leased.until > now);
        match kept {
            Some(kept) if awaited => return Found::Stale(kept.value),
            None if awaited && waits < until => {
                let waited = values.changed.wait_timeout(leases, until - waits);
                leases = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            _ => {
                leases.last += 1;
                let id = leases.last;
                leases.by_key.insert(key.clone(), Leased { id, until: now + LEASE });
                return Found::Miss(Lent {
                    cache: cache.clone(),
                    key,
                    id,
                });
            }
        }
    }
}

impl Lent {
    /// Supplies the value; false when the lease is somebody else's by now.
    pub(super) fn fill(self, value: Vec<u8>, ttl: Duration) -> bool {
        let mine = self.is_mine();
        if mine {
            let now = self.cache.clock.now();
            self.cache.values.set(self.key.clone(), value, ttl, now);
        }
        mine
    }

    /// Whether it is still good.
    pub(super) fn is_mine(&self) -> bool {
        self.cache
            .values
            .lock()
            .by_key
            .get(&self.key)
            .is_some_and(|leased| leased.id == self.id)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let values = &self.cache.values;
        let mut leases = values.lock();
        if leases.by_key.get(&self.key).is_some_and(|leased| leased.id == self.id) {
            leases.by_key.remove(&self.key);
        }
        drop(leases);
        values.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::capability::cache::{Cache, Clock};

    const LONG: Duration = Duration::from_mins(1);

    fn key(text: &str) -> Key {
        ("bucket".into(), text.into())
    }

    fn now() -> Instant {
        Instant::now()
    }

    #[test]
    fn one_supplies_and_the_others_wait_for_it() {
        let cache = Cache::new(1 << 20);
        let Found::Miss(lease) = fetch(&cache, key("a"), now()) else {
            panic!("there is nothing yet")
        };
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| match fetch(&cache, key("a"), now() + LONG) {
                Found::Hit(value) => value.to_vec(),
                _ => vec![],
            });
            assert!(lease.fill(b"value".into(), LONG));
            assert_eq!(waiting.join().expect("no panic"), b"value");
        });
    }

    #[test]
    fn a_lease_that_is_dropped_goes_to_who_waits() {
        let cache = Cache::new(1 << 20);
        let Found::Miss(lease) = fetch(&cache, key("a"), now()) else {
            panic!("there is nothing yet")
        };
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| matches!(fetch(&cache, key("a"), now() + LONG), Found::Miss(_)));
            drop(lease);
            assert!(waiting.join().expect("no panic"));
        });
    }

    #[test]
    fn a_lease_that_was_taken_away_fills_nothing() {
        let cache = Cache::new(1 << 20);
        let Found::Miss(slow) = fetch(&cache, key("a"), now()) else {
            panic!("there is nothing yet")
        };
        let Found::Miss(impatient) = fetch(&cache, key("a"), now()) else {
            panic!("it would not wait")
        };
        assert!(!slow.fill(b"old".into(), LONG));
        cache.values.delete(&key("a"));
        assert!(!impatient.fill(b"old".into(), LONG), "it was deleted since");
        assert_eq!(cache.values.get(&key("a"), now()), None);
    }

    #[test]
    fn what_is_out_of_date_is_handed_out_while_somebody_renews_it() {
        let clock = Clock::default();
        let cache = Cache::with(1 << 20, &BTreeMap::new(), clock.clone());
        cache
            .values
            .set(key("a"), b"old".into(), Duration::from_secs(1), clock.now());
        clock.advance(Duration::from_secs(1));
        assert_eq!(cache.values.get(&key("a"), clock.now()), None);
        let Found::Miss(_lease) = fetch(&cache, key("a"), now()) else {
            panic!("the first renews it")
        };
        assert!(matches!(fetch(&cache, key("a"), now() + LONG), Found::Stale(value) if *value == *b"old"));
    }
}
