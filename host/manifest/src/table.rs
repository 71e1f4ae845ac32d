//! A manifest that has passed the first stage: every value is of the kind that the schema asks
//! for. What was wrong is reported already and left out here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value as Json;

use crate::place::{Place, Word};
use crate::schema::Section;

/// A value of the right kind.
#[derive(Clone, Debug)]
pub enum Raw {
    /// A text, also one of a choice.
    Text(String),
    /// `true` or `false`.
    Flag(bool),
    /// A whole number.
    Count(u64),
    /// A number.
    Number(f64),
    /// A number of bytes.
    Size(usize),
    /// A duration.
    Duration(Duration),
    /// Several values.
    List(Vec<(Place, Raw)>),
    /// A table that the schema describes.
    Table(RawTable),
    /// Values by names that the author chose.
    ByName(Vec<Named>),
    /// A template, and where its texts are that begin with a dollar.
    Template(Json, Vec<(Place, String)>),
}

/// A value under a name that the author chose.
#[derive(Clone, Debug)]
pub struct Named {
    /// The name.
    pub name: String,
    /// Where the name is.
    pub place: Place,
    /// The value and where it is; none when it was wrong.
    pub value: Option<(Place, Raw)>,
}

impl Named {
    fn word(&self) -> Word<'_> {
        Word {
            text: &self.name,
            place: &self.place,
        }
    }

    /// The value, if it is a text.
    pub fn as_word(&self) -> Option<Word<'_>> {
        self.value.as_ref().and_then(as_word)
    }

    /// The value, if it is a table.
    pub fn as_table(&self) -> Option<&RawTable> {
        self.value.as_ref().and_then(as_table)
    }
}

/// A table of which every value is of the right kind.
#[derive(Clone, Debug)]
pub struct RawTable {
    /// What it may contain.
    pub section: &'static Section,
    /// Where it begins.
    pub place: Place,
    /// What it contains and is right.
    pub entries: BTreeMap<&'static str, (Place, Raw)>,
    /// The keys that were given wrong values, or that an unknown key probably meant.
    pub faulty: BTreeSet<&'static str>,
}

impl RawTable {
    /// A table without keys.
    pub fn empty(section: &'static Section, place: Place) -> Self {
        Self {
            section,
            place,
            entries: BTreeMap::new(),
            faulty: BTreeSet::new(),
        }
    }

    fn get(&self, key: &str) -> Option<&(Place, Raw)> {
        debug_assert!(
            self.section.key(key).is_some(),
            "{} has no key {key}",
            self.section.title
        );
        self.entries.get(key)
    }

    /// Whether there is such a key, be its value right or wrong.
    pub fn is_given(&self, key: &str) -> bool {
        self.get(key).is_some() || self.faulty.contains(key)
    }

    /// Where the value of this key is; the table's own place without one.
    pub fn place_of(&self, key: &str) -> &Place {
        self.get(key).map_or(&self.place, |(place, _)| place)
    }

    /// A text.
    pub fn word(&self, key: &str) -> Option<Word<'_>> {
        self.get(key).and_then(as_word)
    }

    /// A text of one's own; empty when it is missing, which is reported already.
    pub fn text(&self, key: &str) -> String {
        self.word(key).map(|word| word.text.to_owned()).unwrap_or_default()
    }

    /// A flag; false when it is left out.
    pub fn flag(&self, key: &str) -> bool {
        matches!(self.get(key), Some((_, Raw::Flag(true))))
    }

    /// A whole number, of the size that the schema's bounds allow for.
    pub fn count<T: TryFrom<u64>>(&self, key: &str) -> Option<T> {
        match self.get(key)? {
            (_, Raw::Count(count)) => T::try_from(*count).ok(),
            _ => None,
        }
    }

    /// A number.
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.get(key)? {
            (_, Raw::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// A number of bytes.
    pub fn size(&self, key: &str) -> Option<usize> {
        match self.get(key)? {
            (_, Raw::Size(bytes)) => Some(*bytes),
            _ => None,
        }
    }

    /// A duration.
    pub fn duration(&self, key: &str) -> Option<Duration> {
        match self.get(key)? {
            (_, Raw::Duration(duration)) => Some(*duration),
            _ => None,
        }
    }

    /// The texts of a list.
    pub fn words(&self, key: &str) -> Vec<Word<'_>> {
        self.list(key).iter().filter_map(as_word).collect()
    }

    /// A table.
    pub fn table(&self, key: &str) -> Option<&RawTable> {
        self.get(key).and_then(as_table)
    }

    /// The tables of a list.
    pub fn tables(&self, key: &str) -> impl Iterator<Item = &RawTable> {
        self.list(key).iter().filter_map(as_table)
    }

    /// Values by name.
    pub fn named(&self, key: &str) -> &[Named] {
        match self.get(key) {
            Some((_, Raw::ByName(named))) => named,
            _ => &[],
        }
    }

    /// The names that the author chose, those of wrong values included.
    pub fn names(&self, key: &str) -> impl Iterator<Item = Word<'_>> {
        self.named(key).iter().map(Named::word)
    }

    /// Tables by name.
    pub fn tables_by_name(&self, key: &str) -> impl Iterator<Item = (Word<'_>, &RawTable)> {
        self.named(key)
            .iter()
            .filter_map(|named| Some((named.word(), named.as_table()?)))
    }

    /// A template.
    pub fn template(&self, key: &str) -> Option<(&Json, &[(Place, String)])> {
        match self.get(key)? {
            (_, Raw::Template(value, paths)) => Some((value, paths)),
            _ => None,
        }
    }

    fn list(&self, key: &str) -> &[(Place, Raw)] {
        match self.get(key) {
            Some((_, Raw::List(items))) => items,
            _ => &[],
        }
    }
}

fn as_word((place, raw): &(Place, Raw)) -> Option<Word<'_>> {
    match raw {
        Raw::Text(text) => Some(Word { text, place }),
        _ => None,
    }
}

fn as_table((_, raw): &(Place, Raw)) -> Option<&RawTable> {
    match raw {
        Raw::Table(table) => Some(table),
        _ => None,
    }
}
