//! The durable start: idempotent by its key, and never a saga that isn't there.

use std::sync::Arc;

use skald_orchestrator::{Launched, Request, StartError};
use skald_saga::{Definition, Digest, SagaId, State};
use skald_store::journal::{StartKey, Started};
use tokio::task::JoinSet;

use crate::common::{Host, Say, World, definition, request};

fn two() -> Arc<Definition> {
    Arc::new(definition(&["RESERVE@product", "PAY@product"]))
}

fn key(body: &str) -> StartKey {
    StartKey {
        principal: "7".into(),
        route: "purchase".into(),
        key: "k".into(),
        body_hash: Digest::of(body.as_bytes()),
    }
}

fn keyed(definition: &Arc<Definition>, body: &str) -> Request {
    let request = request(definition);
    Request {
        response: format!(r#"{{"purchase_id":{}}}"#, request.id).into(),
        key: Some(key(body)),
        ..request
    }
}

fn launch(host: &Host, request: Request) -> Launched {
    host.block_on(host.orchestrator.start(request))
        .expect("the journal works")
}

/// How many sagas there are in all.
fn sagas(host: &Host) -> i64 {
    let file = host.orchestrator.journal().file();
    file.readers.with(|journal| {
        journal
            .query_row("SELECT count(*) FROM saga", [], |row| row.get(0))
            .expect("a count")
    })
}

#[test]
fn a_key_starts_one_saga_however_often_and_whenever_it_comes() {
    let definition = two();
    let world = World::new(&["product"], |_| Say::Done);
    let mut host = world.open(&[&definition]);
    let first = keyed(&definition, "body");
    let id = first.id;
    assert_eq!(launch(&host, first), Launched::New);
    let again = Started::Before {
        saga: id,
        response: format!(r#"{{"purchase_id":{id}}}"#),
    };
    for restart in [false, true] {
        if restart {
            host.kill();
            host = world.open(&[&definition]);
        }
        assert_eq!(
            launch(&host, keyed(&definition, "body")),
            Launched::Before(again.clone())
        );
        let found = host
            .block_on(host.orchestrator.journal().look_up(key("body")))
            .expect("the journal is read");
        assert_eq!(found, Some(again.clone()));
        assert_eq!(
            launch(&host, keyed(&definition, "another body")),
            Launched::Before(Started::OtherBody)
        );
    }
    assert_eq!(host.outcome(id), State::Completed);
    assert_eq!(sagas(&host), 1);
    host.stop();
}

#[test]
fn starts_with_one_key_at_the_same_time_start_one_saga() {
    let definition = two();
    let world = World::new(&["product"], |_| Say::Done);
    let host = world.open(&[&definition]);
    let launched = host.block_on(async {
        let mut starts = JoinSet::new();
        for _ in 0..16 {
            let (orchestrator, request) = (host.orchestrator.clone(), keyed(&definition, "body"));
            starts.spawn(async move {
                (
                    request.id,
                    orchestrator.start(request).await.expect("the journal works"),
                )
            });
        }
        starts.join_all().await
    });
    let new: Vec<SagaId> = launched
        .iter()
        .filter(|(_, how)| *how == Launched::New)
        .map(|(id, _)| *id)
        .collect();
    let [id] = new[..] else {
        panic!("one is new: {launched:?}")
    };
    for (_, how) in launched.iter().filter(|(other, _)| *other != id) {
        assert!(
            matches!(how, Launched::Before(Started::Before { saga, .. }) if *saga == id),
            "{how:?}"
        );
    }
    assert_eq!(host.outcome(id), State::Completed);
    assert_eq!(sagas(&host), 1);
    host.stop();
}

#[test]
fn a_refusal_is_recorded_under_its_key_and_whoever_comes_first_decides() {
    let definition = two();
    let world = World::new(&["product"], |_| Say::Done);
    let host = world.open(&[&definition]);
    let journal = host.orchestrator.journal();
    let refuse = |body| {
        host.block_on(journal.refuse(key(body), "404".into()))
            .expect("the journal works")
    };
    assert_eq!(refuse("body"), Started::RefusedBefore("404".into()));
    assert_eq!(
        launch(&host, keyed(&definition, "body")),
        Launched::Before(Started::RefusedBefore("404".into()))
    );
    assert_eq!(refuse("another body"), Started::OtherBody);
    assert_eq!(sagas(&host), 0);

    let request = Request {
        key: Some(StartKey {
            key: "other".into(),
            ..key("body")
        }),
        ..keyed(&definition, "body")
    };
    let (id, response) = (request.id, request.response.to_string());
    assert_eq!(launch(&host, request.clone()), Launched::New);
    let refused = host
        .block_on(journal.refuse(request.key.expect("it has one"), "404".into()))
        .expect("the journal works");
    assert_eq!(refused, Started::Before { saga: id, response });
    host.stop();
}

#[test]
fn a_clash_of_ids_is_refused_and_leaves_the_key_free() {
    let definition = two();
    let world = World::new(&["product"], |_| Say::Done);
    let host = world.open(&[&definition]);
    let id = host.start(&definition);
    assert_eq!(
        launch(
            &host,
            Request {
                id,
                ..request(&definition)
            }
        ),
        Launched::Clash
    );
    assert_eq!(
        launch(
            &host,
            Request {
                id,
                ..keyed(&definition, "body")
            }
        ),
        Launched::Clash
    );
    let again = keyed(&definition, "body");
    let other = again.id;
    assert_eq!(
        launch(&host, again),
        Launched::New,
        "the clash left nothing under the key"
    );
    for saga in [id, other] {
        assert_eq!(host.outcome(saga), State::Completed);
        host.assert_ended(saga, &definition);
    }
    host.stop();
}

#[test]
fn a_host_that_is_full_or_stops_starts_nothing() {
    let definition = two();
    let mut world = World::new(&["product"], |_| Say::Done);
    world.settings.most_running = 1;
    let gate = world.script.gate("RESERVE", false, 0);
    let host = world.open(&[&definition]);
    let saga = host.start(&definition);
    gate.reached();
    let full = host.block_on(host.orchestrator.start(request(&definition)));
    assert!(matches!(full, Err(StartError::Overloaded)), "{full:?}");
    drop(gate);
    host.outcome(saga);
    host.block_on(host.orchestrator.stop());
    let late = host.block_on(host.orchestrator.start(request(&definition)));
    assert!(matches!(late, Err(StartError::Stopping)), "{late:?}");
    assert_eq!(sagas(&host), 1);
    host.kill();
}
