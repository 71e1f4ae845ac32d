//! What only a fault can bring about: an outcome that nobody knows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use fail::FailScenario;
use skald_orchestrator::Launched;
use skald_saga::{Definition, Exhausted, State};
use skald_store::journal::{Operation, StartKey};
use skald_store::sqlite::{File, Options};

use crate::common::{Say, World, definition, request};

fn purchase(on_exhausted: Exhausted) -> Arc<Definition> {
    let mut purchase = definition(&["RESERVE@product", "ORDER@order", "PAY@product"]);
    for step in &mut purchase.steps {
        step.on_exhausted = on_exhausted;
    }
    Arc::new(purchase)
}

/// Rules "a time-out is not a refusal" and "the unknown step is closed": it committed, and nobody ever
/// heard of it.
#[test]
fn a_step_that_commits_and_never_answers_is_found_by_closing_it() {
    for (lost, policy, expected) in [
        (2, Exhausted::Abort, State::Completed),
        (3, Exhausted::Abort, State::Compensated),
        (3, Exhausted::Stick, State::StuckForward),
    ] {
        let _scenario = FailScenario::setup();
        let definition = purchase(policy);
        let world = World::new(&["product", "order"], |_| Say::Done);
        let host = world.open(&[&definition]);
        fail::cfg("order.answered", &format!("{lost}*return(lost)->off")).expect("an action");
        let saga = host.start(&definition);
        assert_eq!(host.outcome(saga), expected);
        assert_eq!(world.script.calls("ORDER", false), 1, "asking again calls nothing");
        if expected == State::StuckForward {
            let retry = host.orchestrator.operate(saga, Operation::Retry, "me", "a test");
            host.block_on(retry).expect("it is stuck");
            host.wait_for(saga, |state| state == State::Completed);
        }
        host.assert_ended(saga, &definition);
        host.kill();
    }
}

/// Rule "start: COMMIT unknown is read back": never a definite "not started", and one saga.
#[test]
fn a_start_whose_commit_is_unknown_is_read_back() {
    for keyed in [false, true] {
        for fault in ["2*return(lost)", "5*return(lost)", "2*return(error)"] {
            let _scenario = FailScenario::setup();
            let definition = purchase(Exhausted::Abort);
            let world = World::new(&["product", "order"], |_| Say::Done);
            let host = world.open(&[&definition]);
            fail::cfg("journal.commit", &format!("{fault}->off")).expect("an action");
            let mut request = request(&definition);
            request.key = keyed.then(|| StartKey {
                principal: "7".into(),
                route: "purchase".into(),
                key: "k".into(),
                body_hash: definition.digest(),
            });
            let id = request.id;
            let launched = host
                .block_on(host.orchestrator.start(request))
                .expect("it is known in the end");
            assert_eq!(launched, Launched::New, "{fault}");
            assert_eq!(host.outcome(id), State::Completed);
            host.assert_ended(id, &definition);
            host.kill();
        }
    }
}

/// A start that was refused for good left nothing.
#[test]
fn a_start_that_failed_started_nothing() {
    let _scenario = FailScenario::setup();
    let definition = purchase(Exhausted::Abort);
    let world = World::new(&["product", "order"], |_| Say::Done);
    let host = world.open(&[&definition]);
    fail::cfg("journal.write", "1*return(error)->off").expect("an action");
    let request = request(&definition);
    let id = request.id;
    assert!(host.block_on(host.orchestrator.start(request)).is_err());
    assert!(host.find(id).is_none());
    host.kill();
}

/// Rule "group: all re-asked one by one after an unknown COMMIT": nobody is told an outcome that isn't
/// in the database, whichever way the COMMIT really went.
#[test]
fn a_group_whose_commit_is_unknown_is_asked_again_one_by_one() {
    for fault in ["1*return(error)", "1*return(lost)", "4*return(error)", "4*return(lost)"] {
        let _scenario = FailScenario::setup();
        let definition = purchase(Exhausted::Stick);
        let world = World::new(&["product", "order"], |seen| match seen.saga.0 % 2 {
            0 if seen.step == "ORDER" && !seen.back => Say::Reject("no_luck"),
            _ => Say::Done,
        });
        let gate = world.script.gate("RESERVE", false, 0);
        let host = world.open(&[&definition]);
        let mut sagas = vec![host.start(&definition)];
        gate.reached();
        sagas.extend((1..9).map(|_| host.start(&definition)));
        fail::cfg("order.commit", &format!("{fault}->off")).expect("an action");
        drop(gate);
        for saga in sagas {
            let expected = if saga.0 % 2 == 0 {
                State::Compensated
            } else {
                State::Completed
            };
            assert_eq!(host.outcome(saga), expected, "{fault}");
            host.assert_ended(saga, &definition);
        }
        host.kill();
    }
}

/// The wish of an operator whose commit is unknown is not lost.
#[test]
fn a_cancel_whose_commit_is_unknown_is_obeyed_all_the_same() {
    let _scenario = FailScenario::setup();
    let definition = purchase(Exhausted::Abort);
    let world = World::new(&["product", "order"], |_| Say::Done);
    let gate = world.script.gate("RESERVE", false, 0);
    let host = world.open(&[&definition]);
    let saga = host.start(&definition);
    gate.reached();
    fail::cfg("journal.committed", "off").expect("an action");
    fail::cfg("journal.commit", "1*return(lost)->off").expect("an action");
    // Written, then reported as unknown, then asked again: it finds its own cancel.
    let _ = host.block_on(host.orchestrator.operate(saga, Operation::Cancel, "me", "a test"));
    drop(gate);
    assert_eq!(host.outcome(saga), State::Compensated);
    host.assert_ended(saga, &definition);
    host.kill();
}

/// Rule "no reply before COMMIT": a commit that a loss of power could undo is known to nobody but the
/// writer, neither as an answer nor as something read.
#[test]
fn a_commit_is_told_and_read_only_once_it_is_on_disk() {
    let _scenario = FailScenario::setup();
    let folder = tempfile::tempdir().expect("a folder");
    let open = |label: &str| {
        let options = Options::new(folder.path().join(label), label);
        File::open(&options, |connection| {
            connection.execute_batch("CREATE TABLE t (n INTEGER)").expect("a table");
            Ok(())
        })
        .expect("a file")
    };
    let insert = |connection: &rusqlite::Connection| connection.execute("INSERT INTO t VALUES (1)", []);
    let (kept, other) = (open("kept"), open("other"));
    let on_disk = AtomicBool::new(false);
    fail::cfg("kept.sync", "pause").expect("an action");
    let (kept, on_disk) = (&kept, &on_disk);
    thread::scope(|scope| {
        scope.spawn(move || {
            kept.writer.write_blocking(insert).expect("written");
            assert!(on_disk.load(Ordering::SeqCst), "answered before it was on disk");
        });
        let (seen, looked) = mpsc::channel();
        scope.spawn(move || {
            let count = |connection: &rusqlite::Connection| {
                connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))
            };
            kept.readers.with(|connection| {
                while count(connection).expect("a number") == 0 {
                    thread::yield_now();
                }
                seen.send(()).expect("somebody waits");
            });
            assert!(on_disk.load(Ordering::SeqCst), "read before it was on disk");
        });
        looked.recv().expect("it is committed, and a reader has seen it");
        // Whoever did not wait would be through by the time that another file is written and synced.
        other.writer.write_blocking(insert).expect("written");
        on_disk.store(true, Ordering::SeqCst);
        fail::cfg("kept.sync", "off").expect("an action");
    });
}
