//! Membership filters.

use std::collections::BTreeMap;

use crate::filter::{Filter, FilterKind};
use crate::place::Findings;
use crate::table::RawTable;
use crate::validate::{Names, refer};

/// The filters by label.
pub fn all(raw: &RawTable, names: &Names<'_>, found: &mut Findings<'_>) -> BTreeMap<String, Filter> {
    let filters = raw.tables_by_name("filters");
    filters
        .map(|(label, raw)| (label.text.to_owned(), filter(raw, names, found)))
        .collect()
}

fn filter(raw: &RawTable, names: &Names<'_>, found: &mut Findings<'_>) -> Filter {
    let database = raw.word("database");
    Filter {
        kind: match raw.word("kind").map(|word| word.text) {
            Some("cuckoo") => FilterKind::Cuckoo,
            _ => FilterKind::Bloom,
        },
        items: raw.count("items").unwrap_or(Filter::ITEMS),
        database: database
            .map(|label| refer(label, "database", &names.databases, found))
            .unwrap_or_default(),
        fill: raw.text("fill"),
    }
}
