//! Values and errors on their way between components and sessions.

use skald_store::sql::{Error, Report, ResultSet, Value};

use super::values as guest;

impl From<guest::Value> for Value {
    fn from(value: guest::Value) -> Self {
        match value {
            guest::Value::Null => Self::Null,
            guest::Value::Boolean(truth) => Self::Boolean(truth),
            guest::Value::Integer(number) => Self::Integer(number),
            guest::Value::Real(number) => Self::Real(number),
            guest::Value::Text(text) => Self::Text(text),
            guest::Value::Bytes(bytes) => Self::Bytes(bytes),
            guest::Value::Decimal(text) => Self::Decimal(text),
            guest::Value::Timestamp(micros) => Self::Timestamp(micros),
            guest::Value::Json(text) => Self::Json(text),
        }
    }
}

impl From<Value> for guest::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Boolean(truth) => Self::Boolean(truth),
            Value::Integer(number) => Self::Integer(number),
            Value::Real(number) => Self::Real(number),
            Value::Text(text) => Self::Text(text),
            Value::Bytes(bytes) => Self::Bytes(bytes),
            Value::Decimal(text) => Self::Decimal(text),
            Value::Timestamp(micros) => Self::Timestamp(micros),
            Value::Json(text) => Self::Json(text),
        }
    }
}

impl From<ResultSet> for guest::ResultSet {
    fn from(found: ResultSet) -> Self {
        let rows = found
            .rows
            .into_iter()
            .map(|row| row.into_iter().map(Into::into).collect())
            .collect();
        Self {
            columns: found.columns,
            rows,
        }
    }
}

impl From<Error> for guest::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Duplicate(report) => Self::Duplicate(report.into()),
            Error::Constraint(report) => Self::Constraint(report.into()),
            Error::Contention(report) => Self::Contention(report.into()),
            Error::Unreachable(detail) => Self::Unreachable(detail),
            Error::Faulty(report) => Self::Faulty(report.into()),
            Error::Ungranted(detail) => Self::Ungranted(detail),
            Error::Ended => Self::Ended,
        }
    }
}

impl From<Report> for guest::Report {
    fn from(report: Report) -> Self {
        Self {
            sqlstate: report.sqlstate,
            message: report.message,
            constraint: report.constraint,
        }
    }
}
