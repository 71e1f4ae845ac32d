//! Backups, what is made of them, and checks.

use std::fs;

use rusqlite::Connection;
use serde_json::json;
use skald_store::verify::Finding;

use crate::host::{Place, skald, told};

#[test]
fn a_backup_of_a_running_host_is_whole_and_is_not_run_by_mistake() {
    let place = Place::new();
    let host = place.start();
    let token = host.sign_up();
    let stuck = host.trial_until(&token, ("nothing", "postpone"), "stuck_forward");
    host.trial_until(&token, ("nothing", "nothing"), "completed");
    let backup = place.path("backup");
    let path = backup.to_str().expect("a text");

    assert_eq!(host.skald(&["backup", path]).0, 0);
    assert!(
        backup.join("backup.json").exists() && !backup.join("keys").exists(),
        "no keys unless they are asked for"
    );
    let (code, _, error) = host.skald(&["backup", path]);
    assert_eq!((code, error.contains("not empty")), (1, true), "{error}");
    let described: serde_json::Value =
        serde_json::from_slice(&fs::read(backup.join("backup.json")).expect("read")).expect("JSON");
    assert_eq!(
        described["files"][0]["what"], "journal",
        "the journal is never newer than the fences"
    );
    assert_eq!(
        host.skald(&[
            "backup",
            place.path("with-keys").to_str().expect("a text"),
            "--with-keys"
        ])
        .0,
        0
    );
    assert!(place.path("with-keys/keys/customer-1.key").exists());
    host.stop();

    let manifest = place.path("skald.toml");
    let checked = skald()
        .args(["verify", "--data", path, "--manifest"])
        .arg(&manifest)
        .output();
    let (code, printed, error) = told(&checked.expect("it ran"));
    assert_eq!(code, 0, "{error}");
    assert!(
        printed.contains("2 sagas") && printed.contains("1 unfinished") && printed.contains("everything agrees"),
        "{printed}"
    );

    let mut unmarked = place.command(&backup);
    let (code, _, error) = told(
        &unmarked
            .args(["--admin-listen", "127.0.0.1:0"])
            .output()
            .expect("it ran"),
    );
    assert_eq!((code, error.contains("--restored")), (2, true), "{error}");

    let mut restored = place.command(&backup);
    let host = place.start_as(restored.args(["--admin-listen", "127.0.0.1:0", "--restored"]));
    let (_, saga) = host.get(&format!("{}/admin/v1/sagas/{stuck}", host.admin));
    assert_eq!(saga["recovering"], true);
    let (code, _, error) = host.skald(&["sagas", "cancel", &stuck.to_string(), "--reason", "a test"]);
    assert_eq!((code, error.contains("restored journal")), (1, true), "{error}");
    assert_eq!(
        host.skald_json(&["sagas", "ls", "--state", "completed"])["sagas"][0]["recovering"],
        false
    );
}

/// A change to a file for each kind: of a completed saga, a compensated one, and one that is stuck back.
fn damages(done: u64, undone: u64, back: u64) -> Vec<(&'static str, String, Finding)> {
    let service = |statement: &str, saga: u64, step: u32, kind| {
        let statement = format!("{statement} WHERE saga = {saga} AND step = {step}");
        ("hostile.db", statement, kind)
    };
    let journal = |statement: &str, saga: u64, kind| ("journal.db", format!("{statement} WHERE id = {saga}"), kind);
    let other = |statement: &str, kind| ("journal.db", statement.to_owned(), kind);
    let fence = |change: &str| format!("UPDATE skald_fence SET {change}");
    vec![
        service("DELETE FROM skald_fence", done, 2, Finding::FenceMissing),
        service(&fence("outcome = 'undone'"), done, 1, Finding::NotDone),
        journal("UPDATE saga SET state = 'compensated'", back, Finding::StillDone),
        service("DELETE FROM skald_fence", undone, 2, Finding::FrontierOpen),
        journal("DELETE FROM saga", back, Finding::SagaMissing),
        service(&fence("nonce = zeroblob(16)"), back, 1, Finding::Nonce),
        service(&fence("outcome = 'pending'"), back, 2, Finding::Pending),
        journal("UPDATE saga SET state = 'stuck_forward'", done, Finding::LastEvent),
        other(
            &format!("DELETE FROM event WHERE saga = {done} AND step = 1"),
            Finding::EventsMissing,
        ),
        other("UPDATE stream SET last = last + 1", Finding::StreamGap),
        other("DELETE FROM definition", Finding::DefinitionMissing),
        other(
            r#"UPDATE definition SET body = replace(body, '"hostile"', '"gone"')"#,
            Finding::DatabaseUnknown,
        ),
        journal("UPDATE saga SET state = 'lost'", done, Finding::StateUnknown),
    ]
}

#[test]
fn every_disagreement_is_found() {
    let place = Place::new();
    let host = place.start();
    let token = host.sign_up();
    let completed = host.trial_until(&token, ("nothing", "nothing"), "completed");
    let undone = host.trial_until(&token, ("nothing", "reject"), "compensated");
    let stuck = host.trial_until(&token, ("write", "reject"), "stuck_back");
    host.stop();
    for name in ["journal.db", "hostile.db"] {
        place.settle(name);
    }
    let keep = |name: &str| (fs::read(place.data().join(name)).expect("read"), name.to_owned());
    let kept = [keep("journal.db"), keep("hostile.db")];
    let check = || {
        let manifest = place.path("skald.toml");
        let output = skald()
            .args(["verify", "--json", "--data"])
            .arg(place.data())
            .arg("--manifest")
            .arg(manifest)
            .output();
        let (code, printed, error) = told(&output.expect("it ran"));
        let report: serde_json::Value = serde_json::from_str(&printed).unwrap_or_else(|_| panic!("{error}"));
        let kinds: Vec<String> = report["disagreements"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| one["kind"].as_str().expect("a text").into())
            .collect();
        assert_eq!(code, i32::from(!kinds.is_empty()));
        (kinds, report)
    };
    assert_eq!(check().0, Vec::<String>::new());
    assert_eq!(
        check().1["unfinished_sagas"],
        json!([{ "id": stuck, "state": "stuck_back" }])
    );

    let damages = damages(completed, undone, stuck);
    let mut tried: Vec<_> = damages.iter().map(|(_, _, kind)| *kind).collect();
    tried.sort_unstable();
    assert_eq!(tried, Finding::ALL, "each kind once");
    for (file, statement, kind) in damages {
        Connection::open(place.data().join(file))
            .expect("opened")
            .execute(&statement, [])
            .expect("changed");
        let (kinds, _) = check();
        assert!(
            kinds.iter().any(|found| found == kind.name()),
            "{kind:?} is not in {kinds:?} after {statement}"
        );
        for (bytes, name) in &kept {
            fs::write(place.data().join(name), bytes).expect("put back");
            let _ = fs::remove_file(place.data().join(format!("{name}-wal")));
            let _ = fs::remove_file(place.data().join(format!("{name}-shm")));
        }
    }
}

#[test]
fn the_page_says_what_to_do_about_every_kind() {
    let page = include_str!("../../../docs/operations.md");
    for kind in Finding::ALL.map(Finding::name) {
        let rows = page
            .lines()
            .filter(|line| line.starts_with("| `") && line.contains(&format!("`{kind}`")));
        let rows: Vec<_> = rows.collect();
        assert_eq!(rows.len(), 1, "{kind} has a row of its own, or shares one: {rows:?}");
        assert_eq!(
            rows[0].matches(" | ").count(),
            2,
            "what it means, and what to do: {rows:?}"
        );
    }
}
