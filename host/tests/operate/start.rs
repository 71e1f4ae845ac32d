//! What can't be started on is refused with one sentence, and left as it is.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::host::{Place, told};

/// A data folder that was used and left cleanly.
fn used() -> Place {
    let place = Place::new();
    place.start().stop();
    place
}

#[track_caller]
fn refused(place: &Place) -> String {
    let mut command = place.command(&place.data());
    let (code, _, error) = told(
        &command
            .args(["--admin-listen", "127.0.0.1:0"])
            .output()
            .expect("it ran"),
    );
    assert_eq!(code, 2, "{error}");
    error
        .lines()
        .find(|line| line.starts_with("skald:"))
        .unwrap_or_else(|| panic!("no sentence in {error}"))
        .to_owned()
}

fn change(file: &Path, statement: &str) {
    Connection::open(file)
        .expect("opened")
        .execute(statement, [])
        .expect("changed");
}

#[test]
fn tables_of_a_newer_version_are_refused() {
    let place = used();
    change(&place.data().join("product.db"), "UPDATE skald_meta SET version = 99");
    let error = refused(&place);
    assert!(
        error.contains("database product: its tables have version 99") && error.contains("use a newer skald"),
        "{error}"
    );
    change(&place.data().join("product.db"), "UPDATE skald_meta SET version = 1");
    change(&place.data().join("journal.db"), "UPDATE meta SET version = 99");
    let error = refused(&place);
    assert!(
        error.contains("database journal: its tables have version 99"),
        "{error}"
    );
}

#[test]
fn a_migration_that_does_more_than_define_tables_is_refused_by_name() {
    let place = Place::with("[databases.forbidden]\nurl = \"sqlite:forbidden.db\"\n");
    let manifest = place.path("skald.toml");
    let text = fs::read_to_string(&manifest).expect("read");
    let granted = text.replacen("[\"hostile\", \"other\"]", "[\"hostile\", \"forbidden\"]", 1);
    assert_ne!(text, granted, "the hostile component is granted one more");
    fs::write(&manifest, granted).expect("written");
    let error = refused(&place);
    assert!(
        error.contains("database forbidden: component hostile: migration 1 (escape) may not run \"COMMIT\""),
        "{error}"
    );
}

#[test]
fn damaged_files_are_refused_by_name_and_left_alone() {
    for name in ["journal", "order"] {
        let place = used();
        place.settle(&format!("{name}.db"));
        let file = place.data().join(format!("{name}.db"));
        let whole = fs::read(&file).expect("read");
        for damage in [
            b"this is no database, whatever its name says".repeat(200),
            whole[..whole.len() / 2].to_vec(),
        ] {
            fs::write(&file, &damage).expect("damaged");
            let error = refused(&place);
            assert!(error.contains(&format!("database {name}")), "{error}");
            assert_eq!(fs::read(&file).expect("read"), damage, "it was touched");
        }
    }
}

#[test]
fn a_query_that_fills_no_filter_is_refused() {
    let cases = [
        ("SELECT id FROM nowhere", "no such table: nowhere"),
        ("SELECT id, name FROM product", "it has 2 columns instead of one"),
        ("SELECT id FROM product WHERE id > ?", "it has parameters"),
        ("DELETE FROM product RETURNING id", "it would write"),
        ("SELECT id FROM product; SELECT 1", "Multiple statements"),
    ];
    for (query, expected) in cases {
        let place = Place::with(&format!(
            "\n[filters.bad]\ndatabase = \"product\"\nfill = \"{query}\"\n"
        ));
        let error = refused(&place);
        assert!(
            error.contains("the query of filter bad can't be used") && error.contains(expected),
            "{query}: {error}"
        );
    }
}
