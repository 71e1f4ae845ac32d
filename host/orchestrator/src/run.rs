//! Running one saga: decide, act, until there is nothing to do.
//!
//! Everything here is economy but two things: what is done is what [`decide`] says, and whoever loses
//! a compare-and-set, or does not know how it went, forgets everything and reads the row again.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use skald_saga::decide::Cause;
use skald_saga::{Action, Definition, Fact, Progress, Reason, SagaId, State, decide, status};
use skald_store::clock::now_ms;
use skald_store::journal::{Entry, Error as JournalError, News, SagaRow, Turn};

use crate::Orchestrator;
use crate::place::Place;

/// After this time without an end the customer is told what has happened so far. A saga that is
/// faster tells everything with its end, in one write.
const TELL_AFTER: Duration = Duration::from_millis(25);

/// How long a saga rests when its journal fails, before it is read again.
const JOURNAL_PAUSE: Duration = Duration::from_millis(200);

/// One saga in the hands of this process.
pub(crate) struct Runner {
    pub host: Orchestrator,
    place: Place,
    pub definition: Arc<Definition>,
    pub row: SagaRow,
    pub progress: Progress,
    /// The outputs of the steps that are known to be done.
    pub outputs: Vec<Option<String>>,
    /// The last step that was begun, by whomever: what a FAILED event depends on.
    pub begun: Option<usize>,
    /// What will be appended to the history with the next write.
    pub entries: Vec<Entry>,
    /// What the last failed attempt ended with, and how long its component wants to be left alone.
    pub failure: (String, Option<u32>),
    /// The refusal of the step that was refused.
    pub refusal: Option<(String, String)>,
    /// When the customer is told what has happened so far. One timer for all of the saga's calls.
    tell_at: Pin<Box<tokio::time::Sleep>>,
    told: bool,
}

/// Whether the runner goes on.
pub(crate) enum Flow {
    On,
    Over,
}

/// Runs a saga from its row. `begun` is the last step of which the customer was told that it begins.
pub(crate) async fn run(place: Place, row: SagaRow, definition: Arc<Definition>, begun: Option<usize>) {
    let _counted = Counted::new(place.host.clone());
    Runner::new(place, row, definition, begun).go().await;
}

/// A saga counts among the running ones for as long as this lives.
struct Counted(Orchestrator);

impl Counted {
    fn new(host: Orchestrator) -> Self {
        host.0.count.fetch_add(1, Ordering::Relaxed);
        Self(host)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Runner {
    fn new(place: Place, row: SagaRow, definition: Arc<Definition>, begun: Option<usize>) -> Self {
        let steps = definition.steps.len();
        let mut runner = Self {
            host: place.host.clone(),
            place,
            progress: Progress::new(row.state, row.from_step, steps),
            outputs: vec![None; steps],
            begun,
            definition,
            row,
            entries: vec![],
            failure: (String::new(), None),
            refusal: None,
            tell_at: Box::pin(tokio::time::sleep(TELL_AFTER)),
            told: false,
        };
        runner.forget();
        runner
    }

    async fn go(mut self) {
        loop {
            // A cancel is heard before the next step; that it is obeyed is the compare-and-sets' business.
            if self.place.was_woken() && !self.read_again().await {
                return;
            }
            match self.act().await {
                Ok(Flow::On) => {}
                // Whoever woke it meanwhile has changed the row: the wake-up must not be lost.
                Ok(Flow::Over) => {
                    if self.host.0.stop.is_cancelled() || self.place.leave() || !self.read_again().await {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(saga = %self.row.id, %error, "the journal failed; the saga is read again after a pause");
                    if !self.pause(JOURNAL_PAUSE).await || !self.read_again().await {
                        return;
                    }
                }
            }
        }
    }

    async fn act(&mut self) -> Result<Flow, JournalError> {
        if self.host.0.stop.is_cancelled() {
            return Ok(Flow::Over);
        }
        self.progress.overdue = self.is_overdue();
        match decide(&self.definition, &self.progress) {
            Action::Run(step) => self.run_step(step).await,
            Action::Count(step) => self.count(step).await,
            Action::Abort(step, cause) => self.abort(step, cause).await,
            Action::StickForward(step) => self.stick(State::StuckForward, step).await,
            Action::Close(step) => self.close(step).await,
            Action::Compensate(step) => self.compensate(step).await,
            Action::CountBack(_) => self.count_back().await,
            Action::StickBack(step) => self.stick(State::StuckBack, step).await,
            Action::Complete => self.end(State::Completed).await,
            Action::EndCompensated => self.end(State::Compensated).await,
            Action::Rest => Ok(Flow::Over),
        }
    }

    fn is_overdue(&self) -> bool {
        let deadline = self.definition.deadline_ms.and_then(|ms| i64::try_from(ms).ok());
        deadline.is_some_and(|ms| now_ms() >= self.row.born.saturating_add(ms))
    }

    /// Counts a failed attempt, and waits for the next.
    async fn count(&mut self, step: usize) -> Result<Flow, JournalError> {
        let failed = self.progress.failed_attempts(step) + 1;
        let retry = &self.definition.steps[step].retry;
        let pause = retry.pause_ms(failed, dice()).max(self.failure.1.unwrap_or(0).into());
        let exhausted = retry.exhausted(failed);
        let next_at = now_ms().saturating_add(i64::try_from(pause).unwrap_or(i64::MAX));
        let entries = std::mem::take(&mut self.entries);
        match self
            .host
            .0
            .journal
            .record_attempt(self.key(), step, Some(next_at), entries)
            .await?
        {
            None => self.lost().await,
            Some(att) => {
                (self.progress.att_step, self.progress.att, self.progress.failed) = (Some(step), att, None);
                self.rest(pause, exhausted).await
            }
        }
    }

    async fn count_back(&mut self) -> Result<Flow, JournalError> {
        let failed = self.progress.att_back + 1;
        let retry = &self.definition.compensation;
        let pause = retry.pause_ms(failed, dice()).max(self.failure.1.unwrap_or(0).into());
        let exhausted = retry.exhausted(failed);
        let next_at = now_ms().saturating_add(i64::try_from(pause).unwrap_or(i64::MAX));
        let entries = std::mem::take(&mut self.entries);
        match self
            .host
            .0
            .journal
            .record_back_attempt(self.key(), Some(next_at), entries)
            .await?
        {
            None => self.lost().await,
            Some(att) => {
                (self.progress.att_back, self.progress.failed) = (att, None);
                self.rest(pause, exhausted).await
            }
        }
    }

    /// Waits before the next attempt, unless there is none; the customer is told what has happened.
    async fn rest(&mut self, pause_ms: u64, exhausted: bool) -> Result<Flow, JournalError> {
        if exhausted {
            return Ok(Flow::On);
        }
        self.tell().await;
        if self.pause(Duration::from_millis(pause_ms)).await {
            Ok(Flow::On)
        } else {
            Ok(Flow::Over)
        }
    }

    /// False: the host stops. Somebody who changed the row wakes the saga: then it is read again.
    async fn pause(&mut self, pause: Duration) -> bool {
        let woken = tokio::select! {
            () = tokio::time::sleep(pause) => false,
            () = self.place.woken() => true,
            () = self.host.0.stop.cancelled() => return false,
        };
        !woken || self.read_again().await
    }

    async fn abort(&mut self, step: usize, cause: Cause) -> Result<Flow, JournalError> {
        let reason = match cause {
            Cause::Refused => {
                let (code, detail) = self.refusal.clone().unwrap_or_default();
                Reason::Refused { code, detail }
            }
            Cause::Fenced => Reason::Fenced,
            Cause::Exhausted => Reason::Exhausted {
                detail: self.failure.0.clone(),
            },
            Cause::Overdue => Reason::Overdue,
        };
        let turn = Turn {
            from: State::Running,
            to: State::Aborting,
            from_step: Some(step),
            reason: Some(reason.clone()),
        };
        self.note_turn(State::Aborting, Some(reason.clone()));
        let entries = std::mem::take(&mut self.entries);
        // Rule "abort CAS before the first compensation".
        if self
            .host
            .0
            .journal
            .turn(self.key(), turn, None, entries)
            .await?
            .is_none()
        {
            return self.lost().await;
        }
        self.row.reason = Some(reason);
        (self.progress.state, self.progress.from) = (State::Aborting, step);
        Ok(Flow::On)
    }

    async fn stick(&mut self, state: State, step: usize) -> Result<Flow, JournalError> {
        let (name, detail) = (&self.definition.steps[step].name, &self.failure.0);
        let detail = format!("step {name}: {detail}");
        let alien = self.progress.facts[step] == Some(Fact::Alien);
        let reason = match state {
            _ if alien => Reason::Inconsistent { detail },
            State::StuckBack => Reason::CompensationExhausted { detail },
            _ => Reason::Exhausted { detail },
        };
        tracing::error!(saga = %self.row.id, state = state.name(), reason = reason.code(), step = name, "a saga is stuck and waits for an operator");
        let turn = Turn {
            from: self.progress.state,
            to: state,
            from_step: None,
            reason: Some(reason.clone()),
        };
        self.note_turn(state, Some(reason));
        self.turn(turn).await
    }

    async fn end(&mut self, state: State) -> Result<Flow, JournalError> {
        // Rules "completed only from running" and "terminal writes are CAS".
        let turn = Turn {
            from: self.progress.state,
            to: state,
            from_step: None,
            reason: None,
        };
        self.turn(turn).await
    }

    /// The last change of a saga, with the events that were not told yet.
    async fn turn(&mut self, turn: Turn) -> Result<Flow, JournalError> {
        let stuck = turn.reason.as_ref().map(|reason| reason.code().to_owned());
        let news = News {
            stuck,
            ..self.news(turn.to)
        };
        let entries = std::mem::take(&mut self.entries);
        let state = turn.to;
        match self.host.0.journal.turn(self.key(), turn, Some(news), entries).await? {
            Some(_) => {
                self.host.0.observer.ended(&self.definition, state);
                Ok(Flow::Over)
            }
            None => self.lost().await,
        }
    }

    fn note_turn(&mut self, state: State, reason: Option<Reason>) {
        self.entries.push(Entry::Turned {
            at_ms: now_ms(),
            state,
            reason,
        });
    }

    /// Tells the customer what has happened, once that takes long. It is no part of the saga: when it
    /// fails, the events come with the end.
    pub(crate) async fn tell(&mut self) {
        let state = self.progress.state;
        if let Err(error) = self.host.0.journal.tell(self.news(state), state).await {
            tracing::warn!(saga = %self.row.id, %error, "status events are late");
        }
        self.told = true;
    }

    /// Waits for something that is being done, and tells the customer meanwhile if it takes long.
    pub(crate) async fn while_telling<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        if !self.told {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = &mut self.tell_at => self.tell().await,
            }
        }
        work.await
    }

    fn news(&self, state: State) -> News {
        let frontier = self.progress.frontier_or_next();
        let refused = self.progress.facts.get(frontier) == Some(&Some(Fact::Rejected));
        let begun = refused || self.begun.is_some_and(|begun| begun >= frontier);
        // The row's reason may be another by now: that of having been stuck.
        let refusal = self.refusal.as_ref().filter(|_| refused).map(|(code, _)| code.as_str());
        let reason = refusal.or_else(|| self.row.reason.as_ref().map(Reason::code));
        News {
            saga: self.row.id,
            nonce: self.row.nonce,
            definition: self.row.definition,
            stream: self.row.stream.clone(),
            round: self.row.round,
            events: status::events(&self.progress, begun, state),
            reason: reason.map(str::to_owned),
            stuck: None,
            at_ms: now_ms(),
        }
    }

    pub(crate) fn key(&self) -> (SagaId, skald_saga::Nonce) {
        (self.row.id, self.row.nonce)
    }

    /// A compare-and-set was lost: somebody else changed the saga.
    pub(crate) async fn lost(&mut self) -> Result<Flow, JournalError> {
        if self.read_again().await {
            Ok(Flow::On)
        } else {
            Ok(Flow::Over)
        }
    }

    /// Forgets everything and reads the row; false: there is nothing more to do.
    async fn read_again(&mut self) -> bool {
        loop {
            match self.host.0.journal.load(self.row.id).await {
                Ok(Some(row)) if row.nonce == self.row.nonce => {
                    self.row = row;
                    self.forget();
                    return true;
                }
                Ok(_) => {
                    tracing::error!(saga = %self.row.id, "the journal's row is gone or bears another nonce; the saga is left alone");
                    return false;
                }
                Err(error) => tracing::warn!(saga = %self.row.id, %error, "the journal can't be read"),
            }
            if self.host.0.stop.is_cancelled() {
                return false;
            }
            tokio::time::sleep(JOURNAL_PAUSE).await;
        }
    }

    fn forget(&mut self) {
        let steps = self.definition.steps.len();
        self.progress = Progress {
            att_step: self.row.att_step,
            att: self.row.att,
            att_back: self.row.att_back,
            recovering: self.row.recovering,
            ..Progress::new(self.row.state, self.row.from_step, steps)
        };
        self.refusal = None;
    }
}

/// A number in [0, 1) for the jitter.
fn dice() -> f64 {
    f64::from(getrandom::u32().unwrap_or(1 << 31)) / (f64::from(u32::MAX) + 1.0)
}
