//! What a migration of a component may do, and what it may not.

use rusqlite::Connection;
use skald_saga::Digest;
use skald_store::fence::{MigrateError, Migrated, Migration, migrate, prepare};

fn database() -> Connection {
    let mut connection = Connection::open_in_memory().expect("a database");
    prepare(&mut connection, "shop").expect("the host's tables");
    connection
}

fn migration(version: u32, statements: &[&str]) -> Migration {
    Migration {
        version,
        name: format!("change {version}"),
        statements: statements.iter().map(|text| (*text).to_owned()).collect(),
    }
}

fn run(connection: &mut Connection, migrations: &[Migration]) -> Result<Migrated, MigrateError> {
    migrate(connection, migrations, Digest::of(b"a component"))
}

/// The names of all tables, triggers, views and indexes, and of the migrations that were run.
fn contents(connection: &Connection) -> Vec<String> {
    let names = "SELECT name FROM sqlite_master UNION ALL SELECT name FROM skald_migration ORDER BY name";
    let mut names = connection.prepare(names).expect("a query");
    let names = names.query_map([], |row| row.get(0)).expect("it runs");
    names.collect::<Result<_, _>>().expect("names are texts")
}

#[test]
fn the_components_own_tables_are_made_changed_and_filled() {
    let mut connection = database();
    let migrations = [
        migration(
            1,
            &[
                "CREATE TABLE product (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, price INTEGER DEFAULT 0)",
                "-- a comment\nCREATE UNIQUE INDEX product_name ON product (name);",
                "INSERT INTO product (name) VALUES ('one; two'), ('three')",
                "CREATE TABLE stock (product INTEGER REFERENCES product (id), amount INTEGER CHECK (amount >= 0))",
                "CREATE TRIGGER sold AFTER DELETE ON product BEGIN DELETE FROM stock WHERE product = old.id; END",
                "CREATE VIEW cheap AS SELECT name FROM product WHERE price < 10",
            ],
        ),
        migration(
            2,
            &[
                "ALTER TABLE product ADD COLUMN brand TEXT NOT NULL DEFAULT ''",
                "ALTER TABLE product RENAME COLUMN price TO cents",
                "UPDATE product SET brand = upper(name)",
                "WITH kept(id) AS (SELECT max(id) FROM product) DELETE FROM product WHERE id NOT IN (SELECT id FROM kept)",
                "CREATE INDEX product_brand ON product (brand)",
                "DROP INDEX product_name",
                "DROP VIEW cheap",
                "DROP TRIGGER sold",
                "ALTER TABLE stock RENAME TO shelf",
                "ALTER TABLE shelf DROP COLUMN amount",
                "CREATE TABLE copy AS SELECT * FROM product",
                "DROP TABLE copy",
            ],
        ),
    ];
    let all = Migrated { new: 2, all: 2 };
    assert_eq!(run(&mut connection, &migrations).expect("all of it is allowed"), all);
    let brand: String = connection
        .query_row("SELECT brand FROM product", [], |row| row.get(0))
        .expect("one is left");
    assert_eq!(brand, "THREE");
    let none = Migrated { new: 0, all: 2 };
    assert_eq!(run(&mut connection, &migrations).expect("they were run before"), none);
}

#[test]
fn whatever_reaches_further_is_refused_by_name_and_leaves_nothing() {
    let mut connection = database();
    let before = contents(&connection);
    for statement in [
        "",
        "-- nothing",
        "BEGIN",
        "COMMIT",
        " /* now */ commit",
        "END",
        "ROLLBACK",
        "SAVEPOINT a",
        "RELEASE a",
        "ROLLBACK TO a",
        "ATTACH 'other.db' AS other",
        "DETACH main",
        "PRAGMA writable_schema = 1",
        "PRAGMA foreign_keys = OFF",
        "VACUUM",
        "VACUUM INTO 'copy.db'",
        "ANALYZE",
        "SELECT 1",
        "EXPLAIN SELECT 1",
        "INSERT INTO mine VALUES (1); COMMIT",
        "INSERT INTO mine VALUES (1); INSERT INTO mine VALUES (2)",
        "DROP TABLE skald_fence",
        "DELETE FROM \"SKALD_FENCE\"",
        "UPDATE skald_fence SET outcome = 'done'",
        "CREATE TABLE copy AS SELECT * FROM skald_outbox",
        "CREATE TABLE skald_mine (id INTEGER)",
        "ALTER TABLE mine RENAME TO skald_mine",
        "CREATE VIEW fences AS SELECT * FROM skald_fence",
        "CREATE INDEX skald_fence_by_outcome ON mine (id)",
        "CREATE TRIGGER t AFTER INSERT ON mine BEGIN UPDATE skald_horizon SET born = 0; END",
        "CREATE TEMP TABLE a (b)",
        "CREATE TEMP TRIGGER t AFTER INSERT ON mine BEGIN SELECT 1; END",
        "CREATE TEMP VIEW v AS SELECT 1",
    ] {
        let migrations = [migration(1, &["CREATE TABLE mine (id INTEGER)", statement])];
        let refused = run(&mut connection, &migrations).expect_err(statement);
        let MigrateError::Refused { version, name, .. } = &refused else {
            panic!("{statement}: {refused:?}");
        };
        assert_eq!((*version, name.as_str()), (1, "change 1"));
        assert!(refused.to_string().contains(&format!("{statement:?}")), "{refused}");
        assert!(connection.is_autocommit(), "{statement} ended or began a transaction");
        assert_eq!(contents(&connection), before, "{statement} left something");
    }
    let extension = migration(1, &["CREATE TABLE mine AS SELECT load_extension('a')"]);
    let refused = run(&mut connection, &[extension])
        .expect_err("that loads code")
        .to_string();
    assert!(refused.contains("not authorized to use function"), "{refused}");
    let own = [migration(1, &["CREATE TABLE mine (id INTEGER)"])];
    run(&mut connection, &own).expect("the database is as it was");
}

#[test]
fn a_statement_that_the_database_does_not_take_fails_its_migration_alone() {
    let mut connection = database();
    let migrations = [
        migration(1, &["CREATE TABLE mine (id INTEGER)"]),
        migration(2, &["INSERT INTO mine VALUES (1)", "INSERT INTO nothing VALUES (1)"]),
    ];
    let failed = run(&mut connection, &migrations).expect_err("there is no such table");
    assert!(matches!(failed, MigrateError::Failed { version: 2, .. }), "{failed}");
    let rows = connection.query_row("SELECT count(*) FROM mine", [], |row| row.get(0));
    assert_eq!(rows, Ok(0));
}
