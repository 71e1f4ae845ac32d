//! A copy of a database file while it is being written to.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

/// Copies the file as it is at one moment, by SQLite's online backup: writers go on meanwhile. The
/// copy is on disk when this returns. It must not exist before.
///
/// # Errors
/// What SQLite says; half a copy may be left then.
pub fn copy(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    source.busy_timeout(Duration::from_secs(10))?;
    let mut target = Connection::open(to)?;
    // In one step it is one read transaction; in several, every write in between would begin it anew.
    let copied = Backup::new(&source, &mut target)?.step(-1)?;
    if copied != StepResult::Done {
        return Err(rusqlite::Error::InvalidQuery);
    }
    // The copy is one file, whole without a log beside it.
    target.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
}
