//! What a component's statement may be: one that reads or changes rows of the component's own tables.
//!
//! Two walls. The first looks at the text: its first keyword, and whether it names a table of the
//! host. The second is SQLite's authorizer, which sees what the statement really does, and is in
//! force only while a component's statement is being prepared or run.
//! The host's own statements name its tables or control transactions, so no text passes the first
//! wall that is also one of the host's: the two never share an entry of the statement cache.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Statement;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::sql::Error;

/// What the names of all tables of the host begin with.
const HOST_PREFIX: &str = "skald_";

/// How many texts are remembered as vetted: more than a component of any size has.
const MOST_VETTED: usize = 1024;

/// What statements of components may begin with.
const ALLOWED: [&str; 6] = ["SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH"];

/// The first wall, with a memory for what passed it.
#[derive(Default)]
pub(crate) struct Vetting(HashSet<Box<str>>);

impl Vetting {
    /// Whether a text has passed.
    pub fn knows(&self, statement: &str) -> bool {
        self.0.contains(statement)
    }

    /// A text has passed.
    pub fn remember(&mut self, statement: &str) {
        if self.0.len() >= MOST_VETTED {
            self.0.clear();
        }
        self.0.insert(statement.into());
    }
}

/// Refuses parameters other than `?`: the others mean something else in other dialects.
pub(super) fn check_parameters(prepared: &Statement<'_>) -> Result<(), Error> {
    let named = (1..=prepared.parameter_count()).find_map(|index| prepared.parameter_name(index));
    match named {
        None => Ok(()),
        Some(name) => {
            let message = format!("the parameter {name} has a name or a number: write `?` for each, in order");
            Err(Error::faulty("07001", message))
        }
    }
}

/// Refuses a text that a component may not run.
pub(super) fn check(statement: &str) -> Result<(), Error> {
    let keyword = first_keyword(statement);
    if !ALLOWED.iter().any(|allowed| keyword.eq_ignore_ascii_case(allowed)) {
        return Err(Error::faulty(
            "42501",
            format!("a component may not run {keyword:?}: its transaction and its tables are the host's business"),
        ));
    }
    if names_host(statement) {
        return Err(Error::faulty(
            "42501",
            format!("names that begin with {HOST_PREFIX} are the host's"),
        ));
    }
    Ok(())
}

/// Whether a text has the name of a table of the host in it, as far as can be told from the text.
pub(super) fn names_host(statement: &str) -> bool {
    statement.to_ascii_lowercase().contains(HOST_PREFIX)
}

/// Whether a table is the host's.
pub(super) fn is_hosts(table: &str) -> bool {
    table.to_ascii_lowercase().starts_with(HOST_PREFIX)
}

/// The first word after white space, comments and opening parentheses.
pub(super) fn first_keyword(statement: &str) -> &str {
    let mut rest = statement;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '(' || c == ';');
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, rest)| rest);
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            return &rest[..end];
        }
    }
}

/// The second wall. Its switch is on while a component's statement is prepared or run.
#[derive(Clone, Default)]
pub(crate) struct Wall(Arc<AtomicBool>);

impl Wall {
    /// Puts the wall up on this connection, switched off.
    pub fn build(connection: &mut rusqlite::Connection) -> rusqlite::Result<Self> {
        Self::with(connection, permitted)
    }

    /// The same with other gates. A connection has one wall: the last.
    pub fn with(
        connection: &mut rusqlite::Connection,
        permitted: fn(&AuthContext<'_>) -> bool,
    ) -> rusqlite::Result<Self> {
        let wall = Self::default();
        let switch = wall.0.clone();
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            if !switch.load(Ordering::Relaxed) || permitted(&context) {
                Authorization::Allow
            } else {
                Authorization::Deny
            }
        }))?;
        Ok(wall)
    }

    /// Switches it on for as long as the guard lives.
    pub fn raise(&self) -> Raised {
        self.0.store(true, Ordering::Relaxed);
        Raised(self.clone())
    }
}

/// The wall is on.
pub(crate) struct Raised(Wall);

impl Drop for Raised {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Relaxed);
    }
}

fn permitted(context: &AuthContext<'_>) -> bool {
    let own = |table: &str| !is_hosts(table) && !table.to_ascii_lowercase().starts_with("sqlite_");
    match &context.action {
        AuthAction::Select | AuthAction::Recursive => true,
        AuthAction::Read { table_name, .. }
        | AuthAction::Insert { table_name }
        | AuthAction::Delete { table_name }
        | AuthAction::Update { table_name, .. } => own(table_name),
        AuthAction::Function { function_name } => !function_name.eq_ignore_ascii_case("load_extension"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_statements_about_rows_pass() {
        for statement in [
            "SELECT 1",
            "  -- a comment\n /* another */ insert into product values (1)",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "(SELECT 1)",
        ] {
            assert!(check(statement).is_ok(), "{statement}");
        }
        for statement in [
            "BEGIN",
            "COMMIT",
            "END",
            "ROLLBACK",
            "SAVEPOINT x",
            "RELEASE x",
            "PRAGMA user_version",
            "ATTACH 'x' AS y",
            "VACUUM",
            "CREATE TABLE x (y)",
            "DROP TABLE product",
            "ALTER TABLE product ADD x",
            "",
            "-- nothing",
            "/* open",
            "EXPLAIN SELECT 1",
            "SELECT * FROM SKALD_fence",
            "UPDATE \"skald_fence\" SET outcome = 'done'",
        ] {
            assert!(check(statement).is_err(), "{statement}");
        }
    }
}
