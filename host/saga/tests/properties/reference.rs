//! How an undisturbed saga must end, told by a plain walk over its plan: no facts, no fences, no moves.

use skald_saga::{Exhausted, State};

use crate::host::Effect;
use crate::plan::{Attempt, Plan};

/// How a saga must end.
#[derive(Debug, PartialEq, Eq)]
pub struct End {
    pub state: State,
    pub effects: Vec<Effect>,
}

/// How a walk over the attempts of one step went.
enum Walk {
    Done,
    /// It was done, and killed the host: the next component that is called begins with one attempt less.
    DoneKills,
    Refused,
    Exhausted {
        done: bool,
    },
}

/// Walks forward, and back if it has to.
pub fn end(plan: &Plan) -> End {
    let mut effects = vec![];
    let mut owed = 0;
    for step in 0..plan.steps() {
        let policy = &plan.definition.steps[step];
        let walk = forward(&plan.forward[step], policy.retry.attempts, owed);
        owed = 0;
        if matches!(walk, Walk::Done | Walk::DoneKills | Walk::Exhausted { done: true }) {
            effects.push(Effect::Act(step));
        }
        match walk {
            Walk::Done => {}
            Walk::DoneKills => owed = 1,
            Walk::Exhausted { .. } if policy.on_exhausted == Exhausted::Stick => {
                return End {
                    state: State::StuckForward,
                    effects,
                };
            }
            Walk::Refused | Walk::Exhausted { .. } => return back(plan, effects),
        }
    }
    End {
        state: State::Completed,
        effects,
    }
}

fn forward(planned: &[Attempt], budget: u32, owed: u32) -> Walk {
    let mut failed = owed;
    let mut attempts = planned.iter().copied().chain(std::iter::repeat(Attempt::Done));
    while failed < budget {
        let attempt = attempts.next().expect("there is no end to the attempts");
        let last = failed + 1 == budget;
        match attempt {
            Attempt::DoneReplyLost if last => return Walk::Exhausted { done: true },
            Attempt::RefusedReplyLost if last => return Walk::Exhausted { done: false },
            Attempt::Done | Attempt::DoneReplyLost => return Walk::Done,
            Attempt::Refused | Attempt::RefusedReplyLost => return Walk::Refused,
            Attempt::DoneKills => return Walk::DoneKills,
            Attempt::Failed | Attempt::Kills => failed += 1,
        }
    }
    Walk::Exhausted { done: false }
}

fn back(plan: &Plan, mut effects: Vec<Effect>) -> End {
    let budget = plan.definition.compensation.attempts;
    let mut failed = 0;
    let mut owed = 0;
    for step in (0..effects.len()).rev() {
        failed += std::mem::take(&mut owed);
        let walk = undo(&plan.back[step], budget, &mut failed);
        if matches!(walk, Walk::Done | Walk::DoneKills | Walk::Exhausted { done: true }) {
            effects.push(Effect::Undo(step));
        }
        if matches!(walk, Walk::Exhausted { .. }) {
            return End {
                state: State::StuckBack,
                effects,
            };
        }
        owed = u32::from(matches!(walk, Walk::DoneKills));
    }
    End {
        state: State::Compensated,
        effects,
    }
}

/// The compensations share one budget, and a refusal is one more failure.
fn undo(planned: &[Attempt], budget: u32, failed: &mut u32) -> Walk {
    let mut attempts = planned.iter().copied().chain(std::iter::repeat(Attempt::Done));
    while *failed < budget {
        let attempt = attempts.next().expect("there is no end to the attempts");
        *failed += u32::from(!matches!(attempt, Attempt::Done | Attempt::DoneKills));
        match attempt {
            Attempt::DoneReplyLost if *failed == budget => return Walk::Exhausted { done: true },
            Attempt::Done | Attempt::DoneReplyLost => return Walk::Done,
            Attempt::DoneKills => return Walk::DoneKills,
            Attempt::Refused | Attempt::RefusedReplyLost | Attempt::Failed | Attempt::Kills => {}
        }
    }
    Walk::Exhausted { done: false }
}
