//! A membership filter: what it answers for, and where its items come from.

/// A membership filter of the cache. It is filled whenever the host starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Which one it is.
    pub kind: FilterKind,
    /// How many items it is made for. Default a million: 1.2 MB as a Bloom filter.
    pub items: usize,
    /// The label of the database that its items are in.
    pub database: String,
    /// The query that finds all of them: one column, of texts or whole numbers. The host runs it, so
    /// no component has to be granted the database.
    pub fill: String,
}

impl Filter {
    pub(crate) const ITEMS: usize = 1_000_000;
}

/// The kinds of filters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FilterKind {
    /// 10 bits for each item, and one wrong "perhaps" in 100 once it is full. It can't forget. With
    /// more items than it is made for, it says "perhaps" more and more often.
    #[default]
    Bloom,
    /// 34 bits for each item, and one wrong "perhaps" in 500 million. It can forget. With more items
    /// than it is made for, it says "perhaps" to everything.
    Cuckoo,
}
