//! The world: the journal row, one fence per step, who holds which lock, and the ghosts that the laws read.
//!
//! Nothing but the laws reads a ghost. The neighbours change the world: `service` on the side of the
//! service databases, `orchestrator` on the side of the journal, `outside` for everybody else.

use skald_saga::{Fact, Progress, State};

/// The longest saga of any configuration.
pub const MAX: usize = 3;

/// A fence row: absent → done, rejected or fenced; done → undone, by its compensation or by hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fence {
    #[default]
    Absent,
    /// With the version of the component that ran, as its digest in the real row.
    Done(u8),
    Rejected,
    Fenced,
    Undone(u8),
    UndoneByHand,
}

impl Fence {
    /// What a close or a compensation that finds this row tells.
    pub fn fact(self) -> Fact {
        match self {
            Self::Done(_) => Fact::Done,
            Self::Rejected => Fact::Rejected,
            Self::Undone(_) | Self::UndoneByHand => Fact::Undone,
            Self::Absent | Self::Fenced => Fact::Fenced,
        }
    }

    /// Whether the step's action was ever committed.
    pub fn was_done(self) -> bool {
        matches!(self, Self::Done(_) | Self::Undone(_) | Self::UndoneByHand)
    }
}

/// An open transaction. It holds the lock of its step's fence until it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Open {
    pub step: usize,
    pub version: u8,
    /// Whether it compensates.
    pub back: bool,
}

/// The journal row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    pub state: State,
    pub from: usize,
    pub att_step: Option<usize>,
    pub att: u32,
    pub att_back: u32,
    pub recovering: bool,
    /// Its owner died: whoever picks it up next owes it one counted attempt.
    pub orphaned: bool,
}

/// An orchestrator that has picked the saga up. All that it knows may be stale.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Orchestrator {
    pub progress: Progress,
    pub open: Option<Open>,
    /// It took over from a dead owner, and has not counted the attempt that may have killed it.
    pub owes: bool,
}

/// What a broken protocol did. Each is a law of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "a set of independent flags, one per law")]
pub struct Flaws {
    pub effect_twice: bool,
    pub compensated_twice: bool,
    pub compensated_nothing: bool,
    pub effect_after_compensation: bool,
    pub out_of_order: bool,
    pub other_version: bool,
    pub two_ends: bool,
}

/// What really happened to a step, whatever the fences say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Effect {
    pub done: u8,
    pub undone: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub row: Row,
    pub fences: [Fence; MAX],
    pub orchestrators: [Option<Orchestrator>; 2],
    /// A late or duplicate delivery whose transaction is open.
    pub late: Option<Open>,
    /// The steps for which somebody has ever sent a close, and a compensation: only those can be late.
    pub sent_close: [bool; MAX],
    pub sent_back: [bool; MAX],
    /// The active version of the components.
    pub version: u8,
    /// The steps whose fences are behind the horizon.
    pub cleaned: [bool; MAX],
    pub restored: bool,
    // Ghosts.
    pub effects: [Effect; MAX],
    pub ended: Option<State>,
    pub flaws: Flaws,
}

impl World {
    /// A saga that has just been started.
    pub fn new() -> Self {
        let row = Row {
            state: State::Running,
            from: 0,
            att_step: None,
            att: 0,
            att_back: 0,
            recovering: false,
            orphaned: false,
        };
        Self {
            row,
            fences: [Fence::Absent; MAX],
            orchestrators: [None, None],
            late: None,
            sent_close: [false; MAX],
            sent_back: [false; MAX],
            version: 0,
            cleaned: [false; MAX],
            restored: false,
            effects: [Effect::default(); MAX],
            ended: None,
            flaws: Flaws::default(),
        }
    }

    /// Every open transaction.
    pub fn open(&self) -> impl Iterator<Item = Open> + '_ {
        self.orchestrators
            .iter()
            .flatten()
            .filter_map(|one| one.open)
            .chain(self.late)
    }

    /// Whether some open transaction holds the lock of this step's fence.
    pub fn locked(&self, step: usize) -> bool {
        self.open().any(|open| open.step == step)
    }

    /// The step's action commits.
    pub fn act(&mut self, step: usize, version: u8) {
        let effect = self.effects[step];
        self.flaws.effect_twice |= effect.done > 0;
        self.flaws.effect_after_compensation |= effect.undone > 0;
        self.flaws.out_of_order |= self.effects[..step].iter().any(|below| below.undone > 0);
        self.effects[step].done = (effect.done + 1).min(2);
        self.fences[step] = Fence::Done(version);
    }

    /// The step's compensation commits; the caller writes the fence.
    pub fn undo(&mut self, step: usize, version: u8) {
        let effect = self.effects[step];
        self.flaws.compensated_twice |= effect.undone > 0;
        self.flaws.compensated_nothing |= effect.done == 0;
        self.flaws.out_of_order |= self.effects[step + 1..].iter().any(|above| above.done != above.undone);
        self.flaws.other_version |= matches!(self.fences[step], Fence::Done(ran) if ran != version);
        self.effects[step].undone = (effect.undone + 1).min(2);
    }

    /// The journal row gets a terminal state.
    pub fn end(&mut self, state: State) {
        self.flaws.two_ends |= self.ended.is_some_and(|ended| ended != state);
        self.ended = Some(state);
        self.row.state = state;
        self.row.recovering = false;
    }

    /// Drops what can't make a difference any more, so that fewer states are told apart: the attempts
    /// of a saga that is not running, and all but the state of one that has ended. The property tests
    /// show that the decision doesn't read them.
    pub fn forget_what_nobody_reads(&mut self) {
        let row = &mut self.row;
        if row.state != State::Running {
            (row.att_step, row.att) = (None, 0);
        }
        if row.state.is_terminal() {
            (row.from, row.att_back) = (0, 0);
        }
        let aborting = self
            .orchestrators
            .iter_mut()
            .flatten()
            .filter(|one| one.progress.state == State::Aborting);
        for one in aborting {
            (one.progress.att_step, one.progress.att, one.progress.recovering) = (None, 0, false);
        }
    }
}
