//! The template of a step's input: any TOML that JSON can say too.

use serde_json::{Map, Number, Value as Json};
use toml::de::{DeTable, DeValue};

use crate::place::{Findings, Place};
use crate::read::Value;
use crate::scalar;
use crate::table::Raw;

/// Reads a template. Its texts that begin with a dollar are kept with their places, so that a path
/// to nothing can be shown where it stands.
pub fn read(given: &Value<'_>, place: &Place, found: &mut Findings<'_>) -> Option<Raw> {
    let mut paths = vec![];
    let json = convert(given, place, &mut paths, found)?;
    Some(Raw::Template(json, paths))
}

type Paths = Vec<(Place, String)>;

fn convert(given: &Value<'_>, place: &Place, paths: &mut Paths, found: &mut Findings<'_>) -> Option<Json> {
    match given.get_ref() {
        DeValue::String(text) => {
            if text.starts_with('$') {
                paths.push((place.clone(), text.clone().into_owned()));
            }
            Some(Json::String(text.clone().into_owned()))
        }
        DeValue::Boolean(flag) => Some(Json::Bool(*flag)),
        DeValue::Integer(given) => numeric(scalar::integer(given).map(Number::from), place, found),
        DeValue::Float(given) => numeric(scalar::float(given).and_then(Number::from_f64), place, found),
        DeValue::Datetime(_) => {
            found.add(place, "JSON has no dates", "write it as a text");
            None
        }
        DeValue::Array(items) => list(items, place, paths, found),
        DeValue::Table(members) => object(members, place, paths, found),
    }
}

fn list(given: &[Value<'_>], place: &Place, paths: &mut Paths, found: &mut Findings<'_>) -> Option<Json> {
    let mut items = vec![];
    for (index, item) in given.iter().enumerate() {
        items.push(convert(item, &place.item(index, item.span().start), paths, found));
    }
    // All items have been looked at before the first fault counts.
    items.into_iter().collect::<Option<_>>().map(Json::Array)
}

fn object(given: &DeTable<'_>, place: &Place, paths: &mut Paths, found: &mut Findings<'_>) -> Option<Json> {
    let mut members = vec![];
    for (name, member) in given {
        let place = place.key(name.get_ref(), member.span().start);
        members.push((name.get_ref().to_string(), convert(member, &place, paths, found)));
    }
    let members = members.into_iter().map(|(name, member)| Some((name, member?)));
    members.collect::<Option<Map<_, _>>>().map(Json::Object)
}

fn numeric(number: Option<Number>, place: &Place, found: &mut Findings<'_>) -> Option<Json> {
    if number.is_none() {
        found.add(
            place,
            "JSON has no such number",
            "write a finite number of at most 64 bits",
        );
    }
    number.map(Json::Number)
}
