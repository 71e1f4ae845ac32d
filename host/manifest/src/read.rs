//! The first stage: a text becomes a table whose values are all of the right kind.
//!
//! It knows the schema and no meaning: whether a name refers to something is the second stage's
//! business (`validate`). Both add to the same findings.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::keys;
use crate::place::{Findings, Place, Word, nearest, suggest};
use crate::scalar;
use crate::schema::{Absent, Key, Kind, Section};
use crate::table::{Named, Raw, RawTable};
use crate::template;
use crate::words::{NAME_RULE, is_name};

/// A value as the TOML parser gives it.
pub type Value<'t> = Spanned<DeValue<'t>>;

/// Reads a text. None when it isn't TOML: whatever else could be said of it would be guesswork.
pub fn read(text: &str, found: &mut Findings<'_>) -> Option<RawTable> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut is_toml = true;
    let mut last_line = 0;
    for error in &errors {
        let span = error.span().unwrap_or_default();
        let place = Place {
            offset: span.start,
            path: String::new(),
        };
        if error.message() == "duplicate key" {
            let key = text.get(span).unwrap_or_default();
            found.add(&place, format!("{key} is given twice"), "keep one");
            continue;
        }
        is_toml = false;
        // One slip makes the parser stumble several times in its line.
        let line = found.line(&place);
        if line != last_line {
            found.add_plain(&place, format!("not TOML: {}", error.message()));
        }
        last_line = line;
    }
    is_toml.then(|| table(&keys::MANIFEST, root.get_ref(), Place::default(), found))
}

/// Reads a table by its schema.
fn table(section: &'static Section, given: &DeTable<'_>, place: Place, found: &mut Findings<'_>) -> RawTable {
    let mut read = RawTable::empty(section, place);
    for (name, given) in given {
        let key_place = read.place.key(name.get_ref(), name.span().start);
        let Some(key) = section.key(name.get_ref()) else {
            // What was probably meant isn't reported as missing as well.
            let name = Word {
                text: name.get_ref(),
                place: &key_place,
            };
            read.faulty.extend(unknown(section, name, found));
            continue;
        };
        match value(key, given, &key_place, found) {
            Some(raw) => _ = read.entries.insert(key.name, raw),
            None => _ = read.faulty.insert(key.name),
        }
    }
    for key in section.keys {
        if matches!(key.absent, Absent::Required) && !read.is_given(key.name) {
            let missing = read.place.key(key.name, read.place.offset);
            found.add(&missing, "this key is missing", write_example(key, &missing));
        }
    }
    read
}

/// Reports a key that there isn't, and answers with the one that was probably meant.
fn unknown(section: &'static Section, name: Word<'_>, found: &mut Findings<'_>) -> Option<&'static str> {
    if let Some((refused, why)) = section.refused.iter().find(|(refused, _)| *refused == name.text) {
        found.add(name.place, *why, "name its place: file = \"…\" or env = \"…\"");
        return Some(refused);
    }
    let known: Vec<_> = section.keys.iter().map(|key| key.name).collect();
    let suggestion = suggest(name.text, "keys", known.iter().copied());
    found.add(name.place, format!("there is no key {:?}", name.text), suggestion);
    nearest(name.text, &known)
}

fn value(key: &Key, given: &Value<'_>, key_place: &Place, found: &mut Findings<'_>) -> Option<(Place, Raw)> {
    let place = Place {
        offset: given.span().start,
        path: key_place.path.clone(),
    };
    let raw = match (&key.kind, given.get_ref()) {
        (Kind::Template, _) => template::read(given, &place, found)?,
        (Kind::Table(section), DeValue::Table(inner)) => Raw::Table(table(section, inner, place.clone(), found)),
        (Kind::Tables(section), DeValue::Array(items)) => {
            if items.is_empty() && matches!(key.absent, Absent::Required) {
                found.add(&place, "this list is empty", write_example(key, &place));
            }
            tables(section, items, &place, found)
        }
        (Kind::TableByName(_) | Kind::TextByName | Kind::SettingByName, DeValue::Table(inner)) => {
            by_name(key, inner, &place, found)
        }
        (Kind::Texts, DeValue::Array(items)) => texts(items, &place, found),
        _ => scalar::read(key, given.get_ref(), &place, found)?,
    };
    Some((place, raw))
}

fn tables(section: &'static Section, items: &[Value<'_>], list: &Place, found: &mut Findings<'_>) -> Raw {
    let mut read = vec![];
    for (index, item) in items.iter().enumerate() {
        let place = list.item(index, item.span().start);
        match item.get_ref() {
            DeValue::Table(inner) => read.push((place.clone(), Raw::Table(table(section, inner, place, found)))),
            other => found.add(
                &place,
                format!("expected a table, found {}", scalar::describe(other)),
                "write { key = value }",
            ),
        }
    }
    Raw::List(read)
}

fn texts(items: &[Value<'_>], list: &Place, found: &mut Findings<'_>) -> Raw {
    let mut read: Vec<(Place, Raw)> = vec![];
    for (index, item) in items.iter().enumerate() {
        let place = list.item(index, item.span().start);
        let is_known = |text: &str| {
            read.iter()
                .any(|(_, raw)| matches!(raw, Raw::Text(known) if known == text))
        };
        match item.get_ref() {
            DeValue::String(text) if text.is_empty() => found.add(&place, "this text is empty", "leave it out"),
            DeValue::String(text) if is_known(text) => {
                found.add(&place, format!("{text:?} is listed twice"), "keep one");
            }
            DeValue::String(text) => read.push((place, Raw::Text(text.clone().into_owned()))),
            other => {
                let message = format!("expected a text, found {}", scalar::describe(other));
                found.add(&place, message, "put it in quotation marks");
            }
        }
    }
    Raw::List(read)
}

fn by_name(key: &Key, given: &DeTable<'_>, outer: &Place, found: &mut Findings<'_>) -> Raw {
    let mut read = vec![];
    for (name, given) in given {
        let place = outer.key(name.get_ref(), name.span().start);
        let value_place = Place {
            offset: given.span().start,
            path: place.path.clone(),
        };
        if matches!(key.kind, Kind::TableByName(_)) && !is_name(name.get_ref()) {
            found.add(&place, format!("{:?} is not a name", name.get_ref()), NAME_RULE);
        }
        let value = named_value(key, given, value_place, found);
        read.push(Named {
            name: name.get_ref().clone().into_owned(),
            place,
            value,
        });
    }
    Raw::ByName(read)
}

fn named_value(key: &Key, given: &Value<'_>, place: Place, found: &mut Findings<'_>) -> Option<(Place, Raw)> {
    let (raw, expected) = match (&key.kind, given.get_ref()) {
        (Kind::TableByName(section), DeValue::Table(inner)) => {
            (Some(Raw::Table(table(section, inner, place.clone(), found))), "")
        }
        (Kind::SettingByName, DeValue::Table(inner)) => {
            (Some(Raw::Table(table(&keys::SECRET, inner, place.clone(), found))), "")
        }
        (Kind::TextByName | Kind::SettingByName, DeValue::String(text)) => {
            (Some(Raw::Text(text.clone().into_owned())), "")
        }
        (Kind::TableByName(_), _) => (None, "a table"),
        _ => (None, "a text"),
    };
    if raw.is_none() {
        // The value isn't quoted: it may be a secret that should not be there.
        let message = format!("expected {expected}, found {}", scalar::describe(given.get_ref()));
        found.add(&place, message, write_example(key, &place));
    }
    raw.map(|raw| (place, raw))
}

/// What to write for a key, as an example.
pub fn write_example(key: &Key, place: &Place) -> String {
    if key.example.is_empty() {
        return format!("write it as a table [{}]", place.path);
    }
    format!("write {} = {}", key.name, example(key, place))
}

/// The key's example, with the name of the component, saga or database that it is part of.
pub fn example<'k>(key: &'k Key, place: &Place) -> Cow<'k, str> {
    match place.path.split('.').nth(1) {
        Some(own) if is_name(own) => key.example.replace("NAME", own).into(),
        _ => key.example.into(),
    }
}
