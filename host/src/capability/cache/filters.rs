//! Sets that answer "surely not" or "perhaps".
//!
//! A filter of this process is empty when the process starts, so "surely not" would be wrong then. It
//! is filled by the query that the manifest names, and until all of its rows are in, it answers
//! "perhaps" to everything. What is added meanwhile is kept: additions are accepted before the query
//! begins, so whatever the query doesn't see is added by whoever writes it. `run` runs the query;
//! docs/adr/0009 says why it is done this way.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Instant;

use fastbloom::AtomicBloomFilter;
use skald_manifest::{Filter as Declared, FilterKind};

use super::cuckoo::Cuckoo;
use super::errors::Error;

/// How often a Bloom filter says "perhaps" of what was never added, once it is full.
const FALSE_POSITIVES: f64 = 0.01;

/// The filters that the manifest declares, by label.
pub(super) struct Filters(BTreeMap<Arc<str>, Arc<Filter>>);

impl Filters {
    /// All of them, empty.
    pub(super) fn new(declared: &BTreeMap<String, Declared>) -> Self {
        let filter = |(label, declared): (&String, &Declared)| {
            let label: Arc<str> = label.as_str().into();
            (label.clone(), Arc::new(Filter::new(label, declared)))
        };
        Self(declared.iter().map(filter).collect())
    }

    /// The filter with this label.
    pub(super) fn get(&self, label: &str) -> Option<&Arc<Filter>> {
        self.0.get(label)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Filter>> {
        self.0.values()
    }
}

/// A filter.
pub(super) struct Filter {
    pub(super) label: Arc<str>,
    set: Set,
    /// How many items it was declared for.
    pub(super) room: usize,
    added: AtomicUsize,
    /// Since when all rows of its query are in it.
    filled: OnceLock<Instant>,
    /// An item found no room: it is not in the set, and nobody knows which one it was.
    overflowed: AtomicBool,
}

enum Set {
    /// 10 bits for each item; a question takes no lock.
    Bloom(AtomicBloomFilter),
    /// 34 bits for each item.
    Cuckoo(RwLock<Cuckoo>),
}

impl Filter {
    fn new(label: Arc<str>, declared: &Declared) -> Self {
        let room = declared.items;
        let set = match declared.kind {
            FilterKind::Bloom => Set::Bloom(AtomicBloomFilter::with_false_pos(FALSE_POSITIVES).expected_items(room)),
            FilterKind::Cuckoo => Set::Cuckoo(RwLock::new(Cuckoo::new(room))),
        };
        Self {
            label,
            set,
            room,
            added: AtomicUsize::new(0),
            filled: OnceLock::new(),
            overflowed: AtomicBool::new(false),
        }
    }

    /// Adds an item; false when it is not in the set now, so that the filter is of no use any more.
    pub(super) fn add(&self, item: &str) -> bool {
        let (added, is_new) = match &self.set {
            Set::Bloom(bloom) => (true, !bloom.insert(item)),
            Set::Cuckoo(cuckoo) => {
                let added = cuckoo.write().unwrap_or_else(PoisonError::into_inner).add(item);
                (added, added)
            }
        };
        if is_new && self.added.fetch_add(1, Ordering::Relaxed) == self.room {
            tracing::warn!(filter = %self.label, room = self.room, "a filter holds more items than it was declared for");
        }
        if !added && !self.overflowed.swap(true, Ordering::Release) {
            tracing::error!(
                filter = %self.label, room = self.room,
                "a filter is full and answers \"perhaps\" to everything from now on: \
                 raise its `items` in the manifest, and start again"
            );
        }
        added
    }

    /// Whether the item may have been added; false is certain.
    pub(super) fn contains(&self, item: &str) -> bool {
        !self.is_certain()
            || match &self.set {
                Set::Bloom(bloom) => bloom.contains(item),
                Set::Cuckoo(cuckoo) => cuckoo.read().unwrap_or_else(PoisonError::into_inner).contains(item),
            }
    }

    /// Takes back what a call has added that was rolled back. Nothing else may have removed it.
    pub(super) fn take_back(&self, item: &str) {
        if let Set::Cuckoo(cuckoo) = &self.set
            && cuckoo.write().unwrap_or_else(PoisonError::into_inner).remove(item)
        {
            self.added.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Removes an item on behalf of a call that began at this moment.
    ///
    /// Of a filter that was not filled by then nothing is removed: whether the query has seen the item
    /// before it was deleted is not known, and to remove what was never added could take another
    /// item along. What stays answers "perhaps", which is not wrong.
    pub(super) fn remove(&self, item: &str, began: Instant) {
        if self.filled.get().is_some_and(|filled| *filled <= began) {
            self.take_back(item);
        }
    }

    /// That it can forget an item.
    pub(super) fn check_removal(&self) -> Result<(), Error> {
        match self.set {
            Set::Cuckoo(_) => Ok(()),
            Set::Bloom(_) => Err(Error::Unsupported(format!(
                "a Bloom filter can't forget an item: write kind = \"cuckoo\" in [filters.{}] of the manifest",
                self.label
            ))),
        }
    }

    /// All rows of its query are in it.
    pub(super) fn set_filled(&self) {
        // It is filled once in the life of the process.
        let _ = self.filled.set(Instant::now());
    }

    /// Whether its "surely not" can be relied on.
    pub(super) fn is_certain(&self) -> bool {
        self.filled.get().is_some() && !self.overflowed.load(Ordering::Acquire)
    }

    /// How many items it holds.
    pub(super) fn items(&self) -> usize {
        self.added.load(Ordering::Relaxed)
    }
}

/// What a step has added. Dropping it takes it back, which is what a rollback does.
pub(super) struct Addition {
    filter: Arc<Filter>,
    item: String,
    kept: bool,
}

impl Addition {
    /// Of an item that was just added.
    pub(super) fn new(filter: Arc<Filter>, item: String) -> Self {
        Self {
            filter,
            item,
            kept: false,
        }
    }

    /// The step has committed, or may have.
    pub(super) fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Addition {
    fn drop(&mut self) {
        if !self.kept {
            self.filter.take_back(&self.item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [FilterKind; 2] = [FilterKind::Bloom, FilterKind::Cuckoo];

    fn filter(kind: FilterKind, items: usize) -> Filter {
        let declared = Declared {
            kind,
            items,
            database: "one".into(),
            fill: String::new(),
        };
        Filter::new("products".into(), &declared)
    }

    fn text(item: u32) -> String {
        item.to_string()
    }

    #[test]
    fn what_was_added_is_never_denied_and_little_else_is_affirmed() {
        for (kind, most) in KINDS.into_iter().zip([200, 0]) {
            let filter = filter(kind, 10_000);
            filter.set_filled();
            (0..10_000).for_each(|item| assert!(filter.add(&text(item))));
            assert!((0..10_000).all(|item| filter.contains(&text(item))));
            let wrong = (10_000..20_000).filter(|item| filter.contains(&text(*item))).count();
            assert!(wrong <= most, "{kind:?}: {wrong} of 10,000");
        }
    }

    #[test]
    fn nothing_is_denied_before_everything_is_in() {
        for kind in KINDS {
            let filter = filter(kind, 100);
            filter.add("meanwhile");
            assert!(filter.contains("meanwhile") && filter.contains("never added"));
            filter.set_filled();
            assert!(filter.contains("meanwhile"), "{kind:?}: what was added before counts");
            assert!(!filter.contains("never added"), "{kind:?}");
        }
    }

    #[test]
    fn a_full_one_denies_nothing() {
        let full = filter(FilterKind::Cuckoo, 100);
        full.set_filled();
        assert!(!full.contains("never added"));
        let added: Vec<_> = (0..200).map(text).collect();
        assert!(added.iter().any(|item| !full.add(item)), "it has an end");
        assert!(added.iter().all(|item| full.contains(item)) && full.contains("never added"));
        assert!(!full.is_certain());

        let crowded = filter(FilterKind::Bloom, 100);
        crowded.set_filled();
        assert!(added.iter().all(|item| crowded.add(item) && crowded.contains(item)));
        assert!(crowded.is_certain(), "it is only less often sure");
    }

    #[test]
    fn nothing_is_removed_for_a_call_that_began_before_it_was_filled() {
        let filter = filter(FilterKind::Cuckoo, 100);
        let early = Instant::now();
        filter.add("one");
        filter.remove("one", early);
        filter.set_filled();
        filter.remove("one", early);
        assert!(
            filter.contains("one"),
            "it may be a row that the query saw, or one that it did not"
        );
        filter.remove("one", Instant::now());
        assert!(!filter.contains("one"));
        assert_eq!(filter.items(), 0);
    }

    #[test]
    fn what_is_rolled_back_is_taken_back() {
        let filter = Arc::new(filter(FilterKind::Cuckoo, 100));
        filter.set_filled();
        for kept in [true, false] {
            let item = text(kept.into());
            assert!(filter.add(&item));
            let mut addition = Addition::new(filter.clone(), item.clone());
            if kept {
                addition.keep();
            }
            drop(addition);
            assert_eq!(filter.contains(&item), kept);
        }
    }
}
