//! What operators do to sagas that are stuck.

use rusqlite::Connection;
use serde_json::json;

use crate::host::Place;

#[test]
fn a_saga_that_is_stuck_forward_can_be_retried_and_aborted() {
    let place = Place::new();
    let host = place.start();
    let token = host.sign_up();
    let id = host
        .trial_until(&token, ("nothing", "postpone"), "stuck_forward")
        .to_string();

    let (code, printed, _) = host.skald(&["sagas", "retry", &id, "--reason", "the service is back"]);
    assert_eq!(code, 0);
    assert!(
        printed.contains("is running: it goes on with a new budget"),
        "{printed}"
    );
    host.wait_for(&token, id.parse().expect("a number"), "stuck_forward");

    let (code, _, error) = host.skald(&["sagas", "resolve", &id, "--step", "FIRST", "--reason", "by hand"]);
    assert_eq!(code, 1, "resolving is for sagas that are stuck on their way back");
    assert!(error.contains("stuck_back"), "{error}");

    assert_eq!(
        host.skald(&["sagas", "abort", &id, "--reason", "given up", "--by", "urd"])
            .0,
        0
    );
    let saga = host.wait_for(&token, id.parse().expect("a number"), "compensated");
    let acted: Vec<_> = saga["timeline"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|entry| entry["kind"] == "operated")
        .collect();
    assert_eq!(acted.len(), 2);
    assert_eq!(
        (&acted[0]["action"], &acted[0]["by"], &acted[0]["reason"]),
        (&json!("retry"), &json!("vera"), &json!("the service is back"))
    );
    assert_eq!((&acted[1]["action"], &acted[1]["by"]), (&json!("abort"), &json!("urd")));
    let fences: Vec<_> = saga["steps"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|step| step["fence"]["outcome"].clone())
        .collect();
    assert_eq!(fences, ["undone", "fenced"]);

    let (code, _, error) = host.skald(&["sagas", "cancel", &id, "--reason", "too late"]);
    assert_eq!((code, error.contains("it has ended")), (1, true), "{error}");
    assert_eq!(host.skald(&["verify"]).0, 0);
}

#[test]
fn a_step_whose_compensation_fails_is_resolved_by_hand() {
    let place = Place::new();
    let host = place.start();
    let token = host.sign_up();
    let number = host.trial_until(&token, ("write", "reject"), "stuck_back");
    let id = number.to_string();
    let url = format!("{}/admin/v1/sagas/{id}/resolve", host.admin);

    let (status, problem) = host.post(&url, None, &json!({ "step": "FIRST" }));
    assert_eq!(status, 400, "an action without a reason: {problem}");
    let (status, problem) = host.post(&url, None, &json!({ "step": "THIRD", "reason": "x" }));
    assert_eq!(status, 404);
    assert!(
        problem["detail"].as_str().expect("a text").contains("FIRST, SECOND"),
        "{problem}"
    );

    let resolve = [
        "sagas",
        "resolve",
        id.as_str(),
        "--step",
        "FIRST",
        "--reason",
        "deleted the note",
    ];
    let (code, printed, _) = host.skald(&resolve);
    assert_eq!(code, 0);
    assert!(printed.contains("undo the work of FIRST by hand now"), "{printed}");
    assert!(host.skald(&resolve).1.contains("was undone before"));

    assert_eq!(host.skald(&["sagas", "retry", &id, "--reason", "resolved"]).0, 0);
    let saga = host.wait_for(&token, number, "compensated");
    assert_eq!(saga["steps"][0]["fence"]["outcome"], "undone_by_hand");
    assert_eq!(host.skald(&["verify"]).0, 0);
}

#[test]
fn a_step_whose_transaction_was_broken_is_resolved_by_hand() {
    let place = Place::new();
    let host = place.start();
    let token = host.sign_up();
    let number = host.trial_until(&token, ("nothing", "postpone"), "stuck_forward");
    host.stop();
    let half = "INSERT INTO skald_fence (saga, step, nonce, outcome, at) \
                SELECT saga, 2, nonce, 'pending', at FROM skald_fence WHERE saga = ? AND step = 1";
    let hostile = Connection::open(place.data().join("hostile.db")).expect("opened");
    assert_eq!(hostile.execute(half, [number.cast_signed()]).expect("changed"), 1);
    drop(hostile);

    let host = place.start();
    let id = number.to_string();
    assert_eq!(host.skald(&["sagas", "abort", &id, "--reason", "look at SECOND"]).0, 0);
    let saga = host.wait_for(&token, number, "stuck_back");
    assert_eq!(
        (&saga["reason"]["kind"], &saga["steps"][1]["fence"]["outcome"]),
        (&json!("inconsistent"), &json!("pending"))
    );
    let report = host.skald(&["verify"]);
    assert!(report.0 == 1 && report.1.contains("pending"), "{report:?}");

    let resolve = [
        "sagas",
        "resolve",
        &id,
        "--step",
        "SECOND",
        "--reason",
        "it had left a note",
    ];
    let (code, printed, error) = host.skald(&resolve);
    assert_eq!(code, 0, "{error}");
    assert!(
        printed.contains("look now at what it has left in its database"),
        "{printed}"
    );
    assert_eq!(host.skald_json(&resolve)["resolved"], "already_undone");
    assert_eq!(host.skald(&["sagas", "retry", &id, "--reason", "resolved"]).0, 0);
    let saga = host.wait_for(&token, number, "compensated");
    let noted =
        |entry: &serde_json::Value| entry["action"] == "resolve SECOND" && entry["reason"] == "it had left a note";
    assert!(saga["timeline"].as_array().expect("a list").iter().any(noted), "{saga}");
    assert_eq!(host.skald(&["verify"]).0, 0);
}

#[test]
fn what_is_not_there_is_told_apart_from_what_makes_no_sense() {
    let place = Place::new();
    let host = place.start();
    for (path, status) in [("1/cancel", 404), ("x/cancel", 400), ("1/explode", 404)] {
        let url = format!("{}/admin/v1/sagas/{path}", host.admin);
        let (answered, problem) = host.post(&url, None, &json!({ "reason": "a test" }));
        assert_eq!(answered, status, "{path}: {problem}");
    }
    let (status, problem) = host.get(&format!("{}/admin/v1/sagas/1/cancel", host.admin));
    assert_eq!((status, &problem["msg"]), (405, &json!("method not allowed")));
}
