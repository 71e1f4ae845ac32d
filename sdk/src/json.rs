//! What a client sends, read field by field, so that a refusal says which field and why.
//!
//! JSON that comes from another part of the system (a step's input, an event's data) is better read
//! by `serde_json::from_str::<T>`, whose errors `?` passes on as defects.

use crate::http::Problem;
use crate::saga::Refusal;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt::{Debug, Display, Formatter, Result as Formatted};
use std::ops::{Bound, RangeBounds, RangeInclusive};

/// A JSON object from outside.
#[derive(Debug)]
pub struct Object<'a> {
    /// Where in the body it stands, such as `purchase_items[3].`; empty for the body itself.
    path: String,
    fields: Cow<'a, Map<String, Value>>,
}

/// What is wrong with a body: a sentence for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid(String);

impl Object<'_> {
    /// Reads a body.
    pub fn parse(body: &[u8]) -> Result<Object<'static>, Invalid> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Object {
                path: String::new(),
                fields: Cow::Owned(fields),
            }),
            Ok(_) => Err(Invalid("the body must be a JSON object".to_owned())),
            Err(error) => Err(Invalid(format!("the body must be JSON: {error}"))),
        }
    }

    /// A text of 1 to `max` characters, blanks alone not being enough.
    pub fn text(&self, name: &str, max: usize) -> Result<&str, Invalid> {
        let text = self.string(name, 1..=max)?;
        // PostgreSQL keeps no text with U+0000 in it.
        if text.trim().is_empty() || text.contains('\0') {
            return Err(self.wrong(name, "must hold more than blanks, and no U+0000"));
        }
        Ok(text)
    }

    /// A string with a number of characters in this range, whichever they are.
    pub fn string(&self, name: &str, characters: RangeInclusive<usize>) -> Result<&str, Invalid> {
        let Value::String(text) = self.field(name)? else {
            return Err(self.wrong(name, "must be a string"));
        };
        // No character takes more than four bytes: a text that is far too long is refused uncounted.
        if text.len() / 4 > *characters.end() || !characters.contains(&text.chars().count()) {
            let (min, max) = characters.into_inner();
            return Err(self.wrong(name, format_args!("must have {min} to {max} characters")));
        }
        Ok(text)
    }

    /// One of these texts.
    pub fn choice(&self, name: &str, texts: &[&str]) -> Result<&str, Invalid> {
        match self.field(name)? {
            Value::String(text) if texts.contains(&text.as_str()) => Ok(text),
            _ => Err(self.wrong(name, format_args!("must be one of {}", texts.join(", ")))),
        }
    }

    /// A whole number in this range: no fraction, no exponent, no quotes.
    pub fn integer(&self, name: &str, range: impl RangeBounds<i64>) -> Result<i64, Invalid> {
        match self.field(name)?.as_i64() {
            Some(number) if range.contains(&number) => Ok(number),
            _ => Err(self.wrong(name, format_args!("must be a whole number{}", Bounds(&range)))),
        }
    }

    /// An id: a whole number from 0, below 2^53.
    pub fn id(&self, name: &str) -> Result<u64, Invalid> {
        self.integer(name, 0..1 << 53).map(i64::unsigned_abs)
    }

    /// An object within this one.
    pub fn object(&self, name: &str) -> Result<Object<'_>, Invalid> {
        self.within(name, self.field(name)?)
    }

    /// An array of so many objects.
    pub fn list(&self, name: &str, count: RangeInclusive<usize>) -> Result<Vec<Object<'_>>, Invalid> {
        let Value::Array(items) = self.field(name)? else {
            return Err(self.wrong(name, "must be an array"));
        };
        if !count.contains(&items.len()) {
            let (min, max) = count.into_inner();
            return Err(self.wrong(name, format_args!("must have {min} to {max} items")));
        }
        items
            .iter()
            .enumerate()
            .map(|(i, item)| self.within(&format!("{name}[{i}]"), item))
            .collect()
    }

    fn within<'b>(&self, name: &str, value: &'b Value) -> Result<Object<'b>, Invalid> {
        match value {
            Value::Object(fields) => Ok(Object {
                path: format!("{}{name}.", self.path),
                fields: Cow::Borrowed(fields),
            }),
            _ => Err(self.wrong(name, "must be an object")),
        }
    }

    fn field(&self, name: &str) -> Result<&Value, Invalid> {
        self.fields.get(name).ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// A refusal of one field, for a rule of the component's own.
    pub fn wrong(&self, name: &str, why: impl Display) -> Invalid {
        Invalid(format!("`{}{name}` {why}", self.path))
    }
}

/// A range of whole numbers in words: ` of 1 or more`.
struct Bounds<'a, R>(&'a R);

impl<R: RangeBounds<i64>> Display for Bounds<'_, R> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Formatted {
        match self.0.start_bound() {
            Bound::Included(min) => write!(f, " of {min} or more")?,
            Bound::Excluded(min) => write!(f, " over {min}")?,
            Bound::Unbounded => {}
        }
        match self.0.end_bound() {
            Bound::Included(max) => write!(f, ", {max} at most"),
            Bound::Excluded(max) => write!(f, ", below {max}"),
            Bound::Unbounded => write!(f, " that fits 64 bits"),
        }
    }
}

impl Display for Invalid {
    fn fmt(&self, f: &mut Formatter<'_>) -> Formatted {
        f.write_str(&self.0)
    }
}

/// The client is told which field it is, and why.
impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self::new(400, "invalid parameter").detail(invalid.0)
    }
}

/// The host shows the text of a refusal as it is, and so it is the API's own.
impl From<Invalid> for Refusal {
    fn from(_: Invalid) -> Self {
        Self::Invalid("invalid parameter".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{Invalid, Object};
    use serde_json::{Value, json};

    fn object(value: &Value) -> Object<'static> {
        Object::parse(value.to_string().as_bytes()).expect("the cases are objects")
    }

    /// What reading a body came to: nothing, or what the client is told.
    fn told<T>(read: Result<T, Invalid>) -> String {
        read.map_or_else(|invalid| invalid.to_string(), |_| String::new())
    }

    #[test]
    fn a_body_is_one_json_object() {
        for (body, sound) in [
            ("{}", true),
            (" {\"a\":1}\n", true),
            ("", false),
            ("{}{}", false),
            ("{", false),
            ("\u{1}", false),
        ] {
            assert_eq!(Object::parse(body.as_bytes()).is_ok(), sound, "{body:?}");
        }
        for body in ["[]", "null", "1", "\"{}\""] {
            assert_eq!(
                told(Object::parse(body.as_bytes())),
                "the body must be a JSON object",
                "{body}"
            );
        }
        assert!(Object::parse(b"{\"a\":\"\xff\"}").is_err(), "no UTF-8");
        assert!(Object::parse("[".repeat(100_000).as_bytes()).is_err(), "too deep");
    }

    #[test]
    fn a_whole_number_is_written_as_one() {
        let cases = [
            (json!(1), ""),
            (json!(i64::MAX), ""),
            (json!(0), "`n` must be a whole number of 1 or more that fits 64 bits"),
            (
                json!(u64::MAX),
                "`n` must be a whole number of 1 or more that fits 64 bits",
            ),
            (json!(1.0), "`n` must be a whole number of 1 or more that fits 64 bits"),
            (json!("1"), "`n` must be a whole number of 1 or more that fits 64 bits"),
            (json!(true), "`n` must be a whole number of 1 or more that fits 64 bits"),
            (json!(null), "`n` must be a whole number of 1 or more that fits 64 bits"),
        ];
        for (number, expected) in cases {
            assert_eq!(
                told(object(&json!({ "n": number })).integer("n", 1..)),
                expected,
                "{number}"
            );
        }
    }

    #[test]
    fn a_text_is_more_than_blanks_and_counted_in_characters() {
        let cases = [
            (json!("a"), ""),
            (json!("äöü"), ""),
            (json!(" a "), ""),
            (json!("äöüß"), "`t` must have 1 to 3 characters"),
            (json!("x".repeat(100)), "`t` must have 1 to 3 characters"),
            (json!(""), "`t` must have 1 to 3 characters"),
            (json!(" "), "`t` must hold more than blanks, and no U+0000"),
            (json!("\0a"), "`t` must hold more than blanks, and no U+0000"),
            (json!(1), "`t` must be a string"),
            (json!(null), "`t` must be a string"),
        ];
        for (text, expected) in cases {
            assert_eq!(told(object(&json!({ "t": text })).text("t", 3)), expected, "{text}");
        }
    }

    #[test]
    fn a_refusal_says_where_in_the_body_the_fault_is() {
        let body =
            object(&json!({ "list": [{ "inner": { "n": 1 } }, { "inner": {} }, {}], "mixed": [{}, 1], "x": "y" }));
        let inner = |i: usize| body.list("list", 1..=3)?[i].object("inner")?.id("n");
        let cases = [
            (told(inner(0)), ""),
            (told(inner(1)), "`list[1].inner.n` is missing"),
            (told(inner(2)), "`list[2].inner` is missing"),
            (told(body.list("mixed", 1..=2)), "`mixed[1]` must be an object"),
            (told(body.list("list", 1..=2)), "`list` must have 1 to 2 items"),
            (told(body.list("x", 1..=2)), "`x` must be an array"),
            (told(body.object("x")), "`x` must be an object"),
            (told(body.choice("x", &["y", "z"])), ""),
            (told(body.choice("x", &["z", "w"])), "`x` must be one of z, w"),
        ];
        for (told, expected) in cases {
            assert_eq!(told, expected);
        }
    }
}
