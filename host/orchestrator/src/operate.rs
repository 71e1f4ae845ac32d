//! What an operator, or a customer's cancel, does to a saga.

use skald_saga::definition::step_number;
use skald_saga::{SagaId, State};
use skald_store::fence::{self, ByHand, FenceRow, Key};
use skald_store::journal::{Error as JournalError, Operated, Operation, SagaRow};
use skald_store::sqlite::Unwritten;

use crate::Orchestrator;

/// Why an operator's wish can't be met.
#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    /// There is no such saga.
    #[error("there is no saga {0}")]
    Unknown(SagaId),
    /// The saga has no such step.
    #[error("saga {saga} has no step {step}; its steps are {steps}")]
    NoStep {
        /// The saga.
        saga: SagaId,
        /// What was asked for.
        step: String,
        /// What there is.
        steps: String,
    },
    /// It is not possible in that state.
    #[error("saga {saga} is {}: {wanted}", state.name())]
    NotIn {
        /// The saga.
        saga: SagaId,
        /// Its state.
        state: State,
        /// What would be possible, or is needed.
        wanted: String,
    },
    /// The saga comes from a restored journal.
    #[error(
        "saga {0} comes from a restored journal and may have ended before: it can't be cancelled until it is known how far it was"
    )]
    Recovering(SagaId),
    /// The journal fails.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A service's database fails.
    #[error(transparent)]
    Database(#[from] Unwritten),
}

impl Orchestrator {
    /// Cancels, retries or aborts a saga: by whom, and why.
    pub async fn operate(
        &self,
        saga: SagaId,
        operation: Operation,
        by: &str,
        reason: &str,
    ) -> Result<State, OperateError> {
        match self
            .0
            .journal
            .operate(saga, operation, by.into(), reason.into())
            .await?
        {
            Operated::Now(state) => {
                tracing::info!(%saga, action = operation.name(), by, "a saga was operated on");
                self.wake(saga).await?;
                Ok(state)
            }
            Operated::NotIn(state) => Err(OperateError::NotIn {
                saga,
                state,
                wanted: possible(state).into(),
            }),
            Operated::Recovering => Err(OperateError::Recovering(saga)),
            Operated::Unknown => Err(OperateError::Unknown(saga)),
        }
    }

    /// Resolves a step by hand: the fence is written first, and decides whose turn it is.
    pub async fn resolve(&self, saga: SagaId, step: &str, by: &str, reason: &str) -> Result<ByHand, OperateError> {
        let row = self.0.journal.load(saga).await?.ok_or(OperateError::Unknown(saga))?;
        let not_in = |wanted: &str| OperateError::NotIn {
            saga,
            state: row.state,
            wanted: wanted.into(),
        };
        if row.state != State::StuckBack {
            return Err(not_in("a step is resolved by hand only while the saga is stuck_back"));
        }
        let definition = self
            .definition(&row.definition)
            .ok_or_else(|| not_in("its definition is not known"))?;
        let names: Vec<&str> = definition.steps.iter().map(|step| step.name.as_str()).collect();
        let index = names
            .iter()
            .position(|name| *name == step)
            .ok_or_else(|| OperateError::NoStep {
                saga,
                step: step.into(),
                steps: names.join(", "),
            })?;
        let fences = self
            .fences(&row, definition.steps.iter().map(|step| step.database.as_str()))
            .await?;
        check_order(&fences, row.from_step, index).map_err(not_in)?;
        let key = Key {
            saga,
            step: index,
            nonce: row.nonce,
        };
        let file = self
            .database(&definition.steps[index].database)
            .ok_or_else(|| not_in("its database is gone"))?;
        let by_hand = file
            .writer
            .write(move |connection| fence::resolve_by_hand(connection, &key))
            .await?;
        self.0
            .journal
            .note_resolved(saga, step.into(), by.into(), reason.into())
            .await?;
        Ok(by_hand)
    }

    /// The fence of each step, where there is one.
    pub async fn fences(
        &self,
        row: &SagaRow,
        databases: impl Iterator<Item = &str>,
    ) -> Result<Vec<Option<FenceRow>>, OperateError> {
        let mut fences = vec![];
        for (step, label) in databases.enumerate() {
            let saga = row.id;
            let Some(file) = self.database(label) else {
                fences.push(None);
                continue;
            };
            let rows = file
                .readers
                .read(move |connection| fence::of_saga(connection, saga))
                .await;
            let rows = rows.map_err(JournalError::Unread)?;
            fences.push(rows.into_iter().find(|row| row.step == step_number(step)));
        }
        Ok(fences)
    }
}

/// Rules "hand repair only under a closed frontier" and "reverse order". A step that was broken off was
/// never known to be done, so nobody can have gone beyond it: its own resolution closes the frontier.
fn check_order(fences: &[Option<FenceRow>], from: usize, index: usize) -> Result<(), &'static str> {
    let outcome = |step: usize| fences[step].as_ref().map(|fence| fence.outcome.as_str());
    let top = match (0..fences.len()).find(|step| outcome(*step) == Some("pending")) {
        Some(broken) if broken == index => fences.len(),
        Some(_) => return Err("a step was broken off, and its fence is pending: resolve that one first"),
        None => {
            let settled = |step: &usize| matches!(outcome(*step), Some("done" | "undone" | "undone_by_hand"));
            let frontier = (from..fences.len()).find(|step| !settled(step)).unwrap_or(fences.len());
            if frontier < fences.len() && !matches!(outcome(frontier), Some("rejected" | "fenced")) {
                return Err("its frontier is still open: retry it first, so that nothing late can run");
            }
            frontier
        }
    };
    if (index + 1..top).any(|step| outcome(step) == Some("done")) {
        return Err("a later step is still done: steps are undone in reverse order");
    }
    Ok(())
}

fn possible(state: State) -> &'static str {
    match state {
        State::Running => "it can be cancelled",
        State::Aborting => "it is being compensated; wait for its end",
        State::StuckForward => "it can be retried, aborted or cancelled",
        State::StuckBack => "it can be retried, or a step resolved by hand",
        State::Completed | State::Compensated => "it has ended, and nothing can be done to it",
    }
}
