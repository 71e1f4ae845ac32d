//! The writer's connection, and how statements of components run on it.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, Statement};

use super::error::{OpenError, classify};
use super::guard::{Vetting, Wall, check, check_parameters};
use super::{AfterCommit, Options};
use crate::sql::{Error, Limits, ResultSet, Value};

/// How many prepared statements a connection keeps: those of the host and of a large component.
const CACHED_STATEMENTS: usize = 256;

/// After how many instructions of SQLite's machine the deadline is looked at: about 50 µs.
const INSTRUCTIONS_PER_LOOK: i32 = 4_000;

/// A connection that writes, with what guards it against the components that use it.
///
/// A step's transaction is lent to the component by moving the box with this in it, so it is small
/// to move and has no borrowed parts.
pub struct Db {
    pub(super) connection: Connection,
    pub(super) limits: Limits,
    pub(super) vetting: Vetting,
    wall: Wall,
    deadline: Deadline,
    /// Unguessable, so that no statement of a component can name it.
    savepoint: String,
    /// A component got a transient error: nothing more of this call may run (rule 3 of the protocol).
    pub(super) poisoned: bool,
    /// The savepoints that the component has open, innermost last.
    pub(super) marks: Vec<u32>,
    pub(super) next_mark: u32,
    pub(super) after_commit: Vec<AfterCommit>,
    /// What a component's invoker keeps from one call to the next of the same group.
    pub(super) scratch: Option<Box<dyn Any + Send>>,
    pub(crate) label: String,
}

impl Db {
    /// Opens the file for writing.
    pub(super) fn open(
        options: &Options,
        prepare: impl FnOnce(&mut Connection) -> Result<(), OpenError>,
    ) -> Result<Box<Self>, OpenError> {
        let unusable = |source| OpenError::Unusable {
            label: options.label.clone(),
            path: options.path.display().to_string(),
            source,
        };
        let mut connection = Connection::open_with_flags(
            &options.path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(unusable)?;
        configure(&connection).map_err(unusable)?;
        if let Some(damage) = damage(&connection, options).map_err(unusable)? {
            let detail = format!(
                "{} is damaged ({damage}); restore it from a backup",
                options.path.display()
            );
            return Err(OpenError::Unfit {
                label: options.label.clone(),
                detail,
            });
        }
        prepare(&mut connection)?;
        Self::guarded(connection, options).map_err(unusable)
    }

    /// Opens the file for reading only.
    pub(super) fn open_reader(options: &Options) -> Result<Box<Self>, OpenError> {
        let open = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&options.path, flags)?;
            connection.busy_timeout(std::time::Duration::from_secs(5))?;
            connection.pragma_update(None, "query_only", true)?;
            // There are several to a file, and the kernel keeps the file's pages too.
            connection.pragma_update(None, "cache_size", -1_024)?;
            connection.pragma_update(None, "trusted_schema", false)?;
            Self::guarded(connection, options)
        };
        open().map_err(|source| OpenError::Unusable {
            label: options.label.clone(),
            path: options.path.display().to_string(),
            source,
        })
    }

    fn guarded(mut connection: Connection, options: &Options) -> rusqlite::Result<Box<Self>> {
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        let wall = Wall::build(&mut connection)?;
        let deadline = Deadline::watch(&mut connection)?;
        Ok(Box::new(Self {
            connection,
            limits: options.limits,
            vetting: Vetting::default(),
            wall,
            deadline,
            savepoint: format!("s{:016x}", getrandom::u64().unwrap_or_default()),
            poisoned: false,
            marks: vec![],
            next_mark: 0,
            after_commit: vec![],
            scratch: None,
            label: options.label.clone(),
        }))
    }

    /// The connection, for the host's own statements.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Runs one of the host's own statements that returns no rows; its text is cached.
    pub(crate) fn run(&self, statement: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(statement)?.execute([]).map(drop)
    }

    /// `SAVEPOINT`, `RELEASE` or `ROLLBACK TO` of the savepoint that the component works in.
    pub(super) fn control(&self, verb: &str) -> rusqlite::Result<()> {
        self.run(&format!("{verb} {}", self.savepoint))
    }

    /// The same of a savepoint that the component itself has begun.
    pub(super) fn mark_control(&self, verb: &str, mark: u32) -> rusqlite::Result<()> {
        self.run(&format!("{verb} {}m{mark}", self.savepoint))
    }

    /// From here on a commit is not synced by SQLite: [`sync`](super::sync) does it.
    pub(super) fn leave_syncing(&self) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "synchronous", "NORMAL")
    }

    /// Whether the transaction that the writer opened is still there.
    pub(crate) fn in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    pub(super) fn set_deadline(&self, at: Option<Instant>) {
        self.deadline.set(at);
    }

    /// Forgets what belonged to the last call of a component.
    pub(super) fn reset_call(&mut self) {
        self.poisoned = false;
        self.marks.clear();
        self.next_mark = 0;
        self.after_commit.clear();
        self.deadline.set(None);
    }

    /// Refuses a statement that a component may not run. Each text is looked at once.
    fn vet(&mut self, statement: &str) -> Result<(), Error> {
        if self.vetting.knows(statement) {
            return Ok(());
        }
        check(statement)?;
        let checked = {
            let _raised = self.wall.raise();
            let prepared = self.connection.prepare_cached(statement);
            let prepared = prepared.map_err(|error| classify(&error));
            prepared.and_then(|prepared| check_parameters(&prepared))
        };
        self.poison_by(checked)?;
        self.vetting.remember(statement);
        Ok(())
    }

    /// Whether a component's statement only reads.
    pub(super) fn guest_reads(&mut self, statement: &str) -> Result<bool, Error> {
        self.vet(statement)?;
        let _raised = self.wall.raise();
        let prepared = self
            .connection
            .prepare_cached(statement)
            .map_err(|error| classify(&error))?;
        Ok(prepared.readonly())
    }

    /// Runs a component's statement that returns rows.
    pub(super) fn guest_query(&mut self, statement: &str, params: &[Value]) -> Result<ResultSet, Error> {
        self.vet(statement)?;
        let _raised = self.wall.raise();
        let found = query(&self.connection, self.limits, statement, params);
        self.poison_by(found)
    }

    /// Runs a component's statement that returns none.
    pub(super) fn guest_execute(&mut self, statement: &str, params: &[Value]) -> Result<u32, Error> {
        self.vet(statement)?;
        let _raised = self.wall.raise();
        let changed = execute(&self.connection, statement, params);
        self.poison_by(changed)
    }

    fn poison_by<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if result.as_ref().is_err_and(Error::is_transient) {
            self.poisoned = true;
        }
        result
    }
}

/// Up to this size, in bytes, a file is looked through when it is opened: it takes some 20 ms. Of a
/// larger one only the head is, because a start must not take longer the more sagas there are.
const LOOKED_THROUGH: u64 = 8 << 20;

/// What is wrong with a file, if that shows at a look.
fn damage(connection: &Connection, options: &Options) -> rusqlite::Result<Option<String>> {
    let number = |pragma: &str| connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0));
    let size = std::fs::metadata(&options.path).map_or(0, |file| file.len());
    if size > LOOKED_THROUGH {
        // Reading the schema finds a file that is none of SQLite's, or whose head is garbage.
        number("schema_version")?;
        return Ok(None);
    }
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((found != "ok").then_some(found))
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // 4 MiB of pages: what a group touches stays in memory, and the host stays small.
    connection.pragma_update(None, "cache_size", -4_096)?;
    // A checkpoint every 16 MiB of log, not every 4: it runs between two groups.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))
}

/// A moment at which statements of a component are interrupted, looked at by SQLite itself.
struct Deadline {
    zero: Instant,
    /// Microseconds after `zero`; `u64::MAX`: never.
    at_us: Arc<AtomicU64>,
}

impl Deadline {
    fn watch(connection: &mut Connection) -> rusqlite::Result<Self> {
        let zero = Instant::now();
        let at_us = Arc::new(AtomicU64::new(u64::MAX));
        let watched = at_us.clone();
        connection.progress_handler(
            INSTRUCTIONS_PER_LOOK,
            Some(move || {
                let at = watched.load(Ordering::Relaxed);
                at != u64::MAX && micros_since(zero, Instant::now()) >= at
            }),
        )?;
        Ok(Self { zero, at_us })
    }

    fn set(&self, at: Option<Instant>) {
        self.at_us
            .store(at.map_or(u64::MAX, |at| micros_since(self.zero, at)), Ordering::Relaxed);
    }
}

fn micros_since(zero: Instant, at: Instant) -> u64 {
    u64::try_from(at.saturating_duration_since(zero).as_micros()).unwrap_or(u64::MAX)
}

struct Param<'a>(&'a Value);

impl rusqlite::ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Boolean(truth) => ValueRef::Integer(i64::from(*truth)),
            Value::Integer(number) | Value::Timestamp(number) => ValueRef::Integer(*number),
            Value::Real(number) => ValueRef::Real(*number),
            Value::Text(text) | Value::Decimal(text) | Value::Json(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn prepare<'c>(
    connection: &'c Connection,
    statement: &str,
    params: &[Value],
) -> Result<rusqlite::CachedStatement<'c>, Error> {
    let prepared = connection.prepare_cached(statement).map_err(|error| classify(&error))?;
    let wanted = prepared.parameter_count();
    if wanted != params.len() {
        let given = params.len();
        return Err(Error::faulty(
            "07001",
            format!("the statement has {wanted} parameters, and {given} were given"),
        ));
    }
    Ok(prepared)
}

fn execute(connection: &Connection, statement: &str, params: &[Value]) -> Result<u32, Error> {
    let mut prepared = prepare(connection, statement, params)?;
    if prepared.column_count() > 0 {
        return Err(Error::faulty("42601", "the statement returns rows: use query"));
    }
    let changed = prepared
        .execute(rusqlite::params_from_iter(params.iter().map(Param)))
        .map_err(|error| classify(&error))?;
    Ok(u32::try_from(changed).unwrap_or(u32::MAX))
}

fn query(connection: &Connection, limits: Limits, statement: &str, params: &[Value]) -> Result<ResultSet, Error> {
    let mut prepared = prepare(connection, statement, params)?;
    let kinds = column_kinds(&prepared);
    let columns = prepared.column_names().map(String::from).collect();
    let mut result = ResultSet { columns, rows: vec![] };
    let mut rows = prepared
        .query(rusqlite::params_from_iter(params.iter().map(Param)))
        .map_err(|error| classify(&error))?;
    let mut bytes = 0;
    while let Some(row) = rows.next().map_err(|error| classify(&error))? {
        if result.rows.len() >= limits.rows {
            return Err(Error::faulty(
                "54000",
                format!("the result has more than {} rows: add a LIMIT", limits.rows),
            ));
        }
        let mut values = Vec::with_capacity(kinds.len());
        for (index, kind) in kinds.iter().enumerate() {
            let value = row.get_ref(index).map_err(|error| classify(&error))?;
            bytes += size(value);
            values.push(read(value, *kind)?);
        }
        if bytes > limits.result_bytes {
            return Err(Error::faulty(
                "54000",
                format!("the result is larger than {} bytes", limits.result_bytes),
            ));
        }
        result.rows.push(values);
    }
    Ok(result)
}

fn size(value: ValueRef<'_>) -> usize {
    16 + match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
        _ => 0,
    }
}

/// SQLite types values, not columns. The declared type says which case a value belongs to.
#[derive(Clone, Copy)]
enum Kind {
    Plain,
    Boolean,
    Timestamp,
    Decimal,
    Json,
}

fn column_kinds(prepared: &Statement<'_>) -> Vec<Kind> {
    prepared
        .columns()
        .map(|column| match column.decl_type() {
            Some(declared) if declared.eq_ignore_ascii_case("BOOLEAN") => Kind::Boolean,
            Some(declared) if declared.eq_ignore_ascii_case("TIMESTAMP") => Kind::Timestamp,
            Some(declared) if declared.eq_ignore_ascii_case("DECIMAL TEXT") => Kind::Decimal,
            Some(declared) if declared.eq_ignore_ascii_case("JSON TEXT") => Kind::Json,
            _ => Kind::Plain,
        })
        .collect()
}

fn read(value: ValueRef<'_>, kind: Kind) -> Result<Value, Error> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => match kind {
            Kind::Boolean => Value::Boolean(number != 0),
            Kind::Timestamp => Value::Timestamp(number),
            _ => Value::Integer(number),
        },
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.into()),
        ValueRef::Text(bytes) => {
            let text = std::str::from_utf8(bytes)
                .map_err(|_| Error::faulty("22021", "a text in the database is no UTF-8"))?
                .to_owned();
            match kind {
                Kind::Decimal => Value::Decimal(text),
                Kind::Json => Value::Json(text),
                _ => Value::Text(text),
            }
        }
    })
}
