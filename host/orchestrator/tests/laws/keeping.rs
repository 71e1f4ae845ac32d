//! What is kept, and for how long: the clock is the test's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use skald_orchestrator::{Forgotten, Launched, Orchestrator, Request};
use skald_saga::{Definition, Digest, Exhausted, SagaId, State};
use skald_store::clock::now_ms;
use skald_store::journal::{Operation, StartKey, Started};
use skald_store::verify::{Report, verify};

use crate::common::world::{STREAM, request};
use crate::common::{Host, Say, World, definition};
use crate::scene::{DATABASES, three, world};

const DAY_MS: i64 = 24 * 3_600_000;

const fn days(days: u64) -> Duration {
    Duration::from_hours(days * 24)
}

fn checked(world: &World) -> Report {
    let services = DATABASES.map(|label| (label.to_owned(), world.path(label)));
    verify(&world.path("journal"), &BTreeMap::from(services)).expect("the files can be read")
}

fn clean_up(host: &Host, now_ms: i64) -> Forgotten {
    host.block_on(host.orchestrator.clean_up(now_ms))
        .expect("the files work")
}

fn key(name: &str) -> StartKey {
    StartKey {
        principal: "7".into(),
        route: "purchase".into(),
        key: name.into(),
        body_hash: Digest::of(b"body"),
    }
}

fn start(host: &Host, definition: &Arc<Definition>, id: SagaId, named: &str) -> SagaId {
    let request = Request {
        id,
        key: Some(key(named)),
        ..request(definition)
    };
    let launched = host.block_on(host.orchestrator.start(request));
    assert_eq!(launched.expect("the journal works"), Launched::New);
    id
}

fn remembered(host: &Host, name: &str) -> Option<Started> {
    host.block_on(host.orchestrator.journal().look_up(key(name)))
        .expect("the journal is read")
}

/// One saga that completes, one that is refused, and a younger one that gets stuck: `PAY` says which.
fn sagas() -> (World, Arc<Definition>) {
    let mut definition = three();
    definition.steps[2].on_exhausted = Exhausted::Stick;
    let world = world(|seen| match (seen.step.as_str(), seen.saga.0 % 3) {
        ("PAY", 1) => Say::Reject("no_money"),
        ("PAY", 2) if seen.nth < 3 => Say::Retry,
        _ => Say::Done,
    });
    (world, Arc::new(definition))
}

fn id_with(rest: u64, after_ms: u64) -> SagaId {
    let mut ids = std::iter::repeat_with(Orchestrator::new_id);
    ids.find(|id| id.0 % 3 == rest && id.born_ms() > after_ms)
        .expect("it does not end")
}

#[test]
fn an_ended_saga_is_forgotten_whole_a_set_time_after_its_end_and_no_other_is() {
    let (mut world, definition) = sagas();
    (world.settings.retention, world.settings.key_window) = (days(10), days(20));
    let host = world.open(&[&definition]);
    let done = start(&host, &definition, id_with(0, 0), "done");
    let refused = start(&host, &definition, id_with(1, done.born_ms()), "refused");
    assert_eq!(host.outcome(done), State::Completed);
    assert_eq!(host.outcome(refused), State::Compensated);
    let stuck = start(&host, &definition, id_with(2, refused.born_ms()), "stuck");
    assert_eq!(host.outcome(stuck), State::StuckForward);
    let refusal = host.block_on(host.orchestrator.journal().refuse(key("never"), "404".into()));
    assert_eq!(refusal.expect("it is written"), Started::RefusedBefore("404".into()));
    let (now, told) = (now_ms(), host.events());

    assert_eq!(clean_up(&host, now + 9 * DAY_MS), Forgotten::default());
    let fences = Forgotten {
        fences: 6,
        ..Forgotten::default()
    };
    assert_eq!(clean_up(&host, now + 11 * DAY_MS), fences, "the keys' window is longer");
    assert!(host.find(done).is_some() && remembered(&host, "done").is_some());
    assert_eq!(checked(&world).disagreements, []);

    let rest = Forgotten {
        fences: 0,
        keys: 3,
        sagas: 2,
    };
    assert_eq!(clean_up(&host, now + 21 * DAY_MS), rest);
    assert_eq!((host.find(done), host.find(refused)), (None, None));
    for name in ["done", "refused", "never"] {
        assert_eq!(remembered(&host, name), None, "{name}");
    }
    assert!(
        remembered(&host, "stuck").is_some(),
        "a second request must not start a second saga"
    );
    let kept: Vec<_> = told.into_iter().filter(|event| event.saga == stuck).collect();
    assert_eq!(host.events(), kept, "with the numbers that they had");
    let report = checked(&world);
    assert_eq!((report.disagreements, report.sagas, report.unfinished), (vec![], 1, 1));

    host.block_on(host.orchestrator.operate(stuck, Operation::Retry, "me", "a test"))
        .expect("it is stuck");
    assert_eq!(host.outcome(stuck), State::Completed);
    let last = host.events().last().expect("its end was told").seq;
    let all = Forgotten {
        fences: 3,
        keys: 1,
        sagas: 1,
    };
    assert_eq!(clean_up(&host, now_ms() + 21 * DAY_MS), all);
    assert_eq!((host.events(), checked(&world).disagreements), (vec![], vec![]));
    // Its id is of the time that the clean-up believes in.
    let ids = (0..3).map(|random| SagaId::compose((now + 30 * DAY_MS).unsigned_abs(), random));
    let id = ids.into_iter().find(|id| id.0 % 3 == 0).expect("one in three");
    let next = start(&host, &definition, id, "next");
    assert_eq!(host.outcome(next), State::Completed);
    assert_eq!(host.events()[0].seq, last + 1, "no number is given twice");
    assert_eq!(checked(&world).disagreements, []);
    host.stop();
}

#[test]
fn what_counts_is_the_end_of_a_saga_and_not_its_birth() {
    let definition = Arc::new(three());
    let world = world(|_| Say::Done);
    let host = world.open(&[&definition]);
    let now = now_ms();
    let old = SagaId::compose((now - 40 * DAY_MS).unsigned_abs(), 7);
    start(&host, &definition, old, "old");
    assert_eq!(host.outcome(old), State::Completed);
    host.force(old, "UPDATE saga SET born = 0 WHERE id = ?");
    assert_eq!(clean_up(&host, now + 29 * DAY_MS).sagas, 0);
    assert_eq!(checked(&world).disagreements, []);
    assert_eq!(clean_up(&host, now + 31 * DAY_MS).sagas, 1);
    host.stop();
}

#[test]
fn an_older_saga_that_is_stuck_keeps_the_younger_ones_with_their_fences() {
    let (world, definition) = sagas();
    let host = world.open(&[&definition]);
    let stuck = start(&host, &definition, id_with(2, 0), "stuck");
    assert_eq!(host.outcome(stuck), State::StuckForward);
    let done = start(&host, &definition, id_with(0, stuck.born_ms()), "done");
    assert_eq!(host.outcome(done), State::Completed);
    let gone = clean_up(&host, now_ms() + 31 * DAY_MS);
    assert_eq!((gone.fences, gone.sagas), (0, 0), "no saga goes before its fences");
    assert_eq!(checked(&world).disagreements, []);
    host.stop();
}

/// The writer has other work to do: what is forgotten comes in jobs of some milliseconds.
#[test]
fn much_is_forgotten_in_small_batches() {
    let definition = Arc::new(definition(&["RESERVE@product", "ORDER@product", "PAY@product"]));
    let world = world(|_| Say::Done);
    let host = world.open(&[&definition]);
    let sagas: Vec<_> = (0..200).map(|_| host.start(&definition)).collect();
    for saga in sagas {
        host.outcome(saga);
    }
    let commits = || {
        let file = host.orchestrator.database("product").expect("it is open");
        let journal = host.orchestrator.journal().file();
        (file.writer.committed().0, journal.writer.committed().0)
    };
    let before = commits();
    let gone = clean_up(&host, now_ms() + 31 * DAY_MS);
    assert_eq!((gone.fences, gone.sagas), (600, 200));
    let after = commits();
    assert!(
        after.0 - before.0 >= 2 && after.1 - before.1 >= 4,
        "{before:?} {after:?}"
    );
    assert_eq!(
        host.block_on(host.orchestrator.journal().last_event(STREAM.into()))
            .expect("read"),
        1200
    );
    host.stop();
}
