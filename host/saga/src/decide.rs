//! The decision: what an orchestrator does next with a saga.
//!
//! It is a function of the definition, the journal state and the facts that the fences told. Nothing
//! else may decide: not a clock (being overdue is handed in), not a cached outcome, not a lease.
//! Several orchestrators may decide about one saga at once, each from what it knows; the fences and
//! the compare-and-set on the journal row make that safe, and this module only has to be honest
//! about what is known. Its neighbours: `state` has the states, `status` tells the customer.

use crate::definition::{Definition, Exhausted};
use crate::state::State;

/// What a fence told about a step since this orchestrator picked the saga up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// Its action is committed.
    Done,
    /// It was refused, and the fence records it: nobody can run it any more.
    Rejected,
    /// Its action was turned away by a fence that is taken. That may be a compensated step as well,
    /// so it says nothing about where the frontier is.
    TurnedAway,
    /// Its fence is closed: it was never done, and nobody can run it any more.
    Fenced,
    /// It was done, and is compensated.
    Undone,
    /// Its fence contradicts the journal: an operator has to look.
    Alien,
}

/// What an orchestrator knows of a saga. Everything in it may be stale.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Progress {
    /// The state of the journal row, as last read or written.
    pub state: State,
    /// Where the search for the frontier begins once the saga is aborting (0 is the first step).
    pub from: usize,
    /// What is known of each step.
    pub facts: Vec<Option<Fact>>,
    /// The step that the counted attempts belong to.
    pub att_step: Option<usize>,
    /// How many attempts of that step have failed.
    pub att: u32,
    /// How many attempts to compensate have failed.
    pub att_back: u32,
    /// The saga comes from a restored journal, and nobody has seen yet how far it was.
    pub recovering: bool,
    /// An attempt at this step failed, or its outcome is unknown, and the journal doesn't count it yet.
    pub failed: Option<usize>,
    /// The saga's deadline has passed.
    pub overdue: bool,
}

impl Progress {
    /// Nothing is known but the journal row of a saga with this many steps.
    pub fn new(state: State, from: usize, steps: usize) -> Self {
        Self {
            state,
            from,
            facts: vec![None; steps],
            att_step: None,
            att: 0,
            att_back: 0,
            recovering: false,
            failed: None,
            overdue: false,
        }
    }

    /// How many counted attempts of this step have failed.
    pub fn failed_attempts(&self, step: usize) -> u32 {
        if self.att_step == Some(step) { self.att } else { 0 }
    }

    /// The first step that is not done and that nobody can run any more, once that is known.
    /// It is the number of steps when all of them were done.
    pub fn frontier(&self) -> Option<usize> {
        match self.search_frontier() {
            Frontier::At(step) => Some(step),
            _ => None,
        }
    }

    /// The frontier where it is known, else the first step that is not known to be done: the step that
    /// the customer hears of next.
    pub fn frontier_or_next(&self) -> usize {
        let known = |step: usize| match self.facts[step] {
            Some(Fact::Done) => true,
            // Whoever turned the saga back knew all steps below `from` to be done.
            fact => self.state != State::Running && (fact == Some(Fact::Undone) || step < self.from),
        };
        let next = || (0..self.facts.len()).take_while(|step| known(*step)).count();
        if self.state == State::Running {
            next()
        } else {
            self.frontier().unwrap_or_else(next)
        }
    }

    /// Rule "close upwards until something other than done": a stale orchestrator may be a step
    /// further than this one knows.
    fn search_frontier(&self) -> Frontier {
        for step in self.from..self.facts.len() {
            match self.facts[step] {
                Some(Fact::Done | Fact::Undone) => {}
                Some(Fact::Rejected | Fact::Fenced) => return Frontier::At(step),
                Some(Fact::Alien) => return Frontier::Alien,
                // Rule "a plain SELECT never decides": neither does having been turned away.
                Some(Fact::TurnedAway) | None => return Frontier::Open(step),
            }
        }
        Frontier::At(self.facts.len())
    }
}

enum Frontier {
    At(usize),
    Open(usize),
    Alien,
}

/// Why a saga is turned back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The step was refused.
    Refused,
    /// The step's fence was taken while the saga was running.
    Fenced,
    /// The step's attempts are used up.
    Exhausted,
    /// The saga's deadline has passed.
    Overdue,
}

/// What an orchestrator does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Run the step, or ask for its outcome: that is the same call.
    Run(usize),
    /// Count a failed attempt at the step in the journal, and wait.
    Count(usize),
    /// `running → aborting`, with the frontier to be searched from this step.
    Abort(usize, Cause),
    /// `running → stuck_forward`, because of this step.
    StickForward(usize),
    /// Take the step's fence so that its action can't run, or learn what it says.
    Close(usize),
    /// Compensate the step.
    Compensate(usize),
    /// Count a failed attempt to close or compensate the step, and wait.
    CountBack(usize),
    /// `aborting → stuck_back`, because of this step.
    StickBack(usize),
    /// `running → completed`.
    Complete,
    /// `aborting → compensated`.
    EndCompensated,
    /// Nothing: the saga has ended, or waits for an operator.
    Rest,
}

/// The decision.
pub fn decide(definition: &Definition, progress: &Progress) -> Action {
    match progress.state {
        State::Running => forward(definition, progress),
        State::Aborting => back(definition, progress),
        State::StuckForward | State::StuckBack | State::Completed | State::Compensated => Action::Rest,
    }
}

fn forward(definition: &Definition, progress: &Progress) -> Action {
    if let Some(step) = progress.failed {
        return Action::Count(step);
    }
    let Some(step) = progress.facts.iter().position(|fact| *fact != Some(Fact::Done)) else {
        return Action::Complete;
    };
    match progress.facts[step] {
        Some(Fact::Rejected) => return Action::Abort(step, Cause::Refused),
        // Rule "`fenced` while running means abort": else a restored saga never ends.
        Some(Fact::Fenced | Fact::TurnedAway | Fact::Undone) => return Action::Abort(step, Cause::Fenced),
        Some(Fact::Alien) => return Action::StickForward(step),
        Some(Fact::Done) | None => {}
    }
    let policy = &definition.steps[step];
    if policy.retry.exhausted(progress.failed_attempts(step)) {
        // Rule "exhaustion while recovering sticks": the saga may have completed before the restore.
        return match policy.on_exhausted {
            Exhausted::Abort if !progress.recovering => Action::Abort(step, Cause::Exhausted),
            _ => Action::StickForward(step),
        };
    }
    if progress.overdue && !progress.recovering {
        return Action::Abort(step, Cause::Overdue);
    }
    Action::Run(step)
}

fn back(definition: &Definition, progress: &Progress) -> Action {
    if let Some(step) = progress.failed {
        return Action::CountBack(step);
    }
    let exhausted = definition.compensation.exhausted(progress.att_back);
    let frontier = match progress.search_frontier() {
        Frontier::At(step) => step,
        Frontier::Open(step) if exhausted => return Action::StickBack(step),
        Frontier::Open(step) => return Action::Close(step),
        Frontier::Alien => return Action::StickBack(alien(progress)),
    };
    // Rule "reverse order": the topmost step that is not settled is the only one to be touched.
    for step in (0..frontier).rev() {
        match progress.facts[step] {
            Some(Fact::Undone | Fact::Fenced | Fact::Rejected) => {}
            Some(Fact::Alien) => return Action::StickBack(step),
            _ if exhausted => return Action::StickBack(step),
            Some(Fact::Done | Fact::TurnedAway) | None => return Action::Compensate(step),
        }
    }
    Action::EndCompensated
}

fn alien(progress: &Progress) -> usize {
    progress
        .facts
        .iter()
        .position(|fact| *fact == Some(Fact::Alien))
        .unwrap_or(progress.from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::Step;
    use crate::mapping::Mapping;
    use crate::retry::Retry;

    fn definition(steps: usize, on_exhausted: Exhausted) -> Definition {
        let retry = Retry {
            attempts: 2,
            ..Retry::default()
        };
        let step = |n: usize| Step {
            name: format!("STEP_{n}"),
            component: "c".into(),
            database: "d".into(),
            retry: retry.clone(),
            on_exhausted,
            deadline_ms: 1000,
            external_effects: false,
            input: Mapping::Whole,
        };
        Definition {
            name: "s".into(),
            steps: (0..steps).map(step).collect(),
            deadline_ms: None,
            compensation: retry.clone(),
        }
    }

    fn progress(state: State, from: usize, facts: &[Option<Fact>]) -> Progress {
        Progress {
            facts: facts.to_vec(),
            ..Progress::new(state, from, facts.len())
        }
    }

    #[test]
    fn a_running_saga_goes_to_the_first_step_that_is_not_done() {
        use Fact::{Alien, Done, Fenced, Rejected, TurnedAway, Undone};
        let definition = definition(3, Exhausted::Abort);
        for (facts, action) in [
            ([None, None, None], Action::Run(0)),
            ([Some(Done), None, None], Action::Run(1)),
            ([Some(Done), Some(Done), Some(Done)], Action::Complete),
            ([Some(Done), Some(Rejected), None], Action::Abort(1, Cause::Refused)),
            ([Some(TurnedAway), None, None], Action::Abort(0, Cause::Fenced)),
            ([Some(Fenced), None, None], Action::Abort(0, Cause::Fenced)),
            ([Some(Undone), None, None], Action::Abort(0, Cause::Fenced)),
            ([Some(Done), Some(Alien), None], Action::StickForward(1)),
        ] {
            assert_eq!(
                decide(&definition, &progress(State::Running, 0, &facts)),
                action,
                "{facts:?}"
            );
        }
    }

    #[test]
    fn a_failed_attempt_is_counted_before_anything_else() {
        let definition = definition(2, Exhausted::Abort);
        let failed = |state| Progress {
            failed: Some(1),
            overdue: true,
            ..progress(state, 0, &[Some(Fact::Done), None])
        };
        assert_eq!(decide(&definition, &failed(State::Running)), Action::Count(1));
        assert_eq!(decide(&definition, &failed(State::Aborting)), Action::CountBack(1));
    }

    #[test]
    fn an_exhausted_step_follows_the_policy_but_never_aborts_while_recovering() {
        for (policy, recovering, action) in [
            (Exhausted::Abort, false, Action::Abort(1, Cause::Exhausted)),
            (Exhausted::Stick, false, Action::StickForward(1)),
            (Exhausted::Abort, true, Action::StickForward(1)),
            (Exhausted::Stick, true, Action::StickForward(1)),
        ] {
            let exhausted = Progress {
                att_step: Some(1),
                att: 2,
                recovering,
                ..progress(State::Running, 0, &[Some(Fact::Done), None])
            };
            assert_eq!(decide(&definition(2, policy), &exhausted), action);
        }
    }

    #[test]
    fn attempts_of_an_earlier_step_are_not_held_against_a_later_one() {
        let progress = Progress {
            att_step: Some(0),
            att: 2,
            ..progress(State::Running, 0, &[Some(Fact::Done), None])
        };
        assert_eq!(decide(&definition(2, Exhausted::Abort), &progress), Action::Run(1));
    }

    #[test]
    fn an_overdue_saga_turns_back_unless_all_is_done_or_it_recovers() {
        let definition = definition(2, Exhausted::Abort);
        let overdue = |facts: [Option<Fact>; 2], recovering| Progress {
            overdue: true,
            recovering,
            ..progress(State::Running, 0, &facts)
        };
        assert_eq!(
            decide(&definition, &overdue([Some(Fact::Done), None], false)),
            Action::Abort(1, Cause::Overdue)
        );
        assert_eq!(
            decide(&definition, &overdue([Some(Fact::Done), None], true)),
            Action::Run(1)
        );
        assert_eq!(
            decide(&definition, &overdue([Some(Fact::Done); 2], false)),
            Action::Complete
        );
    }

    #[test]
    fn an_aborting_saga_closes_the_frontier_upwards_and_then_compensates_downwards() {
        use Fact::{Done, Fenced, Rejected, TurnedAway, Undone};
        let definition = definition(3, Exhausted::Abort);
        for (from, facts, action) in [
            (0, [None, None, None], Action::Close(0)),
            (0, [Some(Done), None, None], Action::Close(1)),
            (1, [Some(Done), Some(TurnedAway), None], Action::Close(1)),
            (1, [Some(Done), Some(Done), None], Action::Close(2)),
            (1, [Some(Done), Some(Done), Some(Done)], Action::Compensate(2)),
            (1, [Some(Done), Some(Done), Some(Fenced)], Action::Compensate(1)),
            (1, [None, Some(Rejected), None], Action::Compensate(0)),
            (1, [Some(Undone), Some(Undone), None], Action::Close(2)),
            (0, [Some(Done), Some(Undone), Some(Fenced)], Action::Compensate(0)),
            (0, [Some(Undone), Some(Undone), Some(Undone)], Action::EndCompensated),
            (0, [Some(Fenced), None, None], Action::EndCompensated),
        ] {
            assert_eq!(
                decide(&definition, &progress(State::Aborting, from, &facts)),
                action,
                "from {from} {facts:?}"
            );
        }
    }

    #[test]
    fn a_spent_budget_on_the_way_back_is_stuck_wherever_it_happens() {
        let definition = definition(2, Exhausted::Abort);
        for (facts, action) in [
            ([None, None], Action::StickBack(0)),
            ([Some(Fact::Done), Some(Fact::Fenced)], Action::StickBack(0)),
            ([Some(Fact::Undone), Some(Fact::Fenced)], Action::EndCompensated),
            ([Some(Fact::Alien), None], Action::StickBack(0)),
        ] {
            let spent = Progress {
                att_back: 2,
                ..progress(State::Aborting, 0, &facts)
            };
            assert_eq!(decide(&definition, &spent), action, "{facts:?}");
        }
    }

    #[test]
    fn the_step_that_is_heard_of_next_is_not_below_what_is_known_to_be_done() {
        use Fact::{Done, Fenced, TurnedAway, Undone};
        for (state, from, facts, next) in [
            (State::Running, 0, [Some(Done), None, None], 1),
            (State::Running, 0, [Some(Done); 3], 3),
            (State::Aborting, 2, [None, None, None], 2),
            (State::Aborting, 1, [Some(Done), Some(TurnedAway), None], 1),
            (State::Aborting, 0, [Some(Undone), None, None], 1),
            (State::Aborting, 0, [Some(Done), Some(Fenced), None], 1),
        ] {
            assert_eq!(
                progress(state, from, &facts).frontier_or_next(),
                next,
                "{state:?} from {from} {facts:?}"
            );
        }
    }

    #[test]
    fn nothing_is_done_with_a_saga_that_rests() {
        for state in [
            State::StuckForward,
            State::StuckBack,
            State::Completed,
            State::Compensated,
        ] {
            let progress = Progress {
                failed: Some(0),
                overdue: true,
                ..progress(state, 0, &[None])
            };
            assert_eq!(decide(&definition(1, Exhausted::Abort), &progress), Action::Rest);
        }
    }
}
