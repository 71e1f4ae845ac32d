//! What people do to a saga: cancel it, or get it out of being stuck. All by compare-and-set on the
//! exact state, all recorded in its history.

use rusqlite::{Connection, OptionalExtension};
use skald_saga::definition::step_number;
use skald_saga::{Reason, SagaId, State};

use super::change::{Entry, lines};
use super::{Error, Journal};
use crate::clock::now_ms;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Turn it back, wherever it is.
    Cancel,
    /// Go on in the direction it is stuck in, with a new budget.
    Retry,
    /// Turn a saga back that is stuck forward.
    Abort,
}

impl Operation {
    /// Its name in histories and the admin API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Abort => "abort",
        }
    }

    /// The state that comes after one, if the operation is possible in it.
    fn after(self, state: State) -> Option<State> {
        match (self, state) {
            (Self::Cancel, State::Running | State::StuckForward) | (Self::Abort, State::StuckForward) => {
                Some(State::Aborting)
            }
            // Rule "operator's retry is CAS on the exact stuck state".
            (Self::Retry, State::StuckForward) => Some(State::Running),
            (Self::Retry, State::StuckBack) => Some(State::Aborting),
            _ => None,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operated {
    /// It is done; the saga is in this state now.
    Now(State),
    /// It is not possible in the state that the saga is in.
    NotIn(State),
    /// Rule "no cancel while recovering": the saga comes from a restored journal, and may have ended
    /// before the restore.
    Recovering,
    /// There is no such saga.
    Unknown,
}

impl Journal {
    /// Does it, on whose behalf and why.
    pub async fn operate(
        &self,
        saga: SagaId,
        operation: Operation,
        by: String,
        reason: String,
    ) -> Result<Operated, Error> {
        self.write(move |connection| operate(connection, saga, operation, &by, &reason))
            .await
    }

    /// Restore: every saga that has not ended may have ended after the backup was taken. Until one is
    /// known not to have, it can't be cancelled. Says how many there are. Only for a journal whose
    /// sagas don't run yet.
    pub async fn mark_recovering(&self) -> Result<usize, Error> {
        self.write(|connection| {
            connection.execute(
                "UPDATE saga SET recovering = 1 WHERE state NOT IN ('completed', 'compensated')",
                [],
            )
        })
        .await
    }

    /// Notes in the history that an operator undoes a step by hand.
    pub async fn note_resolved(&self, saga: SagaId, step: String, by: String, reason: String) -> Result<(), Error> {
        let entry = Entry::Operated {
            at_ms: now_ms(),
            action: format!("resolve {step}"),
            by,
            reason,
            state: State::StuckBack,
        };
        let history = lines(&[entry]);
        self.write(move |connection| {
            connection.execute(
                "UPDATE saga SET history = history || ? WHERE id = ?",
                (&history, saga.0.cast_signed()),
            )
        })
        .await
        .map(drop)
    }
}

fn operate(
    connection: &Connection,
    saga: SagaId,
    operation: Operation,
    by: &str,
    reason: &str,
) -> rusqlite::Result<Operated> {
    let found: Option<(String, bool)> = connection
        .prepare_cached("SELECT state, recovering FROM saga WHERE id = ?")?
        .query_row([saga.0.cast_signed()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((name, recovering)) = found else {
        return Ok(Operated::Unknown);
    };
    let Some(state) = State::from_name(&name) else {
        return Ok(Operated::Unknown);
    };
    if recovering && operation != Operation::Retry {
        return Ok(Operated::Recovering);
    }
    let Some(next) = operation.after(state) else {
        return Ok(Operated::NotIn(state));
    };
    let turned = matches!((state, next), (State::Running | State::StuckForward, State::Aborting));
    let why = Reason::Cancelled {
        detail: format!("{by}: {reason}"),
    };
    let why = turned.then(|| serde_json::to_string(&why).expect("reasons are plain data"));
    let entry = Entry::Operated {
        at_ms: now_ms(),
        action: operation.name().into(),
        by: by.into(),
        reason: reason.into(),
        state: next,
    };
    let changed = connection
        .prepare_cached(
            "UPDATE saga SET state = ?, from_step = coalesce(?, from_step), reason = coalesce(?, reason), att = 0, att_back = 0, \
             next_at = NULL, round = round + ?, history = history || ? WHERE id = ? AND state = ?",
        )?
        .execute((
            next.name(),
            turned.then(|| step_number(0)),
            why,
            i64::from(state.is_stuck()),
            lines(&[entry]),
            saga.0.cast_signed(),
            state.name(),
        ))?;
    Ok(if changed == 1 {
        Operated::Now(next)
    } else {
        Operated::NotIn(state)
    })
}
