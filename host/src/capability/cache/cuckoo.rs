//! A cuckoo filter: a set that keeps a fingerprint of each item and can forget an item again.
//!
//! After Fan, Andersen, Kaminsky, Mitzenmacher, *Cuckoo Filter: Practically Better Than Bloom*
//! (2014), with three differences. Fingerprints have 32 bits, so that an item which is removed
//! and was never added takes another one along only once in 500 million times. The second place of a
//! fingerprint is `hash(fingerprint) - place` instead of an exclusive or: that, too, leads back from
//! the second to the first, and takes any number of buckets. And what finds no place is kept in a
//! stash (Kirsch, Mitzenmacher, Wieder, *More Robust Hashing: Cuckoo Hashing with a Stash*, 2009), so
//! that no fingerprint is ever dropped.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// How many fingerprints a bucket holds. With four, 95 of 100 places can be used.
const PLACES: usize = 4;

/// How often a fingerprint is moved on to make room, as in the paper.
const MOVES: u32 = 500;

/// A fingerprint. Zero is an empty place.
type Print = u32;

/// The set. An item that was added twice has to be removed twice.
pub(super) struct Cuckoo {
    buckets: Box<[[Print; PLACES]]>,
    /// What found no place, with how often: by the smaller of its two buckets.
    stash: HashMap<(usize, Print), u32>,
    stash_room: usize,
    hasher: RandomState,
    /// Which fingerprint of a full bucket has to move next.
    turn: usize,
}

impl Cuckoo {
    /// One that has room for so many items.
    pub(super) fn new(items: usize) -> Self {
        let buckets = (items * 100 / 95).div_ceil(PLACES).max(1);
        Self {
            buckets: vec![[0; PLACES]; buckets].into_boxed_slice(),
            stash: HashMap::new(),
            stash_room: 8 + items / 1000,
            hasher: RandomState::new(),
            turn: 0,
        }
    }

    /// Adds an item; false when there is no room for it, and then nothing has changed.
    pub(super) fn add(&mut self, item: &str) -> bool {
        let (print, first) = self.hash(item);
        let second = self.other(first, print);
        if self.place(first, print) || self.place(second, print) {
            return true;
        }
        // Whatever has no place in the end goes to the stash, so there has to be room in it first.
        if self.stash.len() >= self.stash_room && !self.stash.contains_key(&(first.min(second), print)) {
            return false;
        }
        let (bucket, print) = self.displace(second, print);
        if let Some(bucket) = bucket {
            let key = (bucket.min(self.other(bucket, print)), print);
            *self.stash.entry(key).or_default() += 1;
        }
        true
    }

    /// Whether the item may have been added; false is certain.
    pub(super) fn contains(&self, item: &str) -> bool {
        let (print, first) = self.hash(item);
        let second = self.other(first, print);
        self.buckets[first].contains(&print)
            || self.buckets[second].contains(&print)
            || self.stash.contains_key(&(first.min(second), print))
    }

    /// Takes back one addition of the item; false when there was none.
    pub(super) fn remove(&mut self, item: &str) -> bool {
        let (print, first) = self.hash(item);
        let second = self.other(first, print);
        let key = (first.min(second), print);
        if let Some(times) = self.stash.get_mut(&key) {
            *times -= 1;
            if *times == 0 {
                self.stash.remove(&key);
            }
            return true;
        }
        [first, second].into_iter().any(|bucket| {
            let found = self.buckets[bucket].iter_mut().find(|place| **place == print);
            found.map(|place| *place = 0).is_some()
        })
    }

    /// The item's fingerprint, and the first of its two buckets.
    fn hash(&self, item: &str) -> (Print, usize) {
        let hash = self.hasher.hash_one(item);
        let (high, low) = halves(hash);
        (low.max(1), self.reduce(high))
    }

    /// The other of the two buckets that a fingerprint may be in.
    fn other(&self, bucket: usize, print: Print) -> usize {
        let (sum, count) = (self.reduce(halves(self.hasher.hash_one(print)).0), self.buckets.len());
        (sum + count - bucket) % count
    }

    /// A number of 32 bits as the number of a bucket, with a multiplication instead of a division.
    fn reduce(&self, number: u32) -> usize {
        ((u64::from(number) * self.buckets.len() as u64) >> 32) as usize
    }

    /// Puts a fingerprint into a bucket if that has room.
    fn place(&mut self, bucket: usize, print: Print) -> bool {
        let empty = self.buckets[bucket].iter_mut().find(|place| **place == 0);
        empty.map(|place| *place = print).is_some()
    }

    /// Puts a fingerprint into a full bucket, and what it displaces into its other one, and so on.
    /// What is left over is returned with a bucket of its own; no bucket when nothing is.
    fn displace(&mut self, mut bucket: usize, mut print: Print) -> (Option<usize>, Print) {
        for _ in 0..MOVES {
            self.turn = (self.turn + 1) % PLACES;
            std::mem::swap(&mut self.buckets[bucket][self.turn], &mut print);
            bucket = self.other(bucket, print);
            if self.place(bucket, print) {
                return (None, print);
            }
        }
        (Some(bucket), print)
    }
}

/// The high and the low half of a number.
fn halves(number: u64) -> (u32, u32) {
    let half = |shifted: u64| u32::try_from(shifted & u64::from(u32::MAX)).expect("32 bits were left");
    (half(number >> 32), half(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(items: usize) -> Cuckoo {
        let mut filter = Cuckoo::new(items);
        for item in 0..items {
            assert!(filter.add(&item.to_string()), "there is room for {item}");
        }
        filter
    }

    #[test]
    fn it_holds_as_many_as_it_was_made_for() {
        for items in [1, 2, 5, 100, 1000, 100_000] {
            let filter = filled(items);
            assert!((0..items).all(|item| filter.contains(&item.to_string())), "{items}");
        }
    }

    #[test]
    fn the_second_place_of_a_fingerprint_leads_back_to_the_first() {
        for items in [1, 10, 1000, 12_345] {
            let filter = Cuckoo::new(items);
            for (print, bucket) in (0..500).map(|item: u32| filter.hash(&item.to_string())) {
                assert_eq!(filter.other(filter.other(bucket, print), print), bucket);
            }
        }
    }

    #[test]
    fn what_is_removed_is_gone_and_everything_else_is_still_there() {
        let mut filter = filled(50_000);
        assert!((0..25_000).all(|item| filter.remove(&item.to_string())));
        assert!((0..25_000).all(|item| !filter.contains(&item.to_string())));
        assert!((25_000..50_000).all(|item| filter.contains(&item.to_string())));
        assert!(!filter.remove("1"), "it was removed before");
    }

    #[test]
    fn a_full_one_refuses_and_loses_nothing() {
        let mut filter = filled(1000);
        let more: Vec<_> = (1000..5000).map(|item: u32| item.to_string()).collect();
        let (kept, refused): (Vec<_>, Vec<_>) = more.iter().partition(|item| filter.add(item));
        assert!(!refused.is_empty(), "it has an end");
        let all = (0..1000).map(|item: u32| item.to_string());
        assert!(all.chain(kept.into_iter().cloned()).all(|item| filter.contains(&item)));
    }

    #[test]
    fn an_item_is_in_it_as_often_as_it_was_added() {
        let mut filter = Cuckoo::new(100);
        assert!((0..1000).all(|_| filter.add("again")), "one item never fills it");
        assert!((0..1000).all(|_| filter.contains("again") && filter.remove("again")));
        assert!(!filter.contains("again") && !filter.remove("again"));
    }
}
