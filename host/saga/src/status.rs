//! What the customer is told: the status events of a saga, derived from what is known of its steps.
//!
//! The same knowledge always gives the same list, in the same order, so whoever takes a saga over
//! adds just what its predecessor had not written yet. An event is identified by step, status and
//! round (how often an operator has set the stuck saga going again).

use serde::{Deserialize, Serialize};

use crate::decide::{Fact, Progress};
use crate::state::State;

/// What happened to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Status {
    /// It begins.
    #[serde(rename = "STATUS_EXECUTE")]
    Execute = 0,
    /// It is done.
    #[serde(rename = "STATUS_SUCCESS")]
    Success = 1,
    /// It was refused, given up, or cancelled.
    #[serde(rename = "STATUS_FAILED")]
    Failed = 2,
    /// It is compensated.
    #[serde(rename = "STATUS_ROLLBACKED")]
    RolledBack = 3,
    /// Its compensation can't be had: an operator has to look.
    #[serde(rename = "STATUS_ROLLBACK_FAIL")]
    RollbackFail = 4,
}

/// The saga's state as the customer is told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Phase {
    /// Steps are being run.
    #[serde(rename = "RUNNING")]
    Running = 0,
    /// Steps are being compensated.
    #[serde(rename = "COMPENSATING")]
    Compensating = 1,
    /// Every step is done.
    #[serde(rename = "COMPLETED")]
    Completed = 2,
    /// Nothing is left of it.
    #[serde(rename = "COMPENSATED")]
    Compensated = 3,
    /// An operator has to look at it.
    #[serde(rename = "STUCK")]
    Stuck = 4,
}

impl Status {
    /// The status of that number, as it is stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [
            Self::Execute,
            Self::Success,
            Self::Failed,
            Self::RolledBack,
            Self::RollbackFail,
        ]
        .into_iter()
        .nth(number.into())
    }
}

impl Phase {
    /// Whether an event with it may be the last of its saga: an end, or being stuck.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Compensated | Self::Stuck)
    }

    /// The phase of that number, as it is stored.
    pub fn from_number(number: u8) -> Option<Self> {
        [
            Self::Running,
            Self::Compensating,
            Self::Completed,
            Self::Compensated,
            Self::Stuck,
        ]
        .into_iter()
        .nth(number.into())
    }
}

/// A status event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Event {
    /// The step's place in the definition, from 0.
    pub step: usize,
    /// What happened to it.
    pub status: Status,
    /// The saga's phase once this event counts.
    pub phase: Phase,
}

/// The events of a saga of which this much is known.
///
/// `begun` says that somebody has begun the step of [`Progress::frontier_or_next`].
/// `state` is the state that the journal has once these events count, which is how the last event
/// tells the end; what is not known to be over has no last event here.
pub fn events(progress: &Progress, begun: bool, state: State) -> Vec<Event> {
    match state {
        State::Running | State::StuckForward | State::Completed => forward(progress, begun, state),
        State::Aborting | State::StuckBack | State::Compensated => back(progress, begun, state),
    }
}

fn forward(progress: &Progress, begun: bool, state: State) -> Vec<Event> {
    let done = progress
        .facts
        .iter()
        .take_while(|fact| **fact == Some(Fact::Done))
        .count();
    let mut events = until(done, Phase::Running);
    let next = |status, phase| Event {
        step: done,
        status,
        phase,
    };
    if done < progress.facts.len() && (begun || state == State::StuckForward) {
        events.push(next(Status::Execute, Phase::Running));
    }
    if state == State::StuckForward {
        events.push(next(Status::Failed, Phase::Stuck));
    }
    if state == State::Completed
        && let Some(last) = events.last_mut()
    {
        last.phase = Phase::Completed;
    }
    events
}

fn back(progress: &Progress, begun: bool, state: State) -> Vec<Event> {
    let Some(frontier) = progress.frontier() else {
        return before_the_frontier(progress, begun, state);
    };
    let mut events = until(frontier, Phase::Running);
    let turned = |step, status| Event {
        step,
        status,
        phase: Phase::Compensating,
    };
    if frontier < progress.facts.len() && begun {
        events.push(Event {
            step: frontier,
            status: Status::Execute,
            phase: Phase::Running,
        });
        events.push(turned(frontier, Status::Failed));
    } else if frontier == 0 && !progress.facts.is_empty() {
        // Nothing ran: the customer is told by one FAILED of the first step.
        events.push(turned(0, Status::Failed));
    }
    for step in (0..frontier).rev() {
        match progress.facts[step] {
            Some(Fact::Undone) => events.push(turned(step, Status::RolledBack)),
            // A compensation of a step that never ran tells nothing.
            Some(Fact::Fenced | Fact::Rejected) => {}
            _ => {
                if state == State::StuckBack {
                    events.push(Event {
                        step,
                        status: Status::RollbackFail,
                        phase: Phase::Stuck,
                    });
                }
                break;
            }
        }
    }
    if state == State::Compensated
        && let Some(last) = events.last_mut()
    {
        last.phase = Phase::Compensated;
    }
    events
}

/// The frontier is still searched, or the search is stuck: what was done is known only up to there.
fn before_the_frontier(progress: &Progress, begun: bool, state: State) -> Vec<Event> {
    let done = progress.frontier_or_next();
    let mut events = until(done, Phase::Running);
    if begun && done < progress.facts.len() {
        events.push(Event {
            step: done,
            status: Status::Execute,
            phase: Phase::Running,
        });
    }
    if state == State::StuckBack {
        events.push(Event {
            step: done.min(progress.facts.len() - 1),
            status: Status::RollbackFail,
            phase: Phase::Stuck,
        });
    }
    events
}

/// EXECUTE and SUCCESS of the first `done` steps.
fn until(done: usize, phase: Phase) -> Vec<Event> {
    let both = |step| [Status::Execute, Status::Success].map(|status| Event { step, status, phase });
    (0..done).flat_map(both).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Fact::{Done, Fenced, Rejected, Undone};

    fn told(facts: &[Option<Fact>], from: usize, begun: bool, state: State) -> Vec<String> {
        let progress = Progress {
            facts: facts.to_vec(),
            ..Progress::new(state, from, facts.len())
        };
        events(&progress, begun, state)
            .iter()
            .map(|event| format!("{}{:?}:{:?}", event.step + 1, event.status, event.phase))
            .collect()
    }

    #[test]
    fn a_success_is_two_events_a_step_and_the_last_says_completed() {
        assert_eq!(
            told(&[Some(Done); 3], 0, false, State::Completed),
            [
                "1Execute:Running",
                "1Success:Running",
                "2Execute:Running",
                "2Success:Running",
                "3Execute:Running",
                "3Success:Completed"
            ]
        );
    }

    #[test]
    fn a_refusal_is_told_and_then_each_compensation_in_reverse_order() {
        assert_eq!(
            told(
                &[Some(Undone), Some(Undone), Some(Rejected)],
                2,
                true,
                State::Compensated
            ),
            [
                "1Execute:Running",
                "1Success:Running",
                "2Execute:Running",
                "2Success:Running",
                "3Execute:Running",
                "3Failed:Compensating",
                "2RolledBack:Compensating",
                "1RolledBack:Compensated",
            ]
        );
        assert_eq!(
            told(&[Some(Rejected), None], 0, true, State::Compensated),
            ["1Execute:Running", "1Failed:Compensated"]
        );
    }

    #[test]
    fn a_compensation_is_told_only_once_it_is_known() {
        assert_eq!(
            told(&[Some(Done), Some(Undone), Some(Rejected)], 2, true, State::Aborting)
                .last()
                .map(String::as_str),
            Some("2RolledBack:Compensating")
        );
    }

    #[test]
    fn a_cancel_tells_failed_only_for_a_step_that_had_begun() {
        assert_eq!(
            told(&[Some(Fenced), None], 0, false, State::Compensated),
            ["1Failed:Compensated"]
        );
        assert_eq!(
            told(&[Some(Fenced), None], 0, true, State::Compensated),
            ["1Execute:Running", "1Failed:Compensated"]
        );
        assert_eq!(
            told(&[Some(Undone), Some(Fenced)], 0, false, State::Compensated),
            ["1Execute:Running", "1Success:Running", "1RolledBack:Compensated"]
        );
        assert_eq!(
            told(&[Some(Undone), Some(Undone)], 0, false, State::Compensated)
                .last()
                .map(String::as_str),
            Some("1RolledBack:Compensated")
        );
    }

    #[test]
    fn a_stuck_saga_says_so_in_its_last_event() {
        assert_eq!(
            told(&[Some(Done), None], 0, true, State::StuckForward),
            [
                "1Execute:Running",
                "1Success:Running",
                "2Execute:Running",
                "2Failed:Stuck"
            ]
        );
        assert_eq!(
            told(&[Some(Done), Some(Rejected)], 1, true, State::StuckBack)
                .last()
                .map(String::as_str),
            Some("1RollbackFail:Stuck")
        );
        assert_eq!(told(&[None, None], 0, false, State::StuckBack), ["1RollbackFail:Stuck"]);
    }

    #[test]
    fn nothing_is_taken_back_while_the_frontier_is_searched() {
        let running = ["1Execute:Running", "1Success:Running", "2Execute:Running"];
        assert_eq!(told(&[Some(Done), None], 0, true, State::Running), running);
        assert_eq!(told(&[Some(Done), None], 1, true, State::Aborting), running);
        // A successor knows no facts yet, but what lies below the step that turned the saga back.
        assert_eq!(told(&[None, None], 1, true, State::Aborting), running);
    }
}
