//! A service's database with one table of its own, and components made of closures.

use std::sync::{LazyLock, mpsc};

use skald_saga::{Digest, Nonce, SagaId};
use skald_store::clock::now_ms;
use skald_store::fence::{self, Action, Back, Close, Guest, GuestAnswer, Key, Outcome, Reply, StepSession};
use skald_store::sql::{Error, Session, Value};
use skald_store::sqlite::{Db, Fate, File, Job, OpenError, Options, Verdict};
use tokio::sync::oneshot;

/// A database file in a folder of its own.
pub struct Service {
    pub file: File,
    _folder: tempfile::TempDir,
}

impl Service {
    pub fn open() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = File::open(&Options::new(folder.path().join("shop.db"), "shop"), |connection| {
            fence::prepare(connection, "shop")?;
            let table = "CREATE TABLE effect (saga INTEGER, note TEXT); CREATE TABLE parent (id INTEGER PRIMARY KEY); \
                         CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)";
            connection.execute_batch(table).map_err(|error| OpenError::Unfit {
                label: "shop".into(),
                detail: error.to_string(),
            })
        });
        Self {
            file: file.expect("the file opens"),
            _folder: folder,
        }
    }

    /// Runs a step, and waits for its reply.
    pub fn act(&self, key: Key, work: impl FnMut(&mut StepSession) -> GuestAnswer + Send + 'static) -> Outcome {
        answer(self.send(key, work)).outcome
    }

    /// Queues a step.
    pub fn send(
        &self,
        key: Key,
        work: impl FnMut(&mut StepSession) -> GuestAnswer + Send + 'static,
    ) -> oneshot::Receiver<Reply> {
        let (job, reply) = Action::new(key, None, Box::new(Does(work)));
        self.file.writer.submit(Box::new(job)).expect("there is room");
        reply
    }

    /// Closes or compensates a step, and waits for its reply.
    pub fn back(
        &self,
        key: Key,
        close: Close,
        work: impl FnMut(&mut StepSession) -> GuestAnswer + Send + 'static,
    ) -> Outcome {
        let (job, reply) = Back::new(key, close, false, Box::new(Does(work)));
        self.file.writer.submit(Box::new(job)).expect("there is room");
        answer(reply).outcome
    }

    /// Holds the writer until what is returned is dropped: what is queued meanwhile makes one group.
    pub fn hold(&self) -> mpsc::Sender<()> {
        let (open, go) = mpsc::channel();
        let (arrived, seen) = mpsc::channel();
        self.file
            .writer
            .submit(Box::new(Hold { go, arrived }))
            .expect("there is room");
        seen.recv().expect("the writer takes it");
        open
    }

    /// A number out of the database, as others see it.
    pub fn count(&self, query: &str) -> i64 {
        self.file
            .readers
            .with(|connection| connection.query_row(query, [], |row| row.get(0)).expect("a number"))
    }

    /// The outcomes of all fences, in order.
    pub fn outcomes(&self) -> Vec<String> {
        let rows = self
            .file
            .readers
            .with(|connection| fence::sagas_of(connection, SagaId(0), 1000));
        rows.expect("fences can be read")
            .into_iter()
            .map(|row| row.outcome)
            .collect()
    }

    /// Changes the host's tables by hand.
    pub fn by_hand(&self, statement: &'static str) {
        self.file
            .writer
            .write_blocking(move |connection| connection.execute_batch(statement))
            .expect("it is SQL");
    }
}

/// The first step of a saga; the number keeps sagas apart.
pub fn key(number: u64) -> Key {
    static BORN: LazyLock<u64> = LazyLock::new(|| now_ms().unsigned_abs() - 1000);
    Key {
        saga: SagaId::compose(*BORN + number, number),
        step: 0,
        nonce: Nonce([7; 16]),
    }
}

pub fn answer(reply: oneshot::Receiver<Reply>) -> Reply {
    reply.blocking_recv().expect("the writer answers")
}

/// It is done, with an empty object.
pub fn done() -> GuestAnswer {
    GuestAnswer::Done("{}".into())
}

/// Writes one row.
pub fn write(session: &mut StepSession, note: &str) -> Result<u32, Error> {
    session.execute("INSERT INTO effect (note) VALUES (?)", &[Value::Text(note.into())])
}

struct Does<F>(F);

impl<F: FnMut(&mut StepSession) -> GuestAnswer + Send> Guest for Does<F> {
    fn step(&mut self, mut session: StepSession) -> (StepSession, GuestAnswer, Digest) {
        let answer = (self.0)(&mut session);
        (session, answer, Digest::of(b"version 1"))
    }

    fn compensate(
        &mut self,
        mut session: StepSession,
        _: Option<Digest>,
        _: Option<&str>,
    ) -> (StepSession, GuestAnswer) {
        let answer = (self.0)(&mut session);
        (session, answer)
    }
}

struct Hold {
    go: mpsc::Receiver<()>,
    arrived: mpsc::Sender<()>,
}

impl Job for Hold {
    fn run(&mut self, db: Box<Db>) -> (Box<Db>, Verdict) {
        let _ = self.arrived.send(());
        // It ends when the other side is dropped.
        let _ = self.go.recv();
        (db, Verdict::Undo)
    }

    fn settle(self: Box<Self>, _: Fate) {}

    /// Alone, so that what is queued meanwhile is a group of its own.
    fn alone(&self) -> bool {
        true
    }
}
