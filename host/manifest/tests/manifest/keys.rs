//! Keys and names: known ones, none missing; and texts that are not TOML.

use crate::base::{add, beta, faults, ring, route, step, with};

#[test]
fn every_key_is_a_known_one() {
    faults(
        &add("[jornal]"),
        &[r#"41:2: jornal: there is no key "jornal"; did you mean "journal"?"#],
    );
    faults(
        &add("[shipping]"),
        &[
            r#"41:2: shipping: there is no key "shipping"; the keys here are manifest, name, journal, databases, keyrings, filters, components, sagas, routes, server, orchestrator, admin"#,
        ],
    );
    faults(
        &beta("artefact = 'x'"),
        &[r#"23:1: components.beta.artefact: there is no key "artefact"; did you mean "artifact"?"#],
    );
    faults(
        &beta("limits = { memroy = '1MiB' }"),
        &[r#"23:12: components.beta.limits.memroy: there is no key "memroy"; did you mean "memory"?"#],
    );
    faults(
        &step("databse = 'left'"),
        &[r#"36:1: sagas.buy.steps[1].databse: there is no key "databse"; did you mean "database"?"#],
    );
    faults(
        &add("[server]\nmax_body = '1MiB'"),
        &[r#"42:1: server.max_body: there is no key "max_body"; did you mean "max-body"?"#],
    );
    faults(
        &route("match = 'GET /b'\ncomponent = 'beta'\nguess-limit = { filures = 3 }"),
        &[r#"44:17: routes[1].guess-limit.filures: there is no key "filures"; did you mean "failures"?"#],
    );
}

#[test]
fn nothing_that_is_needed_is_missing() {
    faults(
        &with("manifest = 1\n", ""),
        &["1:1: manifest: this key is missing; write manifest = 1"],
    );
    faults(
        &with("name = \"shop\"\n", ""),
        &[r#"1:1: name: this key is missing; write name = "shop""#],
    );
    faults(
        &with("[journal]\nurl = \"sqlite:journal.db\"\n", ""),
        &[r#"1:1: journal: this key is missing; write journal = { url = "sqlite:journal.db" }"#],
    );
    faults(
        &with("url = \"sqlite:left.db\"\n", ""),
        &[r#"7:1: databases.left.url: this key is missing; write url = "sqlite:left.db""#],
    );
    faults(
        &with("artifact = \"beta.wasm\"\n", ""),
        &[r#"21:1: components.beta.artifact: this key is missing; write artifact = "beta.wasm""#],
    );
    faults(
        &ring("[{ file = 'keys/1.key' }]"),
        &[r#"14:9: keyrings.ring.keys[0].kid: this key is missing; write kid = "1""#],
    );
    faults(
        &with("keys = [{ kid = \"1\", file = \"keys/1.key\" }]\n", ""),
        &[
            r#"13:1: keyrings.ring.keys: this key is missing; write keys = [{ kid = "1", file = "keys/ring-1.key", generate = true }]"#,
        ],
    );
    faults(
        &with("name = \"TWO\"\n", ""),
        &[r#"32:1: sagas.buy.steps[1].name: this key is missing; write name = "CREATE_ORDER""#],
    );
    faults(
        &with("name = \"TWO\"\ncomponent = \"alpha\"\ndatabase = \"left\"\n", ""),
        &[
            r#"32:1: sagas.buy.steps[1].name: this key is missing; write name = "CREATE_ORDER""#,
            r#"32:1: sagas.buy.steps[1].component: this key is missing; write component = "order""#,
            r#"32:1: sagas.buy.steps[1].database: this key is missing; write database = "order""#,
        ],
    );
    faults(
        &add("[sagas.empty]"),
        &[
            r#"41:1: sagas.empty.steps: this key is missing; write steps = [{ name = "PAY", component = "payment", database = "payment" }]"#,
        ],
    );
    faults(
        &with("match = \"GET /a/{id}\"\n", ""),
        &[r#"37:1: routes[0].match: this key is missing; write match = "GET /api/order/{id}""#],
    );
}

#[test]
fn no_list_that_is_needed_is_empty() {
    faults(
        &ring("[]"),
        &[
            r#"14:8: keyrings.ring.keys: this list is empty; write keys = [{ kid = "1", file = "keys/ring-1.key", generate = true }]"#,
        ],
    );
    faults(
        &add("[sagas.none]\nsteps = []"),
        &[
            r#"42:9: sagas.none.steps: this list is empty; write steps = [{ name = "PAY", component = "payment", database = "payment" }]"#,
        ],
    );
}

#[test]
fn every_name_is_a_name() {
    faults(
        &with(r#"name = "shop""#, r#"name = "The Shop""#),
        &[r#"2:8: name: "The Shop" is not a name; begin with a to z, and go on with a to z, 0 to 9 or -"#],
    );
    faults(
        &add("[databases.Left]\nurl = 'sqlite:other.db'"),
        &[r#"41:12: databases.Left: "Left" is not a name; begin with a to z, and go on with a to z, 0 to 9 or -"#],
    );
    faults(
        &add("[components.'a.b']\nartifact = 'x.wasm'"),
        &[r#"41:13: components."a.b": "a.b" is not a name; begin with a to z, and go on with a to z, 0 to 9 or -"#],
    );
    faults(
        &with(r#""ONE""#, r#""1.ONE""#),
        &[
            r#"28:8: sagas.buy.steps[0].name: "1.ONE" is not the name of a step; begin with a letter, and go on with letters, digits, _ or -"#,
        ],
    );
}

#[test]
fn a_text_that_is_not_toml_is_shown_where_it_breaks() {
    faults(
        &with(r#"name = "shop""#, "name = shop"),
        &["2:8: not TOML: string values must be quoted, expected literal string"],
    );
    faults(
        &with(r#"name = "shop""#, r#"name = "shop"#),
        &[r#"2:13: not TOML: invalid basic string, expected `"`"#],
    );
    faults(
        &with("[journal]", "[journal"),
        &["4:9: not TOML: unclosed table, expected `]`"],
    );
    faults(
        &with("name = \"shop\"\n", "name = \"shop\"\nname = \"stop\"\n"),
        &["3:1: name is given twice; keep one"],
    );
    faults(
        &with("[journal]", "= 5\n[journal]\nx y z = 1"),
        &[
            "4:1: not TOML: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`",
            "6:3: not TOML: key with no value, expected `=`",
        ],
    );
}
