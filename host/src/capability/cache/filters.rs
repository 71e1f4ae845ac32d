//! Sets that answer "surely not" or "perhaps".
//!
//! They begin empty when the host starts, so whoever relies on "surely not" adds everything again
//! then, or asks only for what was added since.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use fastbloom::AtomicBloomFilter;

/// How many items a filter takes before its answers become less certain than promised.
const ITEMS: usize = 1_000_000;

/// How often it says "perhaps" of what was never added.
const FALSE_POSITIVES: f64 = 0.01;

/// All filters of this host. They are as many as the manifest names.
#[derive(Default)]
pub(super) struct Filters(Mutex<HashMap<Arc<str>, Arc<Filter>>>);

impl Filters {
    /// The filter with this label.
    pub(super) fn open(&self, label: &Arc<str>) -> Arc<Filter> {
        let mut filters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        filters
            .entry(label.clone())
            .or_insert_with(|| Arc::new(Filter::new()))
            .clone()
    }
}

/// A Bloom filter: 1.2 MB, and a few cache lines for each question.
pub(super) struct Filter(AtomicBloomFilter);

impl Filter {
    fn new() -> Self {
        Self(AtomicBloomFilter::with_false_pos(FALSE_POSITIVES).expected_items(ITEMS))
    }

    pub(super) fn add(&self, item: &str) {
        self.0.insert(item);
    }

    pub(super) fn contains(&self, item: &str) -> bool {
        self.0.contains(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_never_denied_and_little_else_is_affirmed() {
        let filter = Filters::default().open(&"products".into());
        (0..10_000).for_each(|item| filter.add(&item.to_string()));
        assert!((0..10_000).all(|item| filter.contains(&item.to_string())));
        let wrong = (10_000..20_000)
            .filter(|item| filter.contains(&item.to_string()))
            .count();
        assert!(wrong < 200, "{wrong} of 10,000");
    }
}
