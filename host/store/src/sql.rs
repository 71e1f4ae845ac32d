//! SQL as components see it: values, rows, errors, and a session to run statements in.
//!
//! These types mirror the WIT package `skald:sql`; the capability in the host turns one into the
//! other. A session never tells an address or a password.

/// A value in a parameter or in a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A binary floating-point number.
    Real(f64),
    /// Text.
    Text(String),
    /// Uninterpreted bytes.
    Bytes(Vec<u8>),
    /// An exact decimal number, such as `-12.50`.
    Decimal(String),
    /// A moment: microseconds since 1970-01-01T00:00:00Z.
    Timestamp(i64),
    /// A JSON text.
    Json(String),
}

/// What a query found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultSet {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, each as long as `columns`.
    pub rows: Vec<Vec<Value>>,
}

/// What a database says when it refuses a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Five characters as in the SQL standard.
    pub sqlstate: String,
    /// For people, and for logs only: it may quote data.
    pub message: String,
    /// The constraint or the column at fault, where the database tells.
    pub constraint: Option<String>,
}

/// Why there is no result, split by what the caller does next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A unique or primary key has the value already.
    #[error("duplicate: {}", .0.message)]
    Duplicate(Report),
    /// Another constraint is against it.
    #[error("constraint: {}", .0.message)]
    Constraint(Report),
    /// Another transaction is in the way; the whole transaction may be tried again.
    #[error("contention: {}", .0.message)]
    Contention(Report),
    /// The database can't be reached or does not answer.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The statement is wrong. A defect.
    #[error("faulty: {}", .0.message)]
    Faulty(Report),
    /// The manifest does not grant it.
    #[error("not granted: {0}")]
    Ungranted(String),
    /// The transaction has ended.
    #[error("the transaction has ended")]
    Ended,
}

impl Error {
    /// Rule "guest result is overridden to retry": whether the transaction must not go on after it.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Contention(_) | Self::Unreachable(_))
    }

    pub(crate) fn faulty(sqlstate: &str, message: impl Into<String>) -> Self {
        Self::Faulty(Report {
            sqlstate: sqlstate.into(),
            message: message.into(),
            constraint: None,
        })
    }
}

/// Bounds on what one statement may give back and take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most rows of one result.
    pub rows: usize,
    /// The most bytes of one result: the sum of its texts and bytes, and 16 for each value.
    pub result_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows: 10_000,
            result_bytes: 8 << 20,
        }
    }
}

/// A transaction of a component within a session; it ends with the session at the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(pub u32);

/// An event that a component publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// What it is about, such as `product.created`.
    pub topic: String,
    /// Events of one topic with equal keys are delivered in order.
    pub key: Option<String>,
    /// A JSON text.
    pub data: String,
}

/// Where a component's statements run: a step's transaction, or a database where each statement
/// stands alone.
///
/// All calls block. A session is used by one call of one component at a time.
pub trait Session: Send {
    /// Runs a statement that returns rows.
    fn query(&mut self, statement: &str, params: &[Value]) -> Result<ResultSet, Error>;

    /// Runs a statement that returns none, and says how many rows it changed.
    fn execute(&mut self, statement: &str, params: &[Value]) -> Result<u32, Error>;

    /// Begins a transaction; within a step, or within another transaction, a savepoint.
    fn begin(&mut self) -> Result<Mark, Error>;

    /// Makes the changes since `begin` last. Marks begun after this one end with it.
    fn commit(&mut self, mark: Mark) -> Result<(), Error>;

    /// Undoes the changes since `begin`, unless that mark has ended already.
    fn rollback(&mut self, mark: Mark);

    /// Writes an event into the database's outbox, with the current transaction where there is one.
    fn publish(&mut self, event: &Publication) -> Result<(), Error>;
}
