//! Databases, keyrings and secrets.

use crate::base::{add, beta, faults, ring, with};

#[test]
fn a_database_is_a_file() {
    faults(
        &with(
            r#""sqlite:journal.db""#,
            r#""postgres://skald:hunter2@db.example.org/journal""#,
        ),
        &[r#"5:7: journal.url: this version runs on SQLite only, not on postgres; write "sqlite:journal.db""#],
    );
    faults(
        &with(r#""sqlite:left.db""#, r#""mysql://u:p@h/d""#),
        &[r#"8:7: databases.left.url: this version runs on SQLite only, not on mysql; write "sqlite:left.db""#],
    );
    faults(
        &with(r#""sqlite:left.db""#, r#""sqlite::memory:""#),
        &[r#"8:7: databases.left.url: a database in memory would be lost with the process; write "sqlite:left.db""#],
    );
    faults(
        &with(r#""sqlite:left.db""#, r#""sqlite://left.db""#),
        &[r#"8:7: databases.left.url: after sqlite: there is a path and nothing else; write "sqlite:left.db""#],
    );
    faults(
        &with(r#""sqlite:left.db""#, r#""sqlite:left.db?mode=ro""#),
        &[r#"8:7: databases.left.url: after sqlite: there is a path and nothing else; write "sqlite:left.db""#],
    );
    faults(
        &with(r#""sqlite:left.db""#, r#""sqlite:""#),
        &[r#"8:7: databases.left.url: after sqlite: there is a path and nothing else; write "sqlite:left.db""#],
    );
    faults(
        &with(r#""sqlite:left.db""#, r#""left.db""#),
        &[r#"8:7: databases.left.url: this is not the URL of a database; write "sqlite:left.db""#],
    );
    faults(
        &with(r#""sqlite:left.db""#, r#""redis:left""#),
        &[r#"8:7: databases.left.url: this is not the URL of a database; write "sqlite:left.db""#],
    );
}

#[test]
fn every_database_has_a_file_of_its_own() {
    faults(
        &with(r#""sqlite:left.db""#, r#""sqlite:right.db""#),
        &[
            r#"11:7: databases.right.url: databases.left.url (line 8) is in the same file; give each a file of its own, such as "sqlite:right.db""#,
        ],
    );
    faults(
        &with(r#""sqlite:left.db""#, r#""sqlite:./x/../right.db""#),
        &[
            r#"11:7: databases.right.url: databases.left.url (line 8) is in the same file; give each a file of its own, such as "sqlite:right.db""#,
        ],
    );
    faults(
        &with(r#""sqlite:right.db""#, r#""sqlite:journal.db""#),
        &[
            r#"11:7: databases.right.url: journal.url (line 5) is in the same file; give each a file of its own, such as "sqlite:right.db""#,
        ],
    );
}

#[test]
fn a_secret_is_never_written_in_the_manifest() {
    faults(
        &ring("[{ kid = '1', secret = 'hunter2' }]"),
        &[
            r#"14:22: keyrings.ring.keys[0].secret: a secret is not written in the manifest, which is read, copied and printed; name its place: file = "…" or env = "…""#,
        ],
    );
    faults(
        &beta("config = { token = { value = 'hunter2' } }"),
        &[
            r#"23:22: components.beta.config.token.value: a secret is not written in the manifest, which is read, copied and printed; name its place: file = "…" or env = "…""#,
        ],
    );
    faults(
        &add("[admin]\ntoken = 'hunter2'"),
        &[r#"42:9: admin.token: expected a table, found a text; write token = { env = "SKALD_ADMIN_TOKEN" }"#],
    );
    faults(
        &add("[admin]\ntoken = { token = 'hunter2' }"),
        &[
            r#"42:11: admin.token.token: a secret is not written in the manifest, which is read, copied and printed; name its place: file = "…" or env = "…""#,
        ],
    );
    faults(
        &beta("config = { token = ['hunter2'] }"),
        &[
            r#"23:20: components.beta.config.token: expected a text, found a list; write config = { ttl = "60", token = { env = "API_TOKEN" } }"#,
        ],
    );
    faults(
        &add("[admin]\ntoken = { env = 'hunter2!' }"),
        &[
            "42:17: admin.token.env: this is not the name of an environment variable; begin with a letter or _, and go on with letters, digits or _",
        ],
    );
}

#[test]
fn a_secret_has_one_place() {
    faults(
        &ring("[{ kid = '1' }]"),
        &[r#"14:9: keyrings.ring.keys[0]: the place of the secret is missing; write file = "…" or env = "…""#],
    );
    faults(
        &ring("[{ kid = '1', file = 'a', env = 'A' }]"),
        &["14:40: keyrings.ring.keys[0].env: file and env are both given; keep one"],
    );
    faults(
        &add("[admin]\ntoken = {}"),
        &[r#"42:9: admin.token: the place of the secret is missing; write file = "…" or env = "…""#],
    );
    faults(
        &beta("config = { token = {} }"),
        &[r#"23:20: components.beta.config.token: the place of the secret is missing; write file = "…" or env = "…""#],
    );
}

#[test]
fn a_keyring_has_keys_of_different_names() {
    faults(
        &ring("[{ kid = '1', file = 'a' }, { kid = '1', file = 'b' }]"),
        &[
            r#"14:44: keyrings.ring.keys[1].kid: another key has the kid "1" (line 14); a token names its key by the kid: give each key its own"#,
        ],
    );
}

#[test]
fn only_a_file_can_be_generated() {
    faults(
        &ring("[{ kid = '1', env = 'KEY', generate = true }]"),
        &[
            "14:46: keyrings.ring.keys[0].generate: the host can't write an environment variable; leave generate out, or name a file instead of env",
        ],
    );
}
