//! What a step does to its transaction.

use skald_store::fence::Outcome;
use skald_store::sqlite::{Db, Fate, Job, Verdict};

use crate::fixture::{HOSTILE, Host, load};

async fn host() -> Host {
    let host = load(HOSTILE).unwrap_or_else(|faults| panic!("{faults:?}"));
    host.migrate("hostile", "hostile").await;
    host.migrate("hostile", "other").await;
    host
}

async fn notes(host: &Host) -> i64 {
    host.number("hostile", "SELECT count(*) FROM note").await
}

/// What a step that was not done says.
async fn retried(host: &Host, saga: u64, mode: &str, n: u32) -> String {
    match host.step(host.hostile(saga, mode, n)).await {
        Outcome::Retry { detail, .. } => detail,
        other => panic!("{mode}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_step_writes_is_there_exactly_when_it_is_done() {
    let host = host().await;
    let done = host.step(host.hostile(1, "write", 0)).await;
    assert!(
        matches!(&done, Outcome::Done { output, .. } if output == "null"),
        "{done:?}"
    );
    assert_eq!(notes(&host).await, 1);
    assert_eq!(
        host.step(host.hostile(1, "write", 0)).await,
        done,
        "asked again, it is not run again"
    );

    let rejected = host.step(host.hostile(2, "write-and-reject", 0)).await;
    assert!(
        matches!(&rejected, Outcome::Rejected(refusal) if refusal.code == "changed-my-mind"),
        "{rejected:?}"
    );
    retried(&host, 3, "write-and-trap", 0).await;
    retried(&host, 4, "commit-by-hand", 0).await;
    assert_eq!(notes(&host).await, 1, "only what was done is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_ends_with_its_call_at_the_latest() {
    let host = host().await;
    assert!(matches!(
        host.step(host.hostile(1, "leak", 0)).await,
        Outcome::Done { .. }
    ));
    assert_eq!(notes(&host).await, 0, "what was never committed is rolled back");
    assert!(matches!(
        host.step(host.hostile(2, "late-statement", 0)).await,
        Outcome::Done { .. }
    ));
    assert_eq!(notes(&host).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_may_write_nowhere_else() {
    let host = host().await;
    let detail = retried(&host, 1, "other-database", 0).await;
    assert!(detail.contains("may only read"), "{detail}");
    let detail = retried(&host, 2, "ungranted", 0).await;
    assert!(detail.contains("\"payment\""), "{detail}");
    assert_eq!(host.number("other", "SELECT count(*) FROM note").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_is_told_where_it_stands() {
    let host = host().await;
    let Outcome::Done { output, .. } = host.step(host.hostile(5, "context", 0)).await else {
        panic!("not done")
    };
    assert_eq!(output, r#"{"attempt":1,"key":"5.STEP.forward"}"#);
}

/// Holds the writer until it is released, so that what is queued meanwhile becomes one group.
struct Held(std::sync::mpsc::Receiver<()>);

impl Job for Held {
    fn run(&mut self, db: Box<Db>) -> (Box<Db>, Verdict) {
        let _ = self.0.recv();
        (db, Verdict::Undo)
    }

    fn settle(self: Box<Self>, _: Fate) {}

    fn alone(&self) -> bool {
        true
    }
}

/// The outputs of steps with these modes, run in one group.
async fn in_one_group(host: &Host, first_saga: u64, modes: &[&str]) -> Vec<String> {
    let (release, held) = std::sync::mpsc::channel();
    host.file("hostile")
        .writer
        .submit(Box::new(Held(held)))
        .expect("room in the queue");
    let queued: Vec<_> = (first_saga..)
        .zip(modes)
        .map(|(saga, mode)| host.queue(host.hostile(saga, mode, 0)))
        .collect();
    release.send(()).expect("the writer waits");
    let mut outputs = vec![];
    for outcome in queued {
        outputs.push(match outcome.await.expect("an outcome").outcome {
            Outcome::Done { output, .. } => output,
            Outcome::Rejected(_) => "rejected".to_owned(),
            _ => "failed".to_owned(),
        });
    }
    outputs
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_of_a_group_share_an_instance_until_one_goes_wrong() {
    let host = host().await;
    let shared = in_one_group(&host, 10, &["count", "count", "reject", "count", "count"]).await;
    assert_eq!(shared, ["1", "2", "rejected", "1", "2"]);
    // What has to be undone ends the group: those before it are run again, each by itself.
    let undone = in_one_group(&host, 50, &["count", "count", "panic", "count", "count"]).await;
    assert_eq!(undone, ["1", "1", "failed", "1", "2"]);
    assert_eq!(
        in_one_group(&host, 20, &["count", "count"]).await,
        ["1", "2"],
        "a new group begins anew"
    );
    assert_eq!(
        in_one_group(&host, 30, &["count", "leak", "count"]).await,
        ["1", "null", "1"],
        "not if it keeps handles"
    );

    let fresh = load(&HOSTILE.replace("instances = \"group\"", "")).unwrap_or_else(|faults| panic!("{faults:?}"));
    assert_eq!(
        in_one_group(&fresh, 10, &["count", "count"]).await,
        ["1", "1"],
        "without it each has its own"
    );
}
