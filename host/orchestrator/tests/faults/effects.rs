//! What a component wants done after its commit, when nobody knows how that went.

use std::sync::{Arc, Mutex};

use fail::FailScenario;
use skald_orchestrator::Orchestrator;
use skald_saga::{Digest, Nonce};
use skald_store::fence::{Action, Back, Close, Guest, GuestAnswer, Key, Outcome, StepSession};

use crate::common::script::lock;
use crate::common::{Host, Say, World};

/// What each effect was told: whether its commit is known.
type Told = Arc<Mutex<Vec<bool>>>;

/// A component with one wish.
struct Wishes(Told);

impl Wishes {
    fn wish(&self, mut session: StepSession) -> StepSession {
        let told = self.0.clone();
        session.after_commit(Box::new(move |known| lock(&told).push(known)));
        session
    }
}

impl Guest for Wishes {
    fn step(&mut self, session: StepSession) -> (StepSession, GuestAnswer, Digest) {
        (self.wish(session), GuestAnswer::Done("{}".into()), Digest::of(b"one"))
    }

    fn compensate(&mut self, session: StepSession, _: Option<Digest>, _: Option<&str>) -> (StepSession, GuestAnswer) {
        (self.wish(session), GuestAnswer::Done(String::new()))
    }
}

/// Sends an action, or a compensation, and waits for what it tells.
fn ask(host: &Host, key: Key, back: bool, told: &Told) -> Outcome {
    let guest = Box::new(Wishes(told.clone()));
    let writer = &host.orchestrator.database("order").expect("it is open").writer;
    let reply = if back {
        let (job, reply) = Back::new(key, Close::AndCompensate, false, guest);
        writer.submit(Box::new(job)).map(|()| reply)
    } else {
        let (job, reply) = Action::new(key, None, guest);
        writer.submit(Box::new(job)).map(|()| reply)
    };
    let reply = host.block_on(reply.expect("there is room"));
    reply.expect("the writer answers").outcome
}

/// Rule "on unknown, and when a fence is found": a stale value would be left behind by a commit that
/// nobody heard of.
#[test]
fn an_unknown_commit_and_a_fence_that_is_found_end_with_the_effects_all_the_same() {
    for (fault, effects, is_known) in [
        ("off", &[true][..], true),
        // The commit came, and its answer did not: the job is run again, and finds its own fence.
        ("1*return(lost)->off", &[false], true),
        ("2*return(lost)->off", &[false], false),
        ("1*return(error)->off", &[false, true], true),
        ("2*return(error)->off", &[false, false], false),
    ] {
        for back in [false, true] {
            let _scenario = FailScenario::setup();
            let host = World::new(&["order"], |_| Say::Done).open(&[]);
            let key = Key {
                saga: Orchestrator::new_id(),
                step: 0,
                nonce: Nonce([7; 16]),
            };
            if back {
                ask(&host, key, false, &Told::default());
            }
            fail::cfg("order.commit", fault).expect("an action");
            let told = Told::default();
            let outcome = ask(&host, key, back, &told);
            assert_eq!(*lock(&told), effects, "{fault} {back}");
            assert_eq!(!matches!(outcome, Outcome::Retry { .. }), is_known, "{outcome:?}");
            host.kill();
        }
    }
}
