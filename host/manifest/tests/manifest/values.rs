//! Values of every kind, and their bounds.

use crate::base::{add, beta, faults, ring, saga, step, with};

#[test]
fn every_value_is_of_its_kind() {
    faults(
        &with(r#"name = "shop""#, "name = 5"),
        &[r#"2:8: name: expected a text, found a whole number; write name = "shop""#],
    );
    faults(
        &with("manifest = 1", r#"manifest = "1""#),
        &["1:12: manifest: expected a whole number, found a text; write manifest = 1"],
    );
    faults(
        &beta("databases = 'left'"),
        &[r#"23:13: components.beta.databases: expected a list of texts, found a text; write databases = ["left"]"#],
    );
    faults(
        &beta("databases = [5, true]"),
        &[
            "23:14: components.beta.databases[0]: expected a text, found a whole number; put it in quotation marks",
            "23:17: components.beta.databases[1]: expected a text, found true or false; put it in quotation marks",
        ],
    );
    faults(
        &beta("passwords = 'yes'"),
        &["23:13: components.beta.passwords: expected true or false, found a text; write passwords = true"],
    );
    faults(
        &beta("calls = ['alpha']"),
        &[
            r#"23:9: components.beta.calls: expected a table, found a list; write calls = { "shop:product/catalog" = "product" }"#,
        ],
    );
    faults(
        &beta("calls = { 'shop:alpha/x' = 5 }"),
        &[
            r#"23:28: components.beta.calls."shop:alpha/x": expected a text, found a whole number; write calls = { "shop:product/catalog" = "product" }"#,
        ],
    );
    faults(
        &beta("config = { ttl = 60 }"),
        &[
            r#"23:18: components.beta.config.ttl: expected a text, found a whole number; write config = { ttl = "60", token = { env = "API_TOKEN" } }"#,
        ],
    );
    faults(
        &beta("limits = 5"),
        &[
            r#"23:10: components.beta.limits: expected a table, found a whole number; write limits = { memory = "32MiB" }"#,
        ],
    );
    faults(
        &beta("limits = { memory = 64 }"),
        &[r#"23:21: components.beta.limits.memory: expected a size, found a whole number; write memory = "64MiB""#],
    );
    faults(
        &beta("limits = { deadline = 2026-11-23 }"),
        &[r#"23:23: components.beta.limits.deadline: expected a duration, found a date; write deadline = "5s""#],
    );
    faults(
        &saga("retry = { attempts = 2.5, factor = '2', jitter = true }"),
        &[
            "26:22: sagas.buy.retry.attempts: expected a whole number, found a number; write attempts = 10",
            "26:36: sagas.buy.retry.factor: expected a number, found a text; write factor = 2.0",
            "26:50: sagas.buy.retry.jitter: expected a number, found true or false; write jitter = 0.2",
        ],
    );
    faults(
        &with(
            r#"keys = [{ kid = "1", file = "keys/1.key" }]"#,
            r#"keys = { kid = "1" }"#,
        ),
        &[
            r#"14:8: keyrings.ring.keys: expected a list of tables, found a table; write keys = [{ kid = "1", file = "keys/ring-1.key", generate = true }]"#,
        ],
    );
    faults(
        &ring("['1']"),
        &["14:9: keyrings.ring.keys[0]: expected a table, found a text; write { key = value }"],
    );
    faults(
        &add("[databases]\nmiddle = 'sqlite:middle.db'"),
        &["42:10: databases.middle: expected a table, found a text; write it as a table [databases.middle]"],
    );
    faults(
        &with("name = \"shop\"\n", "name = \"shop\"\ndatabases = 7\n"),
        &[
            "8:2: not TOML: cannot extend value of type integer with a dotted key",
            "11:2: not TOML: cannot extend value of type integer with a dotted key",
        ],
    );
    faults(
        &with("name = \"shop\"\n", "name = \"shop\"\nkeyrings = []\n"),
        &["14:2: not TOML: cannot extend value of type array with a dotted key"],
    );
}

#[test]
fn every_text_has_something_in_it() {
    faults(
        &with(r#""alpha.wasm""#, r#""""#),
        &[r#"17:12: components.alpha.artifact: this text is empty; write artifact = "alpha.wasm""#],
    );
    faults(
        &beta("databases = ['']"),
        &["23:14: components.beta.databases[0]: this text is empty; leave it out"],
    );
}

#[test]
fn nothing_is_listed_twice() {
    faults(
        &beta("databases = ['left', 'left']"),
        &[r#"23:22: components.beta.databases[1]: "left" is listed twice; keep one"#],
    );
}

#[test]
fn sizes_and_durations_have_units() {
    faults(
        &beta("limits = { memory = '64MB', deadline = '5 s' }"),
        &[
            r#"23:21: components.beta.limits.memory: "64MB" is not a size; write a whole number and B, KiB, MiB or GiB, such as "64MiB""#,
            r#"23:40: components.beta.limits.deadline: "5 s" is not a duration; write a whole number and ms, s, m, h or d, such as "5s""#,
        ],
    );
    faults(
        &add("[server]\ndrain = '1h30m'"),
        &[r#"42:9: server.drain: "1h30m" is not a duration; write a whole number and ms, s, m, h or d, such as "10s""#],
    );
    faults(
        &add("[server]\nmax-body = '1.5MiB'"),
        &[
            r#"42:12: server.max-body: "1.5MiB" is not a size; write a whole number and B, KiB, MiB or GiB, such as "1MiB""#,
        ],
    );
}

#[test]
fn every_number_is_within_its_bounds() {
    faults(
        &with("manifest = 1", "manifest = 2"),
        &["1:12: manifest: this number is not known; write 1"],
    );
    faults(
        &beta("limits = { memory = '65MiB', rows = 0, concurrency = -1, output = '0B' }"),
        &[
            "23:21: components.beta.limits.memory: out of bounds; write 64KiB to 64MiB",
            "23:37: components.beta.limits.rows: out of bounds; write 1 to 1000000",
            "23:54: components.beta.limits.concurrency: out of bounds; write 1 to 1000",
            "23:67: components.beta.limits.output: out of bounds; write 1KiB to 64MiB",
        ],
    );
    faults(
        &saga("retry = { attempts = 1001, factor = 0.5, jitter = 1.5, max = '2d' }"),
        &[
            "26:22: sagas.buy.retry.attempts: out of bounds; write 1 to 1000",
            "26:37: sagas.buy.retry.factor: out of bounds; write 1 to 100",
            "26:51: sagas.buy.retry.jitter: out of bounds; write 0 to 1",
            "26:62: sagas.buy.retry.max: out of bounds; write 0ms to 1d",
        ],
    );
    faults(
        &saga("retry = { attempts = 0, jitter = -0.1 }"),
        &[
            "26:22: sagas.buy.retry.attempts: out of bounds; write 1 to 1000",
            "26:34: sagas.buy.retry.jitter: out of bounds; write 0 to 1",
        ],
    );
    faults(
        &step("deadline = '2h'"),
        &["36:12: sagas.buy.steps[1].deadline: out of bounds; write 1ms to 1h"],
    );
    faults(
        &add("[server]\nmax-headers = '4KiB'"),
        &["42:15: server.max-headers: out of bounds; write 8KiB to 1MiB"],
    );
    faults(
        &add("[orchestrator]\ngroup-max = 99999999999999999999"),
        &["42:13: orchestrator.group-max: out of bounds; write 1 to 1024"],
    );
    faults(
        &saga("retry = { factor = nan, jitter = inf }"),
        &[
            "26:20: sagas.buy.retry.factor: out of bounds; write 1 to 100",
            "26:34: sagas.buy.retry.jitter: out of bounds; write 0 to 1",
        ],
    );
}

#[test]
fn every_choice_is_one_of_the_choices() {
    faults(
        &beta("instances = 'grouped'"),
        &[r#"23:13: components.beta.instances: "grouped" is not one of the choices; did you mean "group"?"#],
    );
    faults(
        &beta("instances = 'gruop'"),
        &[r#"23:13: components.beta.instances: "gruop" is not one of the choices; did you mean "group"?"#],
    );
    faults(
        &saga("on-exhausted = 'stuck'"),
        &[r#"26:16: sagas.buy.on-exhausted: "stuck" is not one of the choices; did you mean "stick"?"#],
    );
    faults(
        &saga("stream = 'everybody'"),
        &[r#"26:10: sagas.buy.stream: "everybody" is not one of the choices; the choices here are principal"#],
    );
}

#[test]
fn an_input_is_json() {
    faults(
        &step("input = { at = 2026-11-23, n = [nan, 1] }"),
        &[
            "36:16: sagas.buy.steps[1].input.at: JSON has no dates; write it as a text",
            "36:33: sagas.buy.steps[1].input.n[0]: JSON has no such number; write a finite number of at most 64 bits",
        ],
    );
}
