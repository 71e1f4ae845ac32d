//! Two orchestrators over the same files: one that is frozen while the other goes on, and both at once.

use std::sync::{Arc, mpsc};

use skald_saga::State;
use skald_store::journal::Operation;

use crate::common::{Host, Say};
use crate::scene::{STEPS, held, only, operate, three, world};

/// How a saga goes while one of its two orchestrators is frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Success,
    Refused,
    Cancelled,
}

#[test]
fn two_orchestrators_agree_on_one_end() {
    for way in [Way::Success, Way::Refused, Way::Cancelled] {
        let back = [("ORDER", true), ("RESERVE", true)]
            .into_iter()
            .filter(|_| way == Way::Refused);
        for (step, direction) in STEPS.map(|step| (step, false)).into_iter().chain(back) {
            let definition = Arc::new(three());
            let world = world(only("PAY", Say::Reject("no_money"), way == Way::Refused));
            let (frozen, saga, gate) = held(&world, &definition, step, direction);
            let ice = frozen.freeze();
            drop(gate);
            let rival = world.rival(&frozen, &[&definition]);
            if way == Way::Cancelled {
                // The rival may have completed it by now.
                let _ = operate(&rival, saga, Operation::Cancel);
            }
            let end = rival.outcome(saga);
            drop(ice);
            rest(&frozen);
            assert_eq!(rival.assert_ended(saga, &definition), end, "{way:?} frozen in {step}");
            match way {
                Way::Success => assert_eq!(end, State::Completed),
                Way::Refused => assert_eq!(end, State::Compensated),
                Way::Cancelled => {}
            }
            rival.kill();
            frozen.kill();
        }
    }
}

#[test]
fn two_orchestrators_that_race_agree_on_one_end() {
    let definition = Arc::new(three());
    let world = world(|seen| match seen.saga.0 % 4 {
        0 if seen.step == "PAY" && !seen.back => Say::Reject("no_money"),
        1 if seen.step == "ORDER" && seen.nth < 2 => Say::Retry,
        _ => Say::Done,
    });
    let host = world.open(&[&definition]);
    let gate = world.script.gate("RESERVE", false, 0);
    let sagas: Vec<_> = (0..24).map(|_| host.start(&definition)).collect();
    gate.reached();
    let rival = world.rival(&host, &[&definition]);
    drop(gate);
    for (number, saga) in sagas.iter().enumerate() {
        if number % 5 == 0 {
            let _ = operate(&rival, *saga, Operation::Cancel);
        }
    }
    for saga in &sagas {
        host.outcome(*saga);
    }
    rest(&host);
    rest(&rival);
    for saga in sagas {
        host.assert_ended(saga, &definition);
    }
    rival.kill();
    host.kill();
}

/// Waits until a host runs no saga any more.
fn rest(host: &Host) {
    host.block_on(async {
        while host.orchestrator.running() > 0 {
            tokio::task::yield_now().await;
        }
    });
}

/// The freezing side of `SIGSTOP`.
pub struct Ice {
    _thaw: mpsc::Sender<()>,
}

impl Host {
    /// Freezes this host until the ice is dropped: its one working thread does nothing.
    fn freeze(&self) -> Ice {
        let (thaw, thawed) = mpsc::channel::<()>();
        let (arrived, seen) = mpsc::channel();
        self.runtime().spawn(async move {
            let _ = arrived.send(());
            // It ends when the ice is dropped.
            let _ = thawed.recv();
        });
        seen.recv().expect("its thread works");
        Ice { _thaw: thaw }
    }
}
