//! What a migration's statement may be: one that makes, changes or fills the component's own tables.
//!
//! The same two walls as around a step's statements, wider by what defines tables: the text, one
//! statement and no name of the host's; and SQLite's authorizer, which sees what it really does. A
//! migration that could end its transaction would leave half of itself behind, and one that could
//! reach the fences could undo what the protocol rests on.

use rusqlite::hooks::{AuthAction, AuthContext};
use rusqlite::{Connection, ErrorCode};

use super::guard::{Wall, first_keyword, is_hosts, names_host};

/// What statements of migrations may begin with.
const ALLOWED: [&str; 8] = [
    "CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH",
];

/// Why a statement of a migration did not run.
#[derive(Debug)]
pub(crate) enum Unrun {
    /// It is not for a migration to do.
    Refused(String),
    /// The database does not take it.
    Failed(rusqlite::Error),
}

/// The walls around migrations on a connection. They are up only while a statement runs.
pub(crate) struct Tables(Wall);

impl Tables {
    /// Builds the walls.
    pub fn guard(connection: &mut Connection) -> rusqlite::Result<Self> {
        Wall::with(connection, permitted).map(Self)
    }

    /// Runs one statement, in whatever transaction is open.
    pub fn run(&self, connection: &Connection, statement: &str) -> Result<(), Unrun> {
        let keyword = first_keyword(statement);
        if !ALLOWED.iter().any(|allowed| keyword.eq_ignore_ascii_case(allowed)) {
            return Err(Unrun::Refused(format!(
                "a statement of a migration begins with one of {}",
                ALLOWED.join(", ")
            )));
        }
        if names_host(statement) {
            return Err(Unrun::Refused("names that begin with skald_ are the host's".into()));
        }
        let _raised = self.0.raise();
        let ran = connection.execute(statement, []);
        ran.map(drop).map_err(|error| match error {
            rusqlite::Error::MultipleStatement => Unrun::Refused("write each statement by itself".into()),
            error if error.sqlite_error_code() == Some(ErrorCode::AuthorizationForStatementDenied) => {
                Unrun::Refused("it reaches beyond the component's own tables".into())
            }
            error => Unrun::Failed(error),
        })
    }
}

fn permitted(context: &AuthContext<'_>) -> bool {
    match &context.action {
        AuthAction::Select | AuthAction::Recursive | AuthAction::Reindex { .. } => true,
        // SQLite keeps its own tables by the same means, and lets nobody else write to them.
        AuthAction::Read { table_name, .. }
        | AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name }
        | AuthAction::CreateTable { table_name }
        | AuthAction::AlterTable { table_name, .. }
        | AuthAction::DropTable { table_name }
        | AuthAction::CreateVtable { table_name, .. }
        | AuthAction::DropVtable { table_name, .. }
        | AuthAction::CreateIndex { table_name, .. }
        | AuthAction::DropIndex { table_name, .. }
        | AuthAction::CreateTrigger { table_name, .. }
        | AuthAction::DropTrigger { table_name, .. } => !is_hosts(table_name),
        AuthAction::CreateView { view_name } | AuthAction::DropView { view_name } => !is_hosts(view_name),
        AuthAction::Function { function_name } => !function_name.eq_ignore_ascii_case("load_extension"),
        // Transactions, savepoints, other files, settings, and what ends with the connection.
        _ => false,
    }
}
