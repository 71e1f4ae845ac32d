//! Each misdeed of a step ends as a failure that can be read, and the next step doesn't notice.

use skald_store::fence::Outcome;

use crate::fixture::{HOSTILE, load, soon};

#[tokio::test(flavor = "multi_thread")]
async fn every_misdeed_of_a_step_is_a_readable_retry() {
    let cases = [
        ("loop", 0, "was cut off at its deadline"),
        ("sleep", 0, "was cut off at its deadline"),
        ("memory", 0, "wanted more than its 16777216 bytes of memory"),
        ("recursion", 0, "a recursion that goes too deep"),
        ("panic", 0, "it printed: "),
        ("panic", 0, "a defect, on purpose"),
        ("exit", 0, "trapped"),
        ("garbage", 0, "no JSON"),
        ("huge", 100_000, "answered with 100002 bytes, and may answer with 65536"),
        ("connections", 20_000, "trapped"),
        ("chain", 8, "more than 8 components call one another"),
        ("no-such-mode", 0, "no such mode"),
    ];
    let host = load(HOSTILE).unwrap_or_else(|faults| panic!("{faults:?}"));
    host.migrate("hostile", "hostile").await;
    for (saga, (mode, n, expected)) in (1..).step_by(2).zip(cases) {
        match soon(host.step(host.hostile(saga, mode, n))).await {
            Outcome::Retry { detail, .. } => assert!(detail.contains(expected), "{mode}: {detail}"),
            other => panic!("{mode}: {other:?}"),
        }
        let next = soon(host.step(host.hostile(saga + 1, "write", 0))).await;
        assert!(matches!(next, Outcome::Done { .. }), "after {mode}: {next:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_component_can_handle_it_is_told() {
    let cases = [
        ("rows", 1000, "1000"),
        ("rows", 1001, "1000"),
        ("rows", 5_000_000, "10000"),
        ("flood", 10_000, "null"),
        ("files", 0, "true"),
        ("network", 0, "true"),
        ("environment", 0, "0"),
        ("chain", 7, "8"),
    ];
    let host = load(HOSTILE).unwrap_or_else(|faults| panic!("{faults:?}"));
    for (saga, (mode, n, expected)) in (1..).zip(cases) {
        match soon(host.step(host.hostile(saga, mode, n))).await {
            Outcome::Done { output, .. } => assert!(output.contains(expected), "{mode} {n}: {output}"),
            other => panic!("{mode} {n}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postponement_is_a_retry_and_a_refusing_compensation_changes_nothing() {
    let host = load(HOSTILE).unwrap_or_else(|faults| panic!("{faults:?}"));
    host.migrate("hostile", "hostile").await;
    let postponed = host.step(host.hostile(1, "postpone", 0)).await;
    assert_eq!(
        postponed,
        Outcome::Retry {
            detail: "not now".into(),
            after_ms: None
        }
    );

    let done = host.step(host.hostile(2, "write", 0)).await;
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
    for mode in ["reject", "panic", "loop"] {
        let undone = soon(host.compensate(host.hostile(2, mode, 0))).await;
        assert!(matches!(undone, Outcome::Retry { .. }), "{mode}: {undone:?}");
    }
    let undone = host.compensate(host.hostile(2, "nothing", 0)).await;
    assert_eq!(undone, Outcome::Undone);
}
