//! The keys of a saga and its steps.

use super::{key, section};
use crate::schema::{Absent, Key, Kind, Section};

use Absent::{Default, Means, Required};
use Kind::{Choice, Count, Duration, Flag, Number, Table, Tables, Template, Text};

pub(super) static SAGA: Section = section(
    "sagas.NAME",
    &[
        key("admit", Text, Means("everything is admitted"), "\"product\""),
        key(
            "stream",
            Choice(&["principal"]),
            Default("\"principal\""),
            "\"principal\"",
        ),
        key("deadline", Duration("1ms", "3650d"), Means("never"), "\"10m\""),
        key("retry", Table(&RETRY), Means("all defaults"), "{ attempts = 10 }"),
        key(
            "on-exhausted",
            Choice(&["abort", "stick"]),
            Default("\"abort\""),
            "\"abort\"",
        ),
        key(
            "compensation",
            Table(&COMPENSATION),
            Means("all defaults"),
            "{ attempts = 20 }",
        ),
        key(
            "steps",
            Tables(&STEP),
            Required,
            "[{ name = \"PAY\", component = \"payment\", database = \"payment\" }]",
        ),
    ],
);

static STEP: Section = section(
    "sagas.NAME.steps[]",
    &[
        key("name", Text, Required, "\"CREATE_ORDER\""),
        key("component", Text, Required, "\"order\""),
        key("database", Text, Required, "\"order\""),
        key("deadline", Duration("1ms", "1h"), Default("\"5s\""), "\"2s\""),
        key("retry", Table(&STEP_RETRY), Means("the saga's"), "{ attempts = 10 }"),
        key(
            "on-exhausted",
            Choice(&["abort", "stick"]),
            Means("the saga's"),
            "\"abort\"",
        ),
        key("external-effects", Flag, Default("false"), "true"),
        key(
            "input",
            Template,
            Means("the admitted input"),
            "{ amount = \"$input.amount\" }",
        ),
    ],
);

const fn retry(absent: [Absent; 5]) -> [Key; 5] {
    let [attempts, initial, factor, max, jitter] = absent;
    [
        key("attempts", Count(1, 1000), attempts, "10"),
        key("initial", Duration("0ms", "1d"), initial, "\"50ms\""),
        key("factor", Number(1.0, 100.0), factor, "2.0"),
        key("max", Duration("0ms", "1d"), max, "\"5s\""),
        key("jitter", Number(0.0, 1.0), jitter, "0.2"),
    ]
}

const RETRY_DEFAULTS: [Absent; 5] = [
    Default("10"),
    Default("\"50ms\""),
    Default("2.0"),
    Default("\"5s\""),
    Default("0.2"),
];

const COMPENSATION_DEFAULTS: [Absent; 5] = [
    Default("20"),
    Default("\"50ms\""),
    Default("2.0"),
    Default("\"30s\""),
    Default("0.2"),
];

static RETRY: Section = section("sagas.NAME.retry", &retry(RETRY_DEFAULTS));

static COMPENSATION: Section = section("sagas.NAME.compensation", &retry(COMPENSATION_DEFAULTS));

static STEP_RETRY: Section = section("sagas.NAME.steps[].retry", &retry([Means("the saga's"); 5]));
