//! Decisions that break one rule each. All but that rule is left to the real decision.

use skald_saga::decide::Cause;
use skald_saga::{Action, Definition, Fact, Progress, State, decide};

/// The real decision, from other facts than those that the fences told.
fn with_facts(definition: &Definition, progress: &Progress, change: impl FnOnce(&mut Progress)) -> Action {
    let mut changed = progress.clone();
    change(&mut changed);
    decide(definition, &changed)
}

/// Takes a fact for granted where nothing is known for certain.
fn pretend(progress: &mut Progress, step: usize, fact: Fact) {
    if let Some(known @ (None | Some(Fact::TurnedAway))) = progress.facts.get_mut(step) {
        *known = Some(fact);
    }
}

/// Does not close the step at which it turned back.
pub fn leaves_the_unknown_step_open(definition: &Definition, progress: &Progress) -> Action {
    with_facts(definition, progress, |progress| {
        if progress.state == State::Aborting {
            pretend(progress, progress.from, Fact::Fenced);
        }
    })
}

/// Closes the step at which it turned back, and none above it.
pub fn closes_the_unknown_step_only(definition: &Definition, progress: &Progress) -> Action {
    with_facts(definition, progress, |progress| {
        let known = progress.facts.get(progress.from).copied().flatten();
        if progress.state == State::Aborting && matches!(known, Some(Fact::Done | Fact::Undone)) {
            pretend(progress, progress.from + 1, Fact::Fenced);
        }
    })
}

/// Takes a time-out for a refusal.
pub fn takes_a_timeout_for_a_refusal(definition: &Definition, progress: &Progress) -> Action {
    with_facts(definition, progress, |progress| {
        if let Some(step) = progress.failed.take() {
            pretend(progress, step, Fact::Rejected);
        }
    })
}

/// Compensates the refused step too.
pub fn compensates_the_refused_step(definition: &Definition, progress: &Progress) -> Action {
    with_facts(definition, progress, |progress| {
        if progress.state == State::Aborting
            && let Some(step) = progress.facts.iter().position(|fact| *fact == Some(Fact::Rejected))
        {
            progress.facts[step] = Some(Fact::Done);
            pretend(progress, step + 1, Fact::Fenced);
        }
    })
}

/// Compensates the first step first.
pub fn compensates_in_forward_order(definition: &Definition, progress: &Progress) -> Action {
    let settled = |fact: &Option<Fact>| matches!(fact, Some(Fact::Undone | Fact::Fenced | Fact::Rejected));
    match decide(definition, progress) {
        Action::Compensate(step) => {
            Action::Compensate(progress.facts.iter().position(|fact| !settled(fact)).unwrap_or(step))
        }
        action => action,
    }
}

/// Takes having been turned away for having been done.
pub fn takes_fenced_for_done(definition: &Definition, progress: &Progress) -> Action {
    with_facts(definition, progress, |progress| {
        for step in 0..progress.facts.len() {
            if progress.state == State::Running && progress.facts[step] == Some(Fact::TurnedAway) {
                progress.facts[step] = Some(Fact::Done);
            }
        }
    })
}

/// Takes having been turned away for a closed frontier: but a compensated step turns away as well.
pub fn takes_turned_away_for_the_frontier(definition: &Definition, progress: &Progress) -> Action {
    with_facts(definition, progress, |progress| {
        for step in 0..progress.facts.len() {
            if progress.facts[step] == Some(Fact::TurnedAway) {
                progress.facts[step] = Some(Fact::Fenced);
            }
        }
    })
}

/// Asks again and again after having been turned away.
pub fn retries_when_fenced(definition: &Definition, progress: &Progress) -> Action {
    match decide(definition, progress) {
        Action::Abort(step, Cause::Fenced) => Action::Run(step),
        action => action,
    }
}

/// Turns back although the saga comes from a restored journal.
pub fn turns_back_while_recovering(definition: &Definition, progress: &Progress) -> Action {
    with_facts(definition, progress, |progress| progress.recovering = false)
}

/// Ends as soon as the frontier is closed.
pub fn ends_before_compensating(definition: &Definition, progress: &Progress) -> Action {
    match decide(definition, progress) {
        Action::Compensate(_) => Action::EndCompensated,
        action => action,
    }
}

/// Takes the last step for granted.
pub fn completes_before_the_last_step(definition: &Definition, progress: &Progress) -> Action {
    match decide(definition, progress) {
        Action::Run(step) if step + 1 == progress.facts.len() => Action::Complete,
        action => action,
    }
}

/// Gives up a compensation that failed as if there were nothing to undo.
pub fn gives_a_compensation_up(definition: &Definition, progress: &Progress) -> Action {
    match decide(definition, progress) {
        Action::StickBack(_) => Action::EndCompensated,
        action => action,
    }
}

/// Calls the step above before the outcome of the failed one is known.
pub fn goes_on_after_a_failure(definition: &Definition, progress: &Progress) -> Action {
    with_facts(definition, progress, |progress| {
        if let Some(step) = progress.failed.take() {
            pretend(progress, step, Fact::Done);
        }
    })
}
