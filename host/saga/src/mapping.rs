//! What input a step gets: the admitted input as it is, or a JSON value made of parts of it and of
//! the outputs of earlier steps.
//!
//! A text that begins with `$` in a mapping names a part:
//! `$input` or `$input.field.3`, `$outputs.STEP.field`, `$saga_id`, `$principal`. `$$…` is a text
//! that begins with one dollar. All else stands for itself.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a step's input is made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mapping {
    /// The admitted input, untouched.
    #[default]
    Whole,
    /// A template.
    Template(Value),
}

/// What a mapping may draw on.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The saga's id.
    pub saga_id: u64,
    /// On whose behalf the saga runs.
    pub principal: Option<&'a str>,
    /// The admitted input, a JSON text.
    pub input: &'a str,
    /// The outputs of the earlier steps, by name, as JSON texts.
    pub outputs: &'a [(&'a str, &'a str)],
}

/// Why an input can't be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The path names nothing.
    #[error("the input mapping names {path}, and there is no such part")]
    Missing {
        /// The path as written in the manifest.
        path: String,
    },
    /// What a path starts from is no JSON text.
    #[error("{what} is not JSON")]
    NotJson {
        /// What it is.
        what: String,
    },
}

impl Mapping {
    /// The input, a JSON text.
    pub fn apply(&self, source: &Source<'_>) -> Result<String, Error> {
        match self {
            Self::Whole => Ok(source.input.to_owned()),
            Self::Template(template) => {
                // Parsed once for all paths of the template; most need nothing else.
                let input = parse(source.input, "the admitted input")?;
                Ok(fill(template, source, &input)?.to_string())
            }
        }
    }

    /// Whether it draws on the outputs of earlier steps.
    pub fn uses_outputs(&self) -> bool {
        let mut uses = false;
        if let Self::Template(template) = self {
            collect(template, &mut |path| {
                uses |= matches!(Path::parse(path), Some(Path::Output(..)));
            });
        }
        uses
    }

    /// The paths in it that name something other than `$input…`, `$saga_id`, `$principal` or an
    /// output of one of these steps: for the check of a manifest.
    pub fn unknown_paths(&self, earlier_steps: &[&str]) -> Vec<String> {
        let mut unknown = vec![];
        if let Self::Template(template) = self {
            collect(template, &mut |path| {
                if !Path::parse(path).is_some_and(|path| path.is_known(earlier_steps)) {
                    unknown.push(path.to_owned());
                }
            });
        }
        unknown
    }
}

/// A path, taken apart.
enum Path<'a> {
    SagaId,
    Principal,
    Input(Vec<&'a str>),
    Output(&'a str, Vec<&'a str>),
}

impl<'a> Path<'a> {
    /// `text` begins with one `$`.
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text[1..].split('.');
        match parts.next()? {
            "saga_id" => parts.next().is_none().then_some(Self::SagaId),
            "principal" => parts.next().is_none().then_some(Self::Principal),
            "input" => Some(Self::Input(parts.collect())),
            "outputs" => Some(Self::Output(parts.next()?, parts.collect())),
            _ => None,
        }
    }

    fn is_known(&self, earlier_steps: &[&str]) -> bool {
        match self {
            Self::Output(step, _) => earlier_steps.contains(step),
            _ => true,
        }
    }
}

/// The path that a text of a template stands for, if it does.
fn as_path(text: &str) -> Option<&str> {
    (text.starts_with('$') && !text.starts_with("$$")).then_some(text)
}

fn collect<'a>(template: &'a Value, found: &mut impl FnMut(&'a str)) {
    match template {
        Value::String(text) => {
            if let Some(path) = as_path(text) {
                found(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(members) => members.values().for_each(|member| collect(member, found)),
        _ => {}
    }
}

fn fill(template: &Value, source: &Source<'_>, input: &Value) -> Result<Value, Error> {
    Ok(match template {
        Value::String(text) => match as_path(text) {
            Some(path) => resolve(path, source, input)?,
            None => Value::String(text.strip_prefix('$').unwrap_or(text).to_owned()),
        },
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| fill(item, source, input))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, member)| Ok((name.clone(), fill(member, source, input)?)))
                .collect::<Result<_, Error>>()?,
        ),
        other => other.clone(),
    })
}

fn resolve(text: &str, source: &Source<'_>, input: &Value) -> Result<Value, Error> {
    let missing = || Error::Missing { path: text.to_owned() };
    match Path::parse(text).ok_or_else(missing)? {
        Path::SagaId => Ok(source.saga_id.into()),
        Path::Principal => Ok(source.principal.into()),
        Path::Input(parts) => descend(input, &parts).cloned().ok_or_else(missing),
        Path::Output(step, parts) => {
            let (_, output) = source
                .outputs
                .iter()
                .find(|(name, _)| *name == step)
                .ok_or_else(missing)?;
            let output = parse(output, format!("the output of step {step}"))?;
            descend(&output, &parts).cloned().ok_or_else(missing)
        }
    }
}

fn descend<'v>(value: &'v Value, parts: &[&str]) -> Option<&'v Value> {
    parts.iter().try_fold(value, |value, part| match value {
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        other => other.get(part),
    })
}

fn parse(text: &str, what: impl fmt::Display) -> Result<Value, Error> {
    serde_json::from_str(text).map_err(|_| Error::NotJson { what: what.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SOURCE: Source<'static> = Source {
        saga_id: 17,
        principal: Some("42"),
        input: r#"{"items":[{"id":1},{"id":2}],"currency":"NT"}"#,
        outputs: &[("RESERVE", r#"{"total":300}"#)],
    };

    #[test]
    fn a_template_is_filled_from_every_source() {
        for (template, made) in [
            (json!("$input.currency"), json!("NT")),
            (json!({"second": "$input.items.1.id"}), json!({"second": 2})),
            (json!(["$saga_id", "$principal", 3, null]), json!([17, "42", 3, null])),
            (json!({"sum": "$outputs.RESERVE.total"}), json!({"sum": 300})),
            (json!("$$input"), json!("$input")),
        ] {
            let text = Mapping::Template(template).apply(&SOURCE).expect("every path exists");
            assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), made);
        }
        assert_eq!(Mapping::Whole.apply(&SOURCE).expect("as it is"), SOURCE.input);
    }

    #[test]
    fn a_path_to_nothing_is_an_error_that_names_it() {
        for path in [
            "$input.items.7",
            "$outputs.LATER.total",
            "$outputs.RESERVE.other",
            "$nothing",
        ] {
            let error = Mapping::Template(json!([path]))
                .apply(&SOURCE)
                .expect_err("there is no such part");
            assert_eq!(error, Error::Missing { path: path.into() });
        }
    }

    #[test]
    fn a_check_finds_the_paths_that_no_run_could_resolve() {
        let mapping =
            Mapping::Template(json!({"a": "$input.x", "b": ["$outputs.LATER.y", "$what"], "c": "$outputs.RESERVE"}));
        assert_eq!(mapping.unknown_paths(&["RESERVE"]), ["$outputs.LATER.y", "$what"]);
    }
}
