//! The fence's outcomes: what each says to an action, a close and a compensation.

use skald_saga::Nonce;
use skald_store::fence::{self, ByHand, Close, GuestAnswer, Key, Outcome};

use crate::service::{Service, done, key, write};

fn refuse() -> GuestAnswer {
    GuestAnswer::Rejected {
        code: "no".into(),
        detail: String::new(),
    }
}

/// Short, to compare.
fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done { .. } => "done",
        Outcome::Rejected(_) => "rejected",
        Outcome::TurnedAway => "turned away",
        Outcome::Fenced => "fenced",
        Outcome::Undone => "undone",
        Outcome::Retry { .. } => "retry",
        Outcome::Broken(_) => "broken",
        Outcome::Alien(_) => "alien",
    }
}

/// The outcome of an action, a close and a compensation that must not call the component.
fn asked(service: &Service, key: Key) -> [&'static str; 3] {
    let action = service.act(key, |_| panic!("the component is not called"));
    let close = service.back(key, Close::Only, |_| panic!("the component is not called"));
    let compensation = service.back(key, Close::AndCompensate, |_| panic!("the component is not called"));
    [name(&action), name(&close), name(&compensation)]
}

#[test]
fn an_outcome_is_told_again_and_the_component_is_not_called_again() {
    let service = Service::open();
    let act = |number| {
        service.act(key(number), |session| {
            write(session, "act").expect("it is open");
            done()
        })
    };
    let keys: Vec<Key> = (0..4).map(key).collect();
    act(0);
    assert_eq!(name(&service.act(keys[0], |_| panic!("done is done"))), "done");
    assert_eq!(
        name(&service.back(keys[0], Close::Only, |_| panic!("closing calls nothing"))),
        "done"
    );
    let undone = service.back(keys[0], Close::AndCompensate, |session| {
        write(session, "undo").expect("it is open");
        done()
    });
    assert_eq!(name(&undone), "undone");
    assert_eq!(asked(&service, keys[0]), ["turned away", "undone", "undone"]);

    service.act(keys[1], |_| refuse());
    assert_eq!(asked(&service, keys[1]), ["rejected", "rejected", "rejected"]);

    assert_eq!(
        name(&service.back(keys[2], Close::AndCompensate, |_| panic!("null compensation"))),
        "fenced"
    );
    assert_eq!(asked(&service, keys[2]), ["turned away", "fenced", "fenced"]);

    act(3);
    let (by_hand, file) = (keys[3], &service.file);
    for expected in [ByHand::Undo, ByHand::Nothing] {
        let resolved = file
            .writer
            .write_blocking(move |connection| fence::resolve_by_hand(connection, &by_hand));
        assert_eq!(resolved.expect("it is written"), expected);
    }
    assert_eq!(asked(&service, keys[3]), ["turned away", "undone", "undone"]);
    assert_eq!(service.count("SELECT count(*) FROM effect"), 3);
}

#[test]
fn a_refusal_of_a_compensation_is_a_failed_attempt() {
    let service = Service::open();
    service.act(key(1), |_| done());
    let refused = service.back(key(1), Close::AndCompensate, |session| {
        write(session, "half undone").expect("it is open");
        refuse()
    });
    assert_eq!(name(&refused), "retry");
    assert_eq!(service.count("SELECT count(*) FROM effect"), 0);
    assert_eq!(service.outcomes(), ["done"]);
}

#[test]
fn a_fence_of_another_nonce_or_a_broken_transaction_is_nobodys() {
    let service = Service::open();
    service.act(key(1), |_| done());
    assert_eq!(
        asked(
            &service,
            Key {
                nonce: Nonce([8; 16]),
                ..key(1)
            }
        ),
        ["alien"; 3]
    );
    service.by_hand("UPDATE skald_fence SET outcome = 'what is this'");
    assert_eq!(asked(&service, key(1)), ["alien"; 3]);
    service.by_hand("UPDATE skald_fence SET outcome = 'pending'");
    assert_eq!(asked(&service, key(1)), ["broken"; 3]);
}

#[test]
fn a_step_that_was_broken_off_is_closed_by_an_operator_and_once() {
    let service = Service::open();
    service.act(key(1), |_| done());
    service.by_hand("UPDATE skald_fence SET outcome = 'pending'");
    let other = Key {
        nonce: Nonce([8; 16]),
        ..key(1)
    };
    for (key, expected) in [
        (other, ByHand::Nothing),
        (key(1), ByHand::CleanUp),
        (key(1), ByHand::Nothing),
    ] {
        let resolved = service
            .file
            .writer
            .write_blocking(move |connection| fence::resolve_by_hand(connection, &key));
        assert_eq!(resolved.expect("it is written"), expected);
    }
    assert_eq!(asked(&service, key(1)), ["turned away", "fenced", "fenced"]);
}

#[test]
fn below_the_horizon_an_action_is_turned_away_and_an_absent_fence_proves_nothing() {
    let service = Service::open();
    let (old, young) = (key(0), key(500));
    service.act(old, |_| done());
    service.act(young, |_| done());
    let horizon = young.saga.born_ms();
    let gone = service
        .file
        .writer
        .write_blocking(move |connection| fence::clean_up(connection, horizon, 100));
    assert_eq!(gone.expect("it is written"), 1, "only what is older goes");
    assert_eq!(asked(&service, old), ["turned away", "alien", "alien"]);
    assert_eq!(name(&service.act(young, |_| panic!("done is done"))), "done");
    let back = service
        .file
        .writer
        .write_blocking(move |connection| fence::clean_up(connection, 0, 100));
    assert_eq!(back.expect("it is written"), 0);
    assert_eq!(
        asked(&service, old),
        ["turned away", "alien", "alien"],
        "the horizon never goes back"
    );
}
