//! How filters are filled, and what is told about them.

use std::sync::Arc;

use super::Cache;
use super::filters::Filter;

/// A filter that waits for the rows of its query. Dropping it leaves the filter as it is: it answers
/// "perhaps" to everything.
pub struct Filling(Arc<Filter>);

impl Filling {
    /// The filter's label.
    pub fn label(&self) -> &Arc<str> {
        &self.0.label
    }

    /// Adds an item, a row of the query.
    pub fn add(&self, item: &str) {
        self.0.add(item);
    }

    /// All rows are in: from now on "surely not" is certain.
    pub fn finish(self) {
        self.0.set_filled();
    }
}

/// What operators are told of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterState {
    /// Its label.
    pub label: Arc<str>,
    /// How many items it holds.
    pub items: usize,
    /// How many it was declared for.
    pub room: usize,
    /// Whether it ever says "surely not": it is filled, and nothing was left out for lack of room.
    pub certain: bool,
}

impl Cache {
    /// The duty to fill this filter, which additions reach already.
    pub fn filling(&self, label: &str) -> Option<Filling> {
        self.filters.get(label).cloned().map(Filling)
    }

    /// The state of every filter, in the order of their labels.
    pub fn filter_states(&self) -> Vec<FilterState> {
        let state = |filter: &Arc<Filter>| FilterState {
            label: filter.label.clone(),
            items: filter.items(),
            room: filter.room,
            certain: filter.is_certain(),
        };
        self.filters.all().map(state).collect()
    }
}
