//! The durable start of a saga. Nothing is answered before its row is committed.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use skald_saga::{Definition, Nonce, SagaId, State};
use skald_store::clock::now_ms;
use skald_store::journal::{Error as JournalError, NewSaga, SagaRow, StartKey, Started};

use crate::Orchestrator;
use crate::place::Place;
use crate::run::run;

/// How often another id is made when one is taken. Two clashes in a row are one in 16 million.
const MOST_CLASHES: u32 = 8;

/// An admitted request. It can't be made without an id, so the component that admitted knew it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The id that the saga gets.
    pub id: SagaId,
    /// What it will do.
    pub definition: Arc<Definition>,
    /// Its admitted input, a JSON text.
    pub input: Arc<str>,
    /// On whose behalf it runs: a principal as JSON text.
    pub principal: Option<Arc<str>>,
    /// The stream that its status events go to.
    pub stream: Arc<str>,
    /// What makes the start idempotent.
    pub key: Option<StartKey>,
    /// The answer's body, given for the same key again.
    pub response: Arc<str>,
}

/// What became of a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Launched {
    /// The saga is durable, and runs.
    New,
    /// The key was used before; this is what was recorded.
    Before(Started),
    /// The id is taken. Admit again with another one.
    Clash,
}

/// Why a saga was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Too many run already, or too much waits to be written. Ask again later.
    #[error("too many sagas run at the moment")]
    Overloaded,
    /// The host is stopping.
    #[error("the host is stopping")]
    Stopping,
    /// The journal fails.
    #[error(transparent)]
    Journal(JournalError),
}

impl From<JournalError> for StartError {
    fn from(error: JournalError) -> Self {
        if error.is_overload() {
            Self::Overloaded
        } else {
            Self::Journal(error)
        }
    }
}

impl Orchestrator {
    /// A new id for a saga.
    pub fn new_id() -> SagaId {
        let random = getrandom::u64().unwrap_or_default();
        SagaId::compose(now_ms().unsigned_abs(), random)
    }

    /// Whether a start would be refused now: asked before anything costs time.
    pub fn admits(&self) -> Result<(), StartError> {
        if self.0.stop.is_cancelled() {
            return Err(StartError::Stopping);
        }
        if self.0.count.load(Ordering::Relaxed) >= self.0.settings.most_running {
            return Err(StartError::Overloaded);
        }
        Ok(())
    }

    /// Starts a saga: it runs as soon as its row is durable.
    pub async fn start(&self, request: Request) -> Result<Launched, StartError> {
        self.admits()?;
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).expect("the system has random numbers");
        let new = NewSaga {
            id: request.id,
            nonce: Nonce(nonce),
            definition: self.digest_of(&request.definition),
            input: request.input,
            principal: request.principal,
            stream: request.stream,
            born: now_ms(),
            key: request.key.map(|key| (key, request.response)),
        };
        let row = SagaRow {
            id: new.id,
            nonce: new.nonce,
            definition: new.definition,
            input: new.input.clone(),
            principal: new.principal.clone(),
            stream: new.stream.clone(),
            born: new.born,
            state: State::Running,
            from_step: 0,
            reason: None,
            att_step: None,
            att: 0,
            att_back: 0,
            next_at: None,
            recovering: false,
            round: 0,
        };
        match self.0.journal.start(new).await? {
            Started::New => {
                self.0.observer.started(&request.definition);
                // The sweep could only have it already if this thread had slept for seconds.
                if let Some(place) = Place::take(self, row.id) {
                    self.0.tasks.spawn(run(place, row, request.definition, None));
                }
                Ok(Launched::New)
            }
            Started::Clash => Ok(Launched::Clash),
            before => Ok(Launched::Before(before)),
        }
    }

    /// How often a clash of ids is answered by another id.
    pub const fn most_clashes() -> u32 {
        MOST_CLASHES
    }
}
