//! Group commit: many steps, one COMMIT, and nobody told what isn't in the database.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use skald_store::fence::{GuestAnswer, Outcome};
use skald_store::sql::{Session, Value};

use crate::guests::ENDLESS;
use crate::service::{Service, answer, done, key, write};

#[test]
fn the_steps_of_a_group_share_a_commit_and_nothing_else() {
    let service = Service::open();
    let held = service.hold();
    let replies: Vec<_> = (0..8)
        .map(|number| {
            service.send(key(number), move |session| {
                write(session, "act").expect("it is open");
                match number % 3 {
                    0 => done(),
                    1 => GuestAnswer::Rejected {
                        code: "no".into(),
                        detail: String::new(),
                    },
                    _ => GuestAnswer::Retry {
                        detail: String::new(),
                        after_ms: None,
                    },
                }
            })
        })
        .collect();
    assert!(service.outcomes().is_empty());
    drop(held);
    for (number, reply) in replies.into_iter().enumerate() {
        let outcome = answer(reply).outcome;
        let expected = match number % 3 {
            0 => matches!(outcome, Outcome::Done { .. }),
            1 => matches!(outcome, Outcome::Rejected(_)),
            _ => matches!(outcome, Outcome::Retry { .. }),
        };
        assert!(expected, "{number}: {outcome:?}");
    }
    assert_eq!(service.count("SELECT count(*) FROM effect"), 3);
    assert_eq!(service.outcomes().len(), 6);
}

#[test]
fn a_step_that_ends_the_transaction_costs_the_others_of_its_group_nothing() {
    let service = Service::open();
    let held = service.hold();
    let calls = Arc::new(AtomicUsize::new(0));
    let replies: Vec<_> = (0..8)
        .map(|number| {
            let calls = calls.clone();
            service.send(key(number), move |session| {
                calls.fetch_add(1, Ordering::Relaxed);
                write(session, "act").expect("it is open");
                if number == 5 {
                    session.set_deadline(Instant::now());
                    assert!(session.execute(ENDLESS, &[]).is_err());
                }
                done()
            })
        })
        .collect();
    drop(held);
    for (number, reply) in replies.into_iter().enumerate() {
        let outcome = answer(reply).outcome;
        let expected = if number == 5 {
            matches!(outcome, Outcome::Retry { .. })
        } else {
            matches!(outcome, Outcome::Done { .. })
        };
        assert!(expected, "{number}: {outcome:?}");
    }
    assert_eq!(
        calls.load(Ordering::Relaxed),
        5 + 8,
        "those before the culprit ran again, each by itself"
    );
    assert_eq!(service.count("SELECT count(*) FROM effect"), 7);
    assert_eq!(service.outcomes(), ["done"; 7]);
}

/// A deferred constraint fails the COMMIT, and with it the group; by itself each step gets its own answer.
#[test]
fn a_commit_that_fails_is_told_to_nobody_and_each_step_is_asked_again() {
    let service = Service::open();
    let held = service.hold();
    let replies: Vec<_> = (0..8)
        .map(|number| {
            service.send(key(number), move |session| {
                write(session, "act").expect("it is open");
                if number == 3 {
                    session
                        .execute("INSERT INTO child VALUES (?)", &[Value::Integer(1)])
                        .expect("deferred");
                }
                done()
            })
        })
        .collect();
    drop(held);
    for (number, reply) in replies.into_iter().enumerate() {
        let reply = answer(reply);
        let expected = if number == 3 {
            matches!(reply.outcome, Outcome::Retry { .. })
        } else {
            matches!(reply.outcome, Outcome::Done { .. })
        };
        assert!(expected, "{number}: {reply:?}");
    }
    assert_eq!(service.outcomes(), ["done"; 7]);
    assert_eq!(service.count("SELECT count(*) FROM effect"), 7);
}

#[test]
fn no_reply_leaves_before_the_commit_is_known() {
    let service = Service::open();
    let held = service.hold();
    let (arrived, seen) = mpsc::channel();
    let (open, go) = mpsc::channel::<()>();
    let mut first = service.send(key(1), |_| done());
    let refused = service.send(key(2), |_| GuestAnswer::Rejected {
        code: "no".into(),
        detail: String::new(),
    });
    let last = service.send(key(3), move |_| {
        let _ = arrived.send(());
        let _ = go.recv();
        done()
    });
    drop(held);
    seen.recv().expect("the last of the group runs");
    assert!(
        first.try_recv().is_err(),
        "done, and its savepoint released, but not committed"
    );
    assert!(service.outcomes().is_empty());
    drop(open);
    assert!(matches!(answer(first).outcome, Outcome::Done { .. }));
    assert!(matches!(answer(refused).outcome, Outcome::Rejected(_)));
    assert!(matches!(answer(last).outcome, Outcome::Done { .. }));
}

#[test]
fn the_same_step_twice_in_one_group_runs_once() {
    let service = Service::open();
    let held = service.hold();
    let act = |session: &mut skald_store::fence::StepSession| {
        write(session, "act").expect("it is open");
        done()
    };
    let (first, second) = (service.send(key(1), act), service.send(key(1), act));
    drop(held);
    let (first, second) = (answer(first), answer(second));
    assert!(!first.found && second.found);
    assert_eq!(first.outcome, second.outcome);
    assert_eq!(service.count("SELECT count(*) FROM effect"), 1);
}
