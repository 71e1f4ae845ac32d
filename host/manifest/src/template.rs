//! The template of a step's input: any TOML that JSON can say too.

use serde_json::{Map, Number, Value as Json};
use toml::de::DeValue;

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

fn convert(
    given: &Value<'_>,
    place: &Place,
    paths: &mut Vec<(Place, String)>,
    found: &mut Findings<'_>,
) -> Option<Json> {
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
        DeValue::Array(items) => {
            let items = items
                .iter()
                .enumerate()
                .map(|(index, item)| convert(item, &place.item(index, item.span().start), paths, found));
            // All items are looked at before the first fault counts.
            items
                .collect::<Vec<_>>()
                .into_iter()
                .collect::<Option<Vec<_>>>()
                .map(Json::Array)
        }
        DeValue::Table(members) => {
            let members = members.iter().map(|(name, member)| {
                let place = place.key(name.get_ref(), member.span().start);
                Some((name.get_ref().to_string(), convert(member, &place, paths, found)?))
            });
            members
                .collect::<Vec<_>>()
                .into_iter()
                .collect::<Option<Map<_, _>>>()
                .map(Json::Object)
        }
    }
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
