//! Single values: texts, flags, numbers, sizes and durations within their bounds.

use std::fmt;
use std::time::Duration;

use toml::de::{DeFloat, DeInteger, DeValue};

use crate::place::{Findings, Place, suggest};
use crate::read::{example, write_example};
use crate::schema::{Key, Kind};
use crate::table::Raw;
use crate::unit;

/// Reads the value of a key, or says what is wrong with it.
pub fn read(key: &Key, given: &DeValue<'_>, place: &Place, found: &mut Findings<'_>) -> Option<Raw> {
    match (&key.kind, given) {
        (Kind::Flag, DeValue::Boolean(flag)) => Some(Raw::Flag(*flag)),
        (Kind::Text, DeValue::String(text)) if text.is_empty() => {
            found.add(place, "this text is empty", write_example(key, place));
            None
        }
        (Kind::Text, DeValue::String(text)) => Some(Raw::Text(text.clone().into_owned())),
        (Kind::Choice(choices), DeValue::String(text)) => choice(choices, text, place, found),
        (Kind::Count(least, most), DeValue::Integer(given)) => {
            let count = integer(given).and_then(|count| u64::try_from(count).ok());
            let count = count.filter(|count| (least..=most).contains(&count));
            found.bounded(count, place, least, most).map(Raw::Count)
        }
        (Kind::Number(least, most), DeValue::Integer(_) | DeValue::Float(_)) => {
            let number = number(given).filter(|number| (least..=most).contains(&number));
            found.bounded(number, place, least, most).map(Raw::Number)
        }
        (Kind::Size(least, most), DeValue::String(text)) => size(key, text, (least, most), place, found),
        (Kind::Duration(least, most), DeValue::String(text)) => duration(key, text, (least, most), place, found),
        _ => {
            let message = format!("expected {}, found {}", expected(&key.kind), describe(given));
            found.add(place, message, instead(key, given, place));
            None
        }
    }
}

impl Findings<'_> {
    /// Passes a value on that is within its bounds.
    fn bounded<T, B>(&mut self, value: Option<T>, place: &Place, least: &B, most: &B) -> Option<T>
    where
        B: fmt::Display + ?Sized,
    {
        let (least, most) = (least.to_string(), most.to_string());
        match value {
            Some(_) => {}
            None if least == most => self.add(place, "this number is not known", format!("write {least}")),
            None => self.add(place, "out of bounds", format!("write {least} to {most}")),
        }
        value
    }
}

fn choice(choices: &[&str], text: &str, place: &Place, found: &mut Findings<'_>) -> Option<Raw> {
    if choices.contains(&text) {
        return Some(Raw::Text(text.to_owned()));
    }
    found.add(
        place,
        format!("{text:?} is not one of the choices"),
        suggest(text, "choices", choices.iter().copied()),
    );
    None
}

fn size(key: &Key, text: &str, bounds: (&str, &str), place: &Place, found: &mut Findings<'_>) -> Option<Raw> {
    let Some(size) = unit::size(text) else {
        let how = format!(
            "write a whole number and B, KiB, MiB or GiB, such as {}",
            example(key, place)
        );
        found.add(place, format!("{text:?} is not a size"), how);
        return None;
    };
    let bound = |text| unit::size(text).expect("a test reads every bound of the schema");
    let size = Some(size).filter(|size| (bound(bounds.0)..=bound(bounds.1)).contains(size));
    found.bounded(size, place, bounds.0, bounds.1).map(Raw::Size)
}

fn duration(key: &Key, text: &str, bounds: (&str, &str), place: &Place, found: &mut Findings<'_>) -> Option<Raw> {
    let Some(duration) = unit::duration(text) else {
        let how = format!(
            "write a whole number and ms, s, m, h or d, such as {}",
            example(key, place)
        );
        found.add(place, format!("{text:?} is not a duration"), how);
        return None;
    };
    let bound = |text| -> Duration { unit::duration(text).expect("a test reads every bound of the schema") };
    let duration = Some(duration).filter(|duration| (bound(bounds.0)..=bound(bounds.1)).contains(duration));
    found.bounded(duration, place, bounds.0, bounds.1).map(Raw::Duration)
}

/// What to write instead: the same text in a list if a list was meant, otherwise an example.
fn instead(key: &Key, given: &DeValue<'_>, place: &Place) -> String {
    match (&key.kind, given) {
        (Kind::Texts, DeValue::String(text)) => format!("write {} = [{text:?}]", key.name),
        _ => write_example(key, place),
    }
}

fn expected(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Choice(_) => "a text",
        Kind::Flag => "true or false",
        Kind::Count(..) => "a whole number",
        Kind::Number(..) => "a number",
        Kind::Size(..) => "a size",
        Kind::Duration(..) => "a duration",
        Kind::Texts => "a list of texts",
        Kind::Tables(_) => "a list of tables",
        Kind::Template => "a value",
        Kind::Table(_) | Kind::TableByName(_) | Kind::TextByName | Kind::SettingByName => "a table",
    }
}

/// A value's type in words.
pub fn describe(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The value of an integer in any of TOML's notations, if it fits.
pub fn integer(given: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(given.as_str(), given.radix()).ok()
}

/// The value of a float.
pub fn float(given: &DeFloat<'_>) -> Option<f64> {
    given.as_str().parse().ok()
}

fn number(given: &DeValue<'_>) -> Option<f64> {
    match given {
        DeValue::Integer(given) => given.as_str().parse().ok().filter(|_| given.radix() == 10),
        DeValue::Float(given) => float(given),
        _ => None,
    }
}
