//! A host in miniature: the journal row, the fences, and an orchestrator that is killed and replaced.

use skald_saga::status::{Event, Status, events};
use skald_saga::{Action, Fact, Progress, State, decide};

use crate::plan::{Attempt, Plan};

/// More moves than any plan can take.
const MOVES: usize = 2_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fence {
    Absent,
    Done,
    Rejected,
    Fenced,
    Undone,
}

/// An effect that was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Act(usize),
    Undo(usize),
}

/// How a saga went.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub state: State,
    pub effects: Vec<Effect>,
    /// How often each step was begun by an orchestrator.
    pub runs: Vec<u32>,
    /// How many compensations were begun by an orchestrator and did not answer.
    pub failures_back: u32,
    /// For each life of an orchestrator, the lists of events that it made.
    pub lives: Vec<Vec<Vec<Event>>>,
    /// The steps of which somebody was told that they begin.
    pub begun: Vec<bool>,
}

/// What an orchestrator that is killed leaves behind is all here, but for `progress` and `owes`.
struct Host<'a> {
    plan: &'a Plan,
    counts_the_dead: bool,
    row: Progress,
    orphaned: bool,
    fences: Vec<Fence>,
    sent_back: Vec<bool>,
    back_attempts: Vec<usize>,
    moves: usize,
    outcome: Outcome,
}

/// Runs a saga until it rests.
pub fn run(plan: &Plan) -> Outcome {
    run_with(plan, true)
}

/// The same; whoever takes over from a dead owner may fail to count the attempt that killed it.
pub fn run_with(plan: &Plan, counts_the_dead: bool) -> Outcome {
    let steps = plan.steps();
    let row = Progress::new(State::Running, 0, steps);
    let outcome = Outcome {
        state: row.state,
        effects: vec![],
        runs: vec![0; steps],
        failures_back: 0,
        lives: vec![],
        begun: vec![false; steps],
    };
    let mut host = Host {
        plan,
        counts_the_dead,
        row,
        orphaned: false,
        fences: vec![Fence::Absent; steps],
        sent_back: vec![false; steps],
        back_attempts: vec![0; steps],
        moves: 0,
        outcome,
    };
    while matches!(host.row.state, State::Running | State::Aborting) {
        host.live();
    }
    host.outcome.state = host.row.state;
    host.outcome
}

/// Whether an orchestrator goes on with the saga.
enum Then {
    GoesOn,
    Forgets,
}

impl Host<'_> {
    /// One orchestrator, from its pick-up until it forgets the saga or dies.
    fn live(&mut self) {
        let mut progress = self.row.clone();
        let mut owes = std::mem::take(&mut self.orphaned) && self.counts_the_dead;
        self.outcome.lives.push(vec![]);
        loop {
            self.moves += 1;
            assert!(self.moves < MOVES, "the saga doesn't end: {:?}", self.plan);
            if self.plan.kills.contains(&self.moves) {
                self.orphaned = true;
                return;
            }
            self.disturb();
            progress.overdue = self.plan.overdue.is_some_and(|moment| moment <= self.moves);
            let action = decide(&self.plan.definition, &progress);
            self.tell(&progress, action);
            if owes && let Some(step) = self.would_call(action) {
                progress.failed = Some(step);
                owes = false;
            } else if let Then::Forgets = self.act(&mut progress, action) {
                return;
            }
        }
    }

    /// The cancel and the duplicates that are due.
    fn disturb(&mut self) {
        if self.plan.cancel == Some(self.moves) && matches!(self.row.state, State::Running | State::StuckForward) {
            (self.row.state, self.row.from) = (State::Aborting, 0);
        }
        for (moment, step) in &self.plan.duplicates {
            if *moment == self.moves && self.sent_back[*step] && self.fences[*step] == Fence::Done {
                self.commit(Effect::Undo(*step));
            } else if *moment == self.moves && self.outcome.runs[*step] > 0 && self.fences[*step] == Fence::Absent {
                self.commit(Effect::Act(*step));
            }
        }
    }

    /// The step whose component this action would call.
    fn would_call(&self, action: Action) -> Option<usize> {
        match action {
            Action::Run(step) => (self.fences[step] == Fence::Absent).then_some(step),
            Action::Compensate(step) => (self.fences[step] == Fence::Done).then_some(step),
            _ => None,
        }
    }

    fn act(&mut self, progress: &mut Progress, action: Action) -> Then {
        match action {
            Action::Run(step) => return self.run_step(progress, step),
            Action::Compensate(step) => return self.compensate(progress, step),
            Action::Close(step) => {
                if self.fences[step] == Fence::Absent {
                    self.fences[step] = Fence::Fenced;
                }
                progress.facts[step] = Some(self.found(step));
            }
            Action::Count(step) if self.row.state == State::Running => {
                let before = self.row.failed_attempts(step);
                (self.row.att_step, self.row.att) = (Some(step), before + 1);
                (progress.att_step, progress.att, progress.failed) = (self.row.att_step, self.row.att, None);
            }
            Action::CountBack(_) if self.row.state == State::Aborting => {
                self.row.att_back += 1;
                (progress.att_back, progress.failed) = (self.row.att_back, None);
            }
            Action::Abort(step, _) if self.row.state == State::Running => {
                (self.row.state, self.row.from) = (State::Aborting, step);
                (progress.state, progress.from) = (State::Aborting, step);
            }
            Action::StickForward(_) | Action::StickBack(_) | Action::Complete | Action::EndCompensated => {
                if self.row.state == progress.state {
                    self.row.state = state_after(progress, action);
                }
                return Then::Forgets;
            }
            Action::Count(_) | Action::CountBack(_) | Action::Abort(..) | Action::Rest => return Then::Forgets,
        }
        Then::GoesOn
    }

    fn run_step(&mut self, progress: &mut Progress, step: usize) -> Then {
        if self.fences[step] != Fence::Absent {
            progress.facts[step] = Some(match self.fences[step] {
                Fence::Fenced | Fence::Undone => Fact::TurnedAway,
                _ => self.found(step),
            });
            return Then::GoesOn;
        }
        let nth = self.outcome.runs[step] as usize;
        self.outcome.runs[step] += 1;
        let attempt = self.plan.forward[step].get(nth).copied().unwrap_or(Attempt::Done);
        match attempt {
            Attempt::Done | Attempt::DoneReplyLost | Attempt::DoneKills => self.commit(Effect::Act(step)),
            Attempt::Refused | Attempt::RefusedReplyLost => self.fences[step] = Fence::Rejected,
            Attempt::Failed | Attempt::Kills => {}
        }
        self.reply(progress, step, attempt)
    }

    fn compensate(&mut self, progress: &mut Progress, step: usize) -> Then {
        self.sent_back[step] = true;
        if self.fences[step] != Fence::Done {
            progress.facts[step] = Some(self.found(step));
            return Then::GoesOn;
        }
        let nth = self.back_attempts[step];
        self.back_attempts[step] += 1;
        let attempt = match self.plan.back[step].get(nth).copied().unwrap_or(Attempt::Done) {
            Attempt::Refused | Attempt::RefusedReplyLost => Attempt::Failed,
            attempt => attempt,
        };
        self.outcome.failures_back += u32::from(attempt != Attempt::Done);
        if matches!(attempt, Attempt::Done | Attempt::DoneReplyLost | Attempt::DoneKills) {
            self.commit(Effect::Undo(step));
        }
        self.reply(progress, step, attempt)
    }

    /// What the orchestrator gets to know of an attempt.
    fn reply(&mut self, progress: &mut Progress, step: usize, attempt: Attempt) -> Then {
        match attempt {
            Attempt::Done | Attempt::Refused => progress.facts[step] = Some(self.found(step)),
            Attempt::DoneReplyLost | Attempt::RefusedReplyLost | Attempt::Failed => progress.failed = Some(step),
            Attempt::Kills | Attempt::DoneKills => {
                self.orphaned = true;
                return Then::Forgets;
            }
        }
        Then::GoesOn
    }

    fn commit(&mut self, effect: Effect) {
        self.outcome.effects.push(effect);
        match effect {
            Effect::Act(step) => self.fences[step] = Fence::Done,
            Effect::Undo(step) => self.fences[step] = Fence::Undone,
        }
    }

    fn found(&self, step: usize) -> Fact {
        match self.fences[step] {
            Fence::Done => Fact::Done,
            Fence::Rejected => Fact::Rejected,
            Fence::Undone => Fact::Undone,
            Fence::Absent | Fence::Fenced => Fact::Fenced,
        }
    }

    /// Tells what is known before the action, or with it when it is a change of state. A saga that
    /// somebody else turned back meanwhile is not told of.
    fn tell(&mut self, progress: &Progress, action: Action) {
        if self.row.state != progress.state {
            return;
        }
        let next = progress.frontier_or_next();
        let begun = action == Action::Run(next) || self.outcome.begun.iter().skip(next).any(|begun| *begun);
        let list = events(progress, begun, state_after(progress, action));
        for event in list.iter().filter(|event| event.status == Status::Execute) {
            self.outcome.begun[event.step] = true;
        }
        self.outcome.lives.last_mut().expect("a life has begun").push(list);
    }
}

fn state_after(progress: &Progress, action: Action) -> State {
    match action {
        Action::Complete => State::Completed,
        Action::EndCompensated => State::Compensated,
        Action::StickForward(_) => State::StuckForward,
        Action::StickBack(_) => State::StuckBack,
        _ => progress.state,
    }
}
