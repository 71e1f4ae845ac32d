//! Read-only connections to a file, a few of them, handed out in turn. Nobody gets to see what a loss
//! of power could still undo: who gives one back waits until all that was committed is on disk.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use rusqlite::Connection;

use super::error::OpenError;
use super::sync::Tide;
use super::{Db, Options};

/// The read-only connections of a file.
#[derive(Clone)]
pub struct Readers {
    idle: Receiver<Box<Db>>,
    back: Sender<Box<Db>>,
    tide: Arc<Tide>,
}

impl Readers {
    pub(super) fn open(options: &Options, tide: Arc<Tide>) -> Result<Self, OpenError> {
        let (back, idle) = crossbeam_channel::bounded(options.readers);
        for _ in 0..options.readers {
            back.send(Db::open_reader(options)?)
                .expect("the channel holds as many as are opened");
        }
        Ok(Self { idle, back, tide })
    }

    /// Waits for a connection that is free. It blocks: never call it on a thread that serves others.
    pub(super) fn lend(&self) -> Lent<'_> {
        Lent {
            db: Some(self.idle.recv().expect("this handle keeps the channel open")),
            home: self,
        }
    }

    /// Uses a connection; it blocks until one is free.
    pub fn with<T>(&self, work: impl FnOnce(&Connection) -> T) -> T {
        work(&self.lend().db().connection)
    }

    /// Uses a connection on a thread that may block.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> rusqlite::Result<T> {
        let readers = self.clone();
        match tokio::task::spawn_blocking(move || readers.with(work)).await {
            Ok(found) => found,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime is being shut down, and this task with it: nobody waits for an answer.
            Err(_) => std::future::pending().await,
        }
    }
}

/// A connection that finds its way back, also when its user panics.
pub(super) struct Lent<'r> {
    db: Option<Box<Db>>,
    home: &'r Readers,
}

impl Lent<'_> {
    pub(super) fn db(&mut self) -> &mut Db {
        self.db.as_mut().expect("it is given back on drop only")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(db) = self.db.take() {
            // The channel has room for every connection there is.
            let _ = self.home.back.send(db);
            self.home.tide.wait();
        }
    }
}
