//! Components that do what a test says, and write down that they did.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use skald_orchestrator::{Call, Components};
use skald_saga::{Digest, SagaId};
use skald_store::fence::{GuestAnswer, StepSession};
use skald_store::sql::{Publication, Session, Value};

/// How long a test waits for anything before it says that it hangs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A statement that runs until it is interrupted.
const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
     INSERT INTO effect SELECT i, 'endless', 'act' FROM n";

/// A call of a component, as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub saga: SagaId,
    pub step: String,
    /// Whether it was a compensation.
    pub back: bool,
    /// The how many-th such call, from 0.
    pub nth: usize,
    pub input: String,
    pub digest: Option<Digest>,
    pub output: Option<String>,
}

/// What a component does in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Say {
    /// It works, and says so.
    Done,
    /// It works, and then refuses.
    Reject(&'static str),
    /// It works, and then fails as a trap or a time-out does.
    Retry,
    /// It meets a transient error of the database, works on, and says that it is done.
    Swallow,
}

type Plan = Box<dyn Fn(&Seen) -> Say + Send + Sync>;

/// Components that follow a plan.
pub struct Script {
    plan: Plan,
    /// The version that steps run on, and those that compensations may run on.
    active: Mutex<Digest>,
    missing: Mutex<Vec<Digest>>,
    seen: Mutex<Vec<Seen>>,
    gates: Mutex<HashMap<(String, bool, usize), Pass>>,
}

/// A component's side of a gate.
struct Pass {
    arrived: mpsc::Sender<()>,
    go: mpsc::Receiver<()>,
}

/// A place where a component waits, in the middle of its transaction. It goes on when this is dropped.
pub struct Gate {
    arrived: mpsc::Receiver<()>,
    _go: mpsc::Sender<()>,
}

impl Gate {
    /// Waits until a component stands at the gate.
    pub fn reached(&self) {
        self.arrived
            .recv_timeout(PATIENCE)
            .expect("a component comes to the gate");
    }
}

impl Script {
    /// Each call is answered by the plan.
    pub fn new(plan: impl Fn(&Seen) -> Say + Send + Sync + 'static) -> Self {
        Self {
            plan: Box::new(plan),
            active: Mutex::new(Digest::of(b"version 1")),
            missing: Mutex::default(),
            seen: Mutex::default(),
            gates: Mutex::default(),
        }
    }

    /// Steps run on this version from now on.
    pub fn activate(&self, version: Digest) {
        *lock(&self.active) = version;
    }

    /// These versions can't be had.
    pub fn lose(&self, versions: &[Digest]) {
        *lock(&self.missing) = versions.to_vec();
    }

    /// Stops the n-th call of a step or a compensation in its transaction.
    pub fn gate(&self, step: &str, back: bool, nth: usize) -> Gate {
        let (arrived, seen) = mpsc::channel();
        let (open, go) = mpsc::channel();
        lock(&self.gates).insert((step.into(), back, nth), Pass { arrived, go });
        Gate {
            arrived: seen,
            _go: open,
        }
    }

    /// All calls so far.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.seen).clone()
    }

    /// How often a step, or its compensation, was called.
    pub fn calls(&self, step: &str, back: bool) -> usize {
        lock(&self.seen)
            .iter()
            .filter(|seen| seen.step == step && seen.back == back)
            .count()
    }

    /// Notes a call, waits at its gate, and says what it does.
    fn enter(&self, call: &Call, back: Option<(Option<Digest>, Option<&str>)>) -> (Seen, Say) {
        let seen = {
            let mut all = lock(&self.seen);
            let same = |seen: &&Seen| seen.saga == call.saga && *seen.step == *call.step && seen.back == back.is_some();
            let seen = Seen {
                saga: call.saga,
                step: call.step.to_string(),
                back: back.is_some(),
                nth: all.iter().filter(same).count(),
                input: call.input.to_string(),
                digest: back.and_then(|(digest, _)| digest),
                output: back.and_then(|(_, output)| output.map(str::to_owned)),
            };
            all.push(seen.clone());
            seen
        };
        let pass = lock(&self.gates).remove(&(seen.step.clone(), seen.back, seen.nth));
        if let Some(pass) = pass {
            let _ = pass.arrived.send(());
            // It ends when the gate is dropped.
            let _ = pass.go.recv();
        }
        let say = (self.plan)(&seen);
        (seen, say)
    }
}

/// Works in the transaction, and answers.
fn act(session: &mut StepSession, seen: &Seen, say: Say) -> GuestAnswer {
    if say == Say::Swallow {
        session.set_deadline(Instant::now());
        assert!(
            session.execute(ENDLESS, &[]).is_err(),
            "the endless statement is interrupted"
        );
    }
    let kind = if seen.back { "undo" } else { "act" };
    let effect = [
        Value::Integer(seen.saga.0.cast_signed()),
        Value::Text(seen.step.clone()),
        Value::Text(kind.into()),
    ];
    let written = session.execute("INSERT INTO effect (saga, step, kind) VALUES (?, ?, ?)", &effect);
    let told = session.publish(&Publication {
        topic: kind.into(),
        key: Some(seen.step.clone()),
        data: "{}".into(),
    });
    assert_eq!(written.is_err(), say == Say::Swallow, "{written:?}");
    assert_eq!(told.is_err(), say == Say::Swallow, "{told:?}");
    match say {
        Say::Done | Say::Swallow if seen.back => GuestAnswer::Done(String::new()),
        Say::Done | Say::Swallow => GuestAnswer::Done(format!(r#"{{"by":"{}"}}"#, seen.step)),
        Say::Reject(code) => GuestAnswer::Rejected {
            code: code.into(),
            detail: "as the script says".into(),
        },
        Say::Retry => GuestAnswer::Retry {
            detail: "as the script says".into(),
            after_ms: None,
        },
    }
}

impl Components for Script {
    fn step(&self, call: &Call, mut session: StepSession) -> (StepSession, GuestAnswer, Digest) {
        let (seen, say) = self.enter(call, None);
        let answer = act(&mut session, &seen, say);
        (session, answer, *lock(&self.active))
    }

    fn compensate(
        &self,
        call: &Call,
        mut session: StepSession,
        digest: Option<Digest>,
        output: Option<&str>,
    ) -> (StepSession, GuestAnswer) {
        let (seen, say) = self.enter(call, Some((digest, output)));
        if digest.is_some_and(|digest| lock(&self.missing).contains(&digest)) {
            let detail = "the version can't be had".into();
            return (session, GuestAnswer::Retry { detail, after_ms: None });
        }
        let answer = act(&mut session, &seen, say);
        (session, answer)
    }

    fn is_slow(&self, _: &str) -> bool {
        false
    }
}

/// A lock whose holder can't have left it in between: a failing test must not hide behind it.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
