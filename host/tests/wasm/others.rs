//! Log lines, spans, settings, ids, passwords and tokens, as a component has them.

use serde_json::{Value, json};

use crate::scripted::{host, run, run_step};
use crate::{fixture, log};

#[tokio::test(flavor = "multi_thread")]
async fn log_lines_say_which_call_of_which_component_wrote_them() {
    log::keep();
    let (host, _gate) = host().await;
    run_step(&host, 4711, &json!([{ "op": "log", "message": "a line of a step" }])).await;
    let lines = log::lines("a line of a step");
    let levels: Vec<_> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(levels, ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "ERROR"]);
    for line in &lines {
        for part in [
            "guest: a line of a step ",
            " component=scripted ",
            " saga=4711 ",
            " step=\"STEP\" ",
            " context=\"scripted\"",
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_two_lines_cannot_pass_for_a_line_of_the_host() {
    log::keep();
    let (host, _gate) = host().await;
    run(&host, &json!([{ "op": "log", "message": "two\nlines of one message" }])).await;
    let second = log::lines("lines of one message");
    assert_eq!(second.len(), 6);
    assert!(
        second
            .iter()
            .all(|line| line.contains(" guest: lines of one message component=")),
        "{second:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_log_lines_is_cut_and_told_once() {
    log::keep();
    let (host, _gate) = host().await;
    let line = json!({ "op": "log", "message": format!("flooding {}", "x".repeat(90)) });
    run(&host, &vec![line; 100].into()).await;
    let kept = log::lines("flooding");
    assert!(
        (1..=11).contains(&kept.len()),
        "{} lines of 99 bytes within 1 KiB",
        kept.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_are_nested_and_have_attributes_and_a_traceparent() {
    log::keep();
    let (host, _gate) = host().await;
    let inner = json!({ "op": "span", "name": "inner-span", "script": [{ "op": "traceparent" }] });
    let script = json!([{ "op": "span", "name": "outer-span", "script": [{ "op": "traceparent" }, inner] }]);
    let told = run(&host, &script).await.remove(0);
    let parts = |value: &Value| -> Vec<String> {
        let text = value.as_str().expect("a text");
        text.split('-').map(str::to_owned).collect()
    };
    let (outer, inner) = (parts(&told[0]), parts(&told[1][0]));
    assert_eq!((outer.len(), outer[1].len(), outer[2].len()), (4, 32, 16), "{outer:?}");
    assert_eq!(outer[1], inner[1], "one trace");
    assert_ne!(outer[2], inner[2], "two spans");

    let within = log::lines("inner-span");
    let place =
        "INFO span{name=\"outer-span\" component=scripted}:span{name=\"inner-span\" component=scripted}: guest: ";
    let told: Vec<_> = within.iter().filter_map(|line| line.strip_prefix(place)).collect();
    assert_eq!(
        told,
        [
            "attribute attribute=\"number\" value=\"7\"",
            "happened attributes=\"real=0.5\"",
            "on purpose failed=true"
        ],
        "{within:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_and_ids_come_from_the_host() {
    let (host, _gate) = host().await;
    let script = json!([
        { "op": "config", "name": "greeting" }, { "op": "config", "name": "unknown" },
        { "op": "id" }, { "op": "id" },
    ]);
    let told = run(&host, &script).await;
    assert_eq!((&told[0], &told[1]), (&json!("hello"), &Value::Null));
    let later = run(&host, &script).await;
    let ids: Vec<_> = [&told[2], &told[3], &later[2]]
        .map(|id| id.as_u64().expect("a number"))
        .into();
    assert!(
        ids.is_sorted_by(|one, other| one < other) && ids[2] < 1 << 53,
        "{ids:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_known_by_its_hash() {
    let (host, _gate) = host().await;
    let told = run(
        &host,
        &json!([{ "op": "hash", "password": "open sesame" }, { "op": "hash", "password": "open sesame" }]),
    )
    .await;
    let hash = told[0].as_str().expect("a hash");
    assert!(
        hash.starts_with("$argon2id$") && told[0] != told[1],
        "each has its own salt"
    );
    let script = json!([
        { "op": "verify", "password": "open sesame", "hash": hash },
        { "op": "verify", "password": "open sesam", "hash": hash },
        { "op": "verify", "password": "open sesame", "hash": null },
        { "op": "verify", "password": "open sesame", "hash": "rubbish" },
    ]);
    let told = run(&host, &script).await;
    assert_eq!(told[..3], [json!(true), json!(false), json!(false)]);
    assert!(
        told[3]["error"].as_str().is_some_and(|error| error.contains("Garbled")),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_until_its_end_and_as_it_was_signed() {
    let (host, _gate) = host().await;
    let sign = |claims: &str, ttl: u32| json!({ "op": "sign", "keyring": "customer", "claims": claims, "ttl": ttl });
    let told = run(
        &host,
        &json!([sign("{\"sub\":\"7\"}", 60), sign("[]", 60), sign("{\"sub\":\"7\"}", 0)]),
    )
    .await;
    let (good, outlived) = (told[0].as_str().expect("a token"), told[2].as_str().expect("a token"));
    assert!(
        told[1]["error"].as_str().is_some_and(|error| error.contains("Garbled")),
        "{told:?}"
    );
    let check = |token: &str| json!({ "op": "check", "keyring": "customer", "token": token });
    let forged = good.replacen("eyJ", "eyK", 1);
    let mut other = check(good);
    other["keyring"] = "others".into();
    let told = fixture::soon(run(
        &host,
        &json!([check(good), check(outlived), check(&forged), other]),
    ))
    .await;
    let claims: Value = serde_json::from_str(told[0].as_str().expect("claims")).expect("JSON");
    assert_eq!(claims["sub"], "7");
    assert_eq!(
        claims["exp"]
            .as_i64()
            .zip(claims["iat"].as_i64())
            .map(|(exp, iat)| exp - iat),
        Some(60)
    );
    for (told, expected) in told[1..].iter().zip(["Outlived", "Forged", "Ungranted"]) {
        assert!(
            told["error"].as_str().is_some_and(|error| error.contains(expected)),
            "{told}"
        );
    }
}
