//! SQL: the capability itself, conversions of values, and rows as tuples.
//!
//! ```no_run
//! # use skald_sdk::sql::{Connection, Error};
//! # fn example(id: u64) -> Result<(), Error> {
//! let db = Connection::open("payment")?;
//! let found: Option<(String, i64)> =
//!     db.find("SELECT currency_code, amount FROM payment WHERE id = ?", &[id.into()])?;
//! # Ok(())
//! # }
//! ```

pub use crate::bindings::capabilities::skald::sql::database::{Connection, Transaction};
pub use crate::bindings::capabilities::skald::sql::values::{Dialect, Error, Report, ResultSet, Value};

/// `rows` groups of `columns` placeholders, such as `(?, ?), (?, ?)`: for an `INSERT` of several rows.
pub fn groups(rows: usize, columns: usize) -> String {
    vec![format!("({})", placeholders(columns)); rows].join(", ")
}

/// So many placeholders, such as `?, ?, ?`: for `IN (…)`.
pub fn placeholders(count: usize) -> String {
    vec!["?"; count].join(", ")
}

/// Reading rows as values of Rust.
macro_rules! reads_rows {
    ($database:ty) => {
        impl $database {
            /// All rows that a query finds, each as a tuple of its columns.
            pub fn list<T: FromRow>(&self, statement: &str, params: &[Value]) -> Result<Vec<T>, Error> {
                let found = self.query(statement, params)?;
                found
                    .rows
                    .into_iter()
                    .map(|row| T::from_row(&found.columns, row))
                    .collect()
            }

            /// The first row that a query finds, as a tuple of its columns.
            pub fn find<T: FromRow>(&self, statement: &str, params: &[Value]) -> Result<Option<T>, Error> {
                let found = self.query(statement, params)?;
                found
                    .rows
                    .into_iter()
                    .next()
                    .map(|row| T::from_row(&found.columns, row))
                    .transpose()
            }
        }
    };
}

reads_rows!(Connection);
reads_rows!(Transaction);

/// What a column's value may be read as.
pub trait FromValue: Sized {
    /// What is asked for, in words, for the error.
    const KIND: &'static str;

    /// The value, or nothing if it is of another kind.
    fn from_value(value: Value) -> Option<Self>;
}

/// What a row may be read as: tuples of one to eight columns.
pub trait FromRow: Sized {
    /// The row, or an error that names the column at fault.
    fn from_row(columns: &[String], row: Vec<Value>) -> Result<Self, Error>;
}

macro_rules! rows_as_tuples {
    ($(($($column:ident),+))+) => {$(
        impl<$($column: FromValue),+> FromRow for ($($column,)+) {
            fn from_row(columns: &[String], row: Vec<Value>) -> Result<Self, Error> {
                let mut values = columns.iter().zip(row);
                let tuple = ($(read::<$column>(values.next())?,)+);
                match values.next() {
                    None => Ok(tuple),
                    Some((name, _)) => Err(mismatch(format!("nobody asked for the column `{name}`"))),
                }
            }
        }
    )+};
}

rows_as_tuples! {
    (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F) (A, B, C, D, E, F, G) (A, B, C, D, E, F, G, H)
}

fn read<T: FromValue>(column: Option<(&String, Value)>) -> Result<T, Error> {
    let Some((name, value)) = column else {
        return Err(mismatch("the query yields fewer columns than are read".to_owned()));
    };
    T::from_value(value).ok_or_else(|| mismatch(format!("the column `{name}` does not hold {}", T::KIND)))
}

/// The statement and the code that reads its rows don't fit: the database's own code for that.
fn mismatch(message: String) -> Error {
    Error::Faulty(Report {
        sqlstate: "42804".to_owned(),
        message,
        constraint: None,
    })
}

macro_rules! plain {
    ($($type:ty, $kind:literal, $case:ident;)+) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$case(value)
            }
        }

        impl FromValue for $type {
            const KIND: &'static str = $kind;

            fn from_value(value: Value) -> Option<Self> {
                match value {
                    Value::$case(value) => Some(value),
                    _ => None,
                }
            }
        }
    )+};
}

plain! {
    i64, "a whole number", Integer;
    f64, "a floating-point number", Real;
    String, "text", Text;
    Vec<u8>, "bytes", Bytes;
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

/// An expression has no declared type, and so a truth value may come as 0 or 1.
impl FromValue for bool {
    const KIND: &'static str = "a truth value";

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Boolean(value) => Some(value),
            Value::Integer(0) => Some(false),
            Value::Integer(1) => Some(true),
            _ => None,
        }
    }
}

/// An id, as a rule, and below 2^53. What no column of whole numbers can hold becomes an exact
/// decimal number, which is equal to none of them.
impl From<u64> for Value {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or_else(|_| Self::Decimal(value.to_string()), Self::Integer)
    }
}

impl FromValue for u64 {
    const KIND: &'static str = "a whole number of 0 or more";

    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, T::into)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const KIND: &'static str = T::KIND;

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, FromRow, Value, groups, placeholders};

    fn columns(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_row_is_read_as_what_was_written() {
        let row = vec![
            7_u64.into(),
            (-7_i64).into(),
            "seven".into(),
            true.into(),
            None::<i64>.into(),
        ];
        let read = FromRow::from_row(&columns(&["a", "b", "c", "d", "e"]), row).expect("each column fits");
        let expected: (u64, i64, String, bool, Option<i64>) = (7, -7, "seven".to_owned(), true, None);
        assert_eq!(expected, read);
    }

    #[test]
    fn a_row_that_does_not_fit_is_a_defect_that_names_the_column() {
        let cases: [(&[&str], Vec<Value>, &str); 4] = [
            (
                &["id"],
                vec![Value::Integer(1)],
                "the query yields fewer columns than are read",
            ),
            (
                &["id", "name", "age"],
                vec![1_i64.into(), "x".into(), 1_i64.into()],
                "nobody asked for the column `age`",
            ),
            (
                &["id", "name"],
                vec![1_i64.into(), 2_i64.into()],
                "the column `name` does not hold text",
            ),
            (
                &["id", "name"],
                vec![(-1_i64).into(), "x".into()],
                "the column `id` does not hold a whole number of 0 or more",
            ),
        ];
        for (names, row, expected) in cases {
            match <(u64, String)>::from_row(&columns(names), row) {
                Err(Error::Faulty(report)) => assert_eq!(report.message, expected),
                other => panic!("{names:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn an_unsigned_number_is_never_changed() {
        for (number, expected) in [
            (0, "0"),
            (1 << 53, "9007199254740992"),
            (u64::MAX, "18446744073709551615"),
        ] {
            let text = match Value::from(number) {
                Value::Integer(n) => n.to_string(),
                Value::Decimal(text) => text,
                other => panic!("{other:?}"),
            };
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn there_are_as_many_placeholders_as_values() {
        assert_eq!(placeholders(3), "?, ?, ?");
        assert_eq!(groups(2, 2), "(?, ?), (?, ?)");
    }
}
