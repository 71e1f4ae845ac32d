//! The part of a URL after `?`.

use super::Problem;
use std::ops::RangeInclusive;

/// The parameters of a query, decoded, in the order sent.
#[derive(Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the text after `?`. A name without `=` has an empty value.
    pub(super) fn parse(text: &str) -> Self {
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name, true), decode(value, true))
        };
        Self(text.split('&').filter(|part| !part.is_empty()).map(pair).collect())
    }

    /// A whole number in this range, or `default` when it isn't there. Anything but digits, and a
    /// name that is there twice, is the client's mistake.
    pub fn number(&self, name: &str, default: i64, range: RangeInclusive<i64>) -> Result<i64, Problem> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value);
        let (first, more) = (values.next(), values.next());
        let number = match first {
            None => Some(default),
            Some(text) => digits(text).and_then(|text| text.parse().ok()),
        };
        number
            .filter(|number| range.contains(number) && more.is_none())
            .ok_or_else(|| {
                let (min, max) = range.into_inner();
                Problem::new(400, "invalid parameter").detail(format!(
                    "`{name}` must be one whole number of {min} or more, {max} at most"
                ))
            })
    }
}

/// The text, if it is made of digits and nothing else: `parse` would take a sign, too.
pub(super) fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

/// Undoes percent-encoding, and `+` for a blank where it is a query. What is no escape stays as it
/// is, and what is no UTF-8 becomes U+FFFD: neither equals anything that a component looks for.
pub(super) fn decode(text: &str, query: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        bytes.push(match (first, tail) {
            (b'+', _) if query => b' ',
            (b'%', &[high, low, ref after @ ..]) => match (hex(high), hex(low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    high << 4 | low
                }
                _ => b'%',
            },
            _ => first,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| value.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::{Query, decode};

    #[test]
    fn a_number_is_digits_once_and_in_range() {
        let cases = [
            ("", Some(7)),
            ("n=", None),
            ("n", None),
            ("n=0", Some(0)),
            ("n=9&m=x", Some(9)),
            ("m=1", Some(7)),
            ("n=%39", Some(9)),
            ("n=10", None),
            ("n=-1", None),
            ("n=%2B1", None),
            ("n=+1", None),
            ("n=1.0", None),
            ("n=1e0", None),
            ("n=x", None),
            ("n=99999999999999999999", None),
            ("n=1&n=1", None),
            ("&&n=1&", Some(1)),
        ];
        for (text, expected) in cases {
            assert_eq!(Query::parse(text).number("n", 7, 0..=9).ok(), expected, "{text}");
        }
    }

    #[test]
    fn escapes_are_decoded_and_what_is_none_stays() {
        for (text, expected) in [
            ("a%20b", "a b"),
            ("a+b", "a b"),
            ("%", "%"),
            ("%4", "%4"),
            ("%zz1", "%zz1"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(decode(text, true), expected, "{text}");
        }
        assert_eq!(decode("a+b", false), "a+b");
    }
}
