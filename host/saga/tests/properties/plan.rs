//! A random saga, and all that will happen to it.

use proptest::collection::vec;
use proptest::prelude::*;
use skald_saga::definition::Step;
use skald_saga::mapping::Mapping;
use skald_saga::{Definition, Exhausted, Retry};

/// How an attempt to run a step, or to compensate it, goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    Done,
    /// It happens, and its reply is lost.
    DoneReplyLost,
    /// A business refusal; of a compensation it is one more failure.
    Refused,
    RefusedReplyLost,
    /// Nothing happens: a trap, a time-out, the database is gone.
    Failed,
    /// It kills the host before its COMMIT.
    Kills,
    /// It kills the host after its COMMIT.
    DoneKills,
}

/// What will happen to one saga. Attempts that are not planned succeed.
#[derive(Clone, Debug)]
pub struct Plan {
    pub definition: Definition,
    pub forward: Vec<Vec<Attempt>>,
    pub back: Vec<Vec<Attempt>>,
    /// Before which move the saga is cancelled.
    pub cancel: Option<usize>,
    /// Before which moves which step's messages are delivered once more.
    pub duplicates: Vec<(usize, usize)>,
    /// Before which moves the host is killed.
    pub kills: Vec<usize>,
    /// From which move on the saga's deadline has passed.
    pub overdue: Option<usize>,
}

impl Plan {
    pub fn steps(&self) -> usize {
        self.definition.steps.len()
    }

    /// The saga without disturbances from outside.
    pub fn undisturbed(self) -> Self {
        Self {
            cancel: None,
            duplicates: vec![],
            kills: vec![],
            overdue: None,
            ..self
        }
    }
}

/// A definition of steps with these budgets and policies.
pub fn definition(steps: &[(u32, Exhausted)], compensation: u32) -> Definition {
    let step = |(n, (attempts, on_exhausted)): (usize, &(u32, Exhausted))| Step {
        name: format!("STEP_{n}"),
        component: String::new(),
        database: String::new(),
        retry: Retry {
            attempts: *attempts,
            ..Retry::default()
        },
        on_exhausted: *on_exhausted,
        deadline_ms: 1,
        external_effects: false,
        input: Mapping::Whole,
    };
    Definition {
        name: String::new(),
        steps: steps.iter().enumerate().map(step).collect(),
        deadline_ms: None,
        compensation: Retry {
            attempts: compensation,
            ..Retry::default()
        },
    }
}

fn attempt() -> impl Strategy<Value = Attempt> {
    prop_oneof![
        8 => Just(Attempt::Done),
        2 => Just(Attempt::DoneReplyLost),
        1 => Just(Attempt::Refused),
        1 => Just(Attempt::RefusedReplyLost),
        3 => Just(Attempt::Failed),
        1 => Just(Attempt::Kills),
        1 => Just(Attempt::DoneKills),
    ]
}

fn policy() -> impl Strategy<Value = Exhausted> {
    prop_oneof![3 => Just(Exhausted::Abort), 1 => Just(Exhausted::Stick)]
}

/// Sagas of one to eight steps.
pub fn any_plan() -> impl Strategy<Value = Plan> {
    (1..=8_usize).prop_flat_map(|steps| {
        (
            vec((1..=4_u32, policy()), steps),
            2..=8_u32,
            vec(vec(attempt(), 0..4), steps),
            vec(vec(attempt(), 0..4), steps),
            proptest::option::weighted(0.3, 0..40_usize),
            vec((0..40_usize, 0..steps), 0..4),
            vec(0..40_usize, 0..3),
            proptest::option::weighted(0.2, 0..40_usize),
        )
            .prop_map(
                |(steps, compensation, forward, back, cancel, duplicates, kills, overdue)| Plan {
                    definition: definition(&steps, compensation),
                    forward,
                    back,
                    cancel,
                    duplicates,
                    kills,
                    overdue,
                },
            )
    })
}
