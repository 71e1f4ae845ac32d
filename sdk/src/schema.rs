//! A component's tables.
//!
//! Most statements read the same in every database. What doesn't is named by
//! [`Dialect`].

pub use crate::bindings::migrations::exports::skald::schema::migrations::{Guest as Migrations, Migration};
pub use crate::sql::Dialect;

impl Dialect {
    /// The type of a column of whole numbers of 64 bits that is a table's primary key. (`SQLite`
    /// keeps a table by its key only if the type is spelled like this.)
    pub fn key(self) -> &'static str {
        match self {
            Self::Sqlite => "INTEGER",
            Self::Postgresql | Self::Mysql => "BIGINT",
        }
    }

    /// What ends a `CREATE TABLE`, so that it holds text in any language. The others do anyway.
    pub fn table(self) -> &'static str {
        match self {
            Self::Sqlite | Self::Postgresql => "",
            Self::Mysql => " CHARACTER SET utf8mb4",
        }
    }

    /// What follows the type of a text column whose values are equal only if they are the same
    /// characters. (To `MySQL`, `a`, `A` and `ä` are one text otherwise, and a unique key refuses
    /// the second.)
    pub fn exact(self) -> &'static str {
        match self {
            Self::Sqlite | Self::Postgresql => "",
            Self::Mysql => " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        }
    }
}

impl Migration {
    /// One change: its place in the order, what it does, and its statements.
    pub fn new(version: u32, name: &str, statements: impl IntoIterator<Item = String>) -> Self {
        Self {
            version,
            name: name.to_owned(),
            statements: statements.into_iter().collect(),
        }
    }
}
