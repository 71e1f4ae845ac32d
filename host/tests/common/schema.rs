//! As much of JSON Schema as the API's description uses. What it doesn't know it refuses, so that no
//! keyword is passed over.

use serde_json::Value;

/// What is wrong with a value; none: it fits. References lead into the document.
pub fn fault(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    let keywords = schema.as_object().expect("a schema is an object");
    keywords.iter().find_map(|(keyword, wanted)| {
        let fits = match keyword.as_str() {
            "$ref" => {
                let pointer = wanted
                    .as_str()
                    .and_then(|wanted| wanted.strip_prefix('#'))
                    .expect("within the document");
                return fault(document, document.pointer(pointer).expect("the schema"), value);
            }
            "allOf" => {
                return wanted
                    .as_array()
                    .expect("schemas")
                    .iter()
                    .find_map(|part| fault(document, part, value));
            }
            "properties" => return in_properties(document, wanted, value),
            "items" => {
                return value
                    .as_array()
                    .into_iter()
                    .flatten()
                    .find_map(|item| fault(document, wanted, item));
            }
            "type" => match wanted.as_array() {
                Some(types) => types.iter().any(|wanted| is(value, wanted)),
                None => is(value, wanted),
            },
            "required" => wanted
                .as_array()
                .expect("names")
                .iter()
                .all(|name| value.get(name.as_str().expect("a name")).is_some()),
            "enum" => wanted.as_array().expect("values").contains(value),
            "const" => wanted == value,
            "minimum" => value.as_f64() >= wanted.as_f64(),
            "maximum" => value.as_f64() <= wanted.as_f64(),
            "minLength" => length(value) >= wanted.as_u64(),
            "maxLength" => length(value) <= wanted.as_u64(),
            "minItems" => items(value) >= wanted.as_u64(),
            "maxItems" => items(value) <= wanted.as_u64(),
            // `^(A|B)$` or `^X(A|B)$`: one of some texts, which is all that is made of patterns here.
            "pattern" => is_one_of(wanted.as_str().expect("a pattern"), value.as_str().unwrap_or_default()),
            "description" | "example" | "format" => true,
            other => panic!("the keyword {other} is not known here"),
        };
        (!fits).then(|| format!("{value} against {keyword} {wanted}"))
    })
}

fn in_properties(document: &Value, schemas: &Value, value: &Value) -> Option<String> {
    let schemas = schemas.as_object().expect("schemas by name");
    schemas
        .iter()
        .find_map(|(name, schema)| fault(document, schema, value.get(name)?))
}

fn is(value: &Value, wanted: &Value) -> bool {
    match wanted.as_str().expect("a type's name") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        other => panic!("the type {other} is not known here"),
    }
}

fn length(value: &Value) -> Option<u64> {
    value.as_str().map(|text| text.chars().count() as u64)
}

fn items(value: &Value) -> Option<u64> {
    value.as_array().map(|items| items.len() as u64)
}

fn is_one_of(pattern: &str, text: &str) -> bool {
    let inner = pattern
        .strip_prefix('^')
        .and_then(|pattern| pattern.strip_suffix(")$"))
        .expect("one of some texts");
    let (head, choices) = inner.split_once('(').expect("one of some texts");
    text.strip_prefix(head)
        .is_some_and(|rest| choices.split('|').any(|choice| choice == rest))
}
