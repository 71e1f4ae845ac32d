//! What a component may not do in its step's transaction, and what becomes of it when it tries.

use std::time::Instant;

use skald_store::fence::{Close, GuestAnswer, Outcome};
use skald_store::sql::{Error, Session, Value};

use crate::service::{Service, done, key, write};

/// A statement that runs until it is interrupted.
pub const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO effect SELECT i, 'endless' FROM n";

#[test]
fn what_is_the_hosts_business_is_refused_and_the_step_goes_on() {
    let service = Service::open();
    let statements = [
        "COMMIT",
        "commit;",
        " \n\tCOMMIT",
        "-- hello\nCOMMIT",
        "/* a */ /* b */ END",
        ";COMMIT",
        "ROLLBACK",
        "BEGIN",
        "BEGIN IMMEDIATE",
        "SAVEPOINT a",
        "RELEASE a",
        "ROLLBACK TO a",
        "CREATE TABLE a (b)",
        "CREATE TEMP TABLE a (b)",
        "DROP TABLE effect",
        "ALTER TABLE effect ADD b",
        "CREATE TRIGGER t AFTER INSERT ON effect BEGIN SELECT 1; END",
        "PRAGMA synchronous = OFF",
        "PRAGMA writable_schema = 1",
        "ATTACH ':memory:' AS a",
        "DETACH a",
        "VACUUM",
        "VACUUM INTO 'copy.db'",
        "REINDEX",
        "ANALYZE",
        "EXPLAIN SELECT 1",
        "VALUES (1)",
        "INSERT INTO effect (note) VALUES ('a'); COMMIT",
        "SELECT 1; DELETE FROM effect",
        "",
        "DELETE FROM skald_fence",
        "UPDATE \"skald_fence\" SET outcome = 'done'",
        "UPDATE [SKALD_FENCE] SET outcome = ''",
        "INSERT INTO `skald_outbox` (topic) VALUES ('a')",
        "SELECT * FROM main.skald_horizon",
        "DELETE FROM skald_meta",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM sqlite_schema",
        "SELECT * FROM pragma_user_version",
        "SELECT load_extension('a')",
        "WITH a AS (SELECT 1) DELETE FROM skald_migration",
    ];
    let outcome = service.act(key(1), move |session| {
        for statement in statements {
            let queried = session.query(statement, &[]).map(drop);
            assert!(
                matches!(queried, Err(Error::Faulty(_))),
                "query {statement:?}: {queried:?}"
            );
            let executed = session.execute(statement, &[]).map(drop);
            assert!(
                matches!(executed, Err(Error::Faulty(_))),
                "execute {statement:?}: {executed:?}"
            );
        }
        write(session, "kept").expect("the transaction is still there");
        done()
    });
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    assert_eq!(service.count("SELECT count(*) FROM effect"), 1);
    assert_eq!(service.outcomes(), ["done"]);
}

#[test]
fn parameters_are_counted_and_texts_are_bounded() {
    let service = Service::open();
    let outcome = service.act(key(1), |session| {
        let one = [Value::Integer(1)];
        for (statement, params) in [("SELECT ?", &[][..]), ("SELECT 1", &one), ("SELECT ?, ?", &one)] {
            let found = session.query(statement, params);
            assert!(
                matches!(&found, Err(Error::Faulty(report)) if report.sqlstate == "07001"),
                "{statement}: {found:?}"
            );
        }
        let two = [Value::Integer(1), Value::Integer(2)];
        for statement in [
            "SELECT ?2",
            "SELECT ?2, ?1",
            "SELECT ?, :b",
            "SELECT @a, ?",
            "SELECT $a, $b",
        ] {
            let found = session.query(statement, &two);
            assert!(
                matches!(&found, Err(Error::Faulty(report)) if report.message.contains("write `?` for each, in order")),
                "{statement}: {found:?}"
            );
        }
        let quoted = session.query("SELECT ?, '?2', \":a\" FROM (SELECT 1 AS \":a\") -- $b", &one);
        assert!(quoted.is_ok(), "{quoted:?}");
        let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n";
        assert!(matches!(session.query(rows, &[]), Err(Error::Faulty(report)) if report.sqlstate == "54000"));
        assert!(
            matches!(session.execute("SELECT 1", &[]), Err(Error::Faulty(_))),
            "execute returns no rows"
        );
        done()
    });
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
}

#[test]
fn a_savepoint_of_the_component_ends_with_it_and_never_with_the_transaction() {
    let service = Service::open();
    let outcome = service.act(key(1), |session| {
        let outer = session.begin().expect("a savepoint");
        write(session, "kept").expect("it is open");
        let inner = session.begin().expect("a savepoint in it");
        write(session, "undone").expect("it is open");
        session.rollback(inner);
        session.rollback(inner);
        assert_eq!(session.commit(inner), Err(Error::Ended));
        let open = session.begin().expect("another");
        session.commit(outer).expect("with all begun after it");
        assert_eq!(session.commit(open), Err(Error::Ended));
        session.begin().expect("left open on purpose");
        write(session, "kept too").expect("it is open");
        done()
    });
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    assert_eq!(service.count("SELECT count(*) FROM effect WHERE note LIKE 'kept%'"), 2);
    assert_eq!(service.count("SELECT count(*) FROM effect"), 2);
}

/// Rule 3 of the protocol's verdict: a swallowed error.
#[test]
fn a_swallowed_interrupt_is_a_failed_attempt_whatever_the_component_says() {
    let service = Service::open();
    for (number, answer) in [
        done(),
        GuestAnswer::Rejected {
            code: "no".into(),
            detail: String::new(),
        },
    ]
    .into_iter()
    .enumerate()
    {
        for forward in [true, false] {
            let key = key(number as u64);
            let answer = answer.clone();
            let swallow = move |session: &mut skald_store::fence::StepSession| {
                session.set_deadline(Instant::now());
                assert!(matches!(session.execute(ENDLESS, &[]), Err(Error::Contention(_))));
                assert_eq!(write(session, "outside of the transaction"), Err(Error::Ended));
                assert_eq!(session.begin(), Err(Error::Ended));
                answer.clone()
            };
            let outcome = if forward {
                service.act(key, swallow)
            } else {
                service.act(key, |_| done());
                service.back(key, Close::AndCompensate, swallow)
            };
            assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
        }
    }
    assert_eq!(service.count("SELECT count(*) FROM effect"), 0, "nothing leaked");
}

/// A query that is interrupted leaves the transaction as it is; the step fails all the same.
#[test]
fn an_interrupted_query_poisons_the_transaction_it_leaves_alive() {
    let service = Service::open();
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let outcome = service.act(key(1), move |session| {
        write(session, "before").expect("it is open");
        session.set_deadline(Instant::now());
        assert!(session.query(endless, &[]).is_err());
        assert_eq!(write(session, "after"), Err(Error::Ended));
        done()
    });
    assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    assert_eq!(service.count("SELECT count(*) FROM effect"), 0);
    assert!(service.outcomes().is_empty(), "nothing is recorded of a failed attempt");
}

#[test]
fn a_refusal_and_a_failure_leave_nothing_of_the_components_writes() {
    let service = Service::open();
    let refused = service.act(key(1), |session| {
        write(session, "refused").expect("it is open");
        GuestAnswer::Rejected {
            code: "no".into(),
            detail: String::new(),
        }
    });
    assert!(matches!(refused, Outcome::Rejected(_)), "{refused:?}");
    let failed = service.act(key(2), |session| {
        write(session, "failed").expect("it is open");
        GuestAnswer::Retry {
            detail: String::new(),
            after_ms: Some(5),
        }
    });
    assert!(matches!(failed, Outcome::Retry { after_ms: Some(5), .. }), "{failed:?}");
    assert_eq!(service.count("SELECT count(*) FROM effect"), 0);
    assert_eq!(service.outcomes(), ["rejected"]);
}
