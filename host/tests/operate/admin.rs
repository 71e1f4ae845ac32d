//! What the admin API shows, and to whom.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::host::{Place, agent, skald, told};

#[test]
fn sagas_are_listed_by_state_age_customer_and_definition_and_in_pages() {
    let place = Place::new();
    let host = place.start();
    let token = host.sign_up();
    for _ in 0..3 {
        host.trial_until(&token, ("nothing", "nothing"), "completed");
    }
    let stuck = host.trial_until(&token, ("nothing", "postpone"), "stuck_forward");
    let list = |query: &str| {
        let (status, page) = host.get(&format!("{}/admin/v1/sagas?{query}", host.admin));
        assert_eq!(status, 200, "{query}: {page}");
        page
    };
    let count = |query: &str| list(query)["sagas"].as_array().expect("a list").len();

    let customer = list("")["sagas"][0]["customer"].as_str().expect("a text").to_owned();
    for (query, found) in [
        (String::new(), 4),
        ("state=completed".into(), 3),
        ("state=stuck".into(), 1),
        ("state=unfinished&definition=trial".into(), 1),
        ("definition=purchase".into(), 0),
        (format!("customer={customer}&state=completed"), 3),
        ("customer=nobody".into(), 0),
        ("older_than=10m".into(), 0),
        ("older_than=0s".into(), 4),
    ] {
        assert_eq!(count(&query), found, "{query}");
    }
    assert_eq!(list("")["sagas"][0]["id"], stuck, "newest first");

    let (mut seen, mut query) = (0, "limit=3".to_owned());
    loop {
        let page = list(&query);
        seen += page["sagas"].as_array().expect("a list").len();
        match page["next"].as_u64() {
            Some(next) => query = format!("limit=3&before={next}"),
            None => break,
        }
    }
    assert_eq!(seen, 4);

    for wrong in [
        "state=done",
        "older_than=soon",
        "limit=0",
        "limit=501",
        "definition=sale",
        "colour=red",
    ] {
        let (status, problem) = host.get(&format!("{}/admin/v1/sagas?{wrong}", host.admin));
        assert_eq!(status, 400, "{wrong}: {problem}");
        assert!(problem["detail"].is_string(), "{wrong}: {problem}");
    }
}

#[test]
fn probes_components_databases_and_metrics_tell_how_the_host_does() {
    let place = Place::new();
    let host = place.start();
    let token = host.sign_up();
    host.trial_until(&token, ("nothing", "panic"), "stuck_forward");
    assert_eq!(host.get(&format!("{}/healthz", host.admin)), (200, json!("ok\n")));
    assert_eq!(
        host.get(&format!("{}/readyz", host.admin)),
        (200, json!({ "ready": true, "not_ready": [] }))
    );

    let components = host.skald_json(&["components", "ls"]);
    let account = &components["components"][0];
    assert_eq!(
        (&account["name"], &account["grants"]["passwords"]),
        (&json!("account"), &json!(true))
    );
    assert_eq!(account["digest"].as_str().expect("a digest").len(), 64);
    let databases = host.skald_json(&["databases", "ls"]);
    assert_eq!(databases["databases"][0]["label"], "journal");

    let (status, metrics) = host.get(&format!("{}/metrics", host.admin));
    let metrics = metrics.as_str().expect("a text");
    assert_eq!(status, 200);
    for series in [
        "skald_sagas_started_total{definition=\"trial\"} 1",
        "skald_sagas_ended_total{definition=\"trial\",outcome=\"stuck_forward\"} 1",
        "skald_sagas_unfinished{state=\"stuck_forward\"} 1",
        "skald_step_duration_seconds_count{component=\"hostile\",direction=\"forward\",outcome=\"failed\"} 2",
        "skald_component_failures_total{component=\"hostile\",kind=\"trap\"} 2",
        "skald_http_request_duration_seconds_count{method=\"POST\",route=\"/api/trial\",status=\"201\"} 1",
        "skald_database_commits_total{database=\"journal\"}",
        "skald_forgotten_total{what=\"sagas\"} 0",
        "skald_process_resident_bytes",
        "skald_build_info",
    ] {
        assert!(metrics.contains(series), "{series} is missing in\n{metrics}");
    }
}

#[test]
fn a_draining_host_is_not_ready_and_still_answers_operators() {
    let place = Place::new();
    let host = place.start();
    let stream = host.results(&host.sign_up());
    // A request whose body does not come keeps the host draining. That the host has begun with it is known by its wish
    // for the body.
    let mut slow = TcpStream::connect(host.shop.trim_start_matches("http://")).expect("connected");
    slow.write_all(b"POST /api/product HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\nexpect: 100-continue\r\n\r\n")
        .expect("sent");
    let mut go_on = [0; 25];
    slow.read_exact(&mut go_on).expect("the host reads the body");
    host.interrupt();
    assert!(stream.count() > 0, "a host that drains ends its streams");
    let (status, ready) = host.get(&format!("{}/readyz", host.admin));
    assert_eq!(status, 503);
    assert_eq!(ready["not_ready"][0]["what"], "host");
    drop(slow);
    host.stop();
}

#[test]
fn beyond_this_machine_a_token_is_needed() {
    let place = Place::new();
    let mut open = place.command(&place.data());
    let (code, _, error) = told(&open.args(["--admin-listen", "0.0.0.0:0"]).output().expect("it ran"));
    assert_eq!(code, 2);
    assert!(
        error.contains("the admin API would be open to other machines"),
        "{error}"
    );

    let place = Place::with("\n[admin]\ntoken = { file = \"admin.token\" }\n");
    fs::create_dir_all(place.data()).expect("made");
    let token = place.data().join("admin.token");
    fs::write(&token, "a-token-of-the-operator\n").expect("written");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).expect("changed");
    let host = place.start();
    let url = format!("{}/admin/v1/sagas", host.admin);
    for (header, status) in [
        (None, 401),
        (Some("Bearer wrong"), 401),
        (Some("Bearer a-token-of-the-operator"), 200),
    ] {
        let mut request = agent().get(&url);
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        assert_eq!(request.call().expect("an answer").status(), status, "{header:?}");
    }
    let (code, _, error) = host.skald(&["sagas", "ls"]);
    assert_eq!(code, 1);
    assert!(error.contains("--token-file"), "{error}");
    assert_eq!(
        host.skald(&["sagas", "ls", "--token-file", token.to_str().expect("a text")])
            .0,
        0
    );
    let by_environment = skald()
        .args(["sagas", "ls"])
        .env("SKALD_ADMIN", &host.admin)
        .env("SKALD_ADMIN_TOKEN", "a-token-of-the-operator")
        .output();
    assert_eq!(told(&by_environment.expect("it ran")).0, 0);
    assert!(!place.log().contains("a-token-of-the-operator"));
}

#[test]
fn where_nobody_answers_the_command_says_what_to_do() {
    let (code, _, error) = told(
        &skald()
            .args(["sagas", "ls", "--admin", "http://127.0.0.1:1"])
            .output()
            .expect("it ran"),
    );
    assert_eq!(code, 2);
    assert!(
        error.contains("no skald answers at http://127.0.0.1:1: is it running? name it with --admin"),
        "{error}"
    );
    for shell in ["bash", "zsh", "fish"] {
        let (code, printed, _) = told(&skald().args(["completions", shell]).output().expect("it ran"));
        assert_eq!(code, 0);
        assert!(printed.contains("databases"), "{shell}");
    }
}
