//! Every key there is, in the order of `docs/manifest.md`.

use crate::schema::{Absent, Key, Kind, Section};

use Absent::{Default, Means, Required};
use Kind::{Choice, Count, Duration, Flag, Number, SettingByName, Size, Table, TableByName, Tables, Template};
use Kind::{Text, TextByName, Texts};

const fn key(name: &'static str, kind: Kind, absent: Absent, example: &'static str) -> Key {
    Key {
        name,
        kind,
        absent,
        example,
    }
}

const fn section(title: &'static str, keys: &'static [Key]) -> Section {
    Section {
        title,
        keys,
        refused: &[],
    }
}

/// The whole file.
pub static MANIFEST: Section = section(
    "The file",
    &[
        key("manifest", Count(1, 1), Required, "1"),
        key("name", Text, Required, "\"shop\""),
        key("journal", Table(&JOURNAL), Required, "{ url = \"sqlite:journal.db\" }"),
        key("databases", TableByName(&DATABASE), Means("none"), ""),
        key("keyrings", TableByName(&KEYRING), Means("none"), ""),
        key("filters", TableByName(&FILTER), Means("none"), ""),
        key("components", TableByName(&COMPONENT), Means("none"), ""),
        key("sagas", TableByName(&SAGA), Means("none"), ""),
        key(
            "routes",
            Tables(&ROUTE),
            Means("none"),
            "[{ match = \"GET /\", component = \"NAME\" }]",
        ),
        key("server", Table(&SERVER), Means("all defaults"), ""),
        key("orchestrator", Table(&ORCHESTRATOR), Means("all defaults"), ""),
        key("admin", Table(&ADMIN), Means("no token"), ""),
    ],
);

static JOURNAL: Section = section(
    "journal",
    &[
        key("url", Text, Required, "\"sqlite:journal.db\""),
        key("retention", Duration("1s", "3650d"), Default("\"30d\""), "\"30d\""),
        key("key-window", Duration("1s", "3650d"), Default("\"30d\""), "\"30d\""),
    ],
);

static DATABASE: Section = section("databases.NAME", &[key("url", Text, Required, "\"sqlite:NAME.db\"")]);

static KEYRING: Section = section(
    "keyrings.NAME",
    &[key(
        "keys",
        Tables(&KEY),
        Required,
        "[{ kid = \"1\", file = \"keys/NAME-1.key\", generate = true }]",
    )],
);

const INLINE: &str = "a secret is not written in the manifest, which is read, copied and printed";

static KEY: Section = Section {
    title: "keyrings.NAME.keys[]",
    keys: &[
        key("kid", Text, Required, "\"1\""),
        key("file", Text, Means("`env` is given"), "\"keys/NAME-1.key\""),
        key("env", Text, Means("`file` is given"), "\"CUSTOMER_KEY\""),
        key("generate", Flag, Default("false"), "true"),
    ],
    refused: &[("secret", INLINE), ("value", INLINE), ("key", INLINE)],
};

/// Where a secret is found.
pub static SECRET: Section = Section {
    title: "A secret by reference",
    keys: &[
        key("file", Text, Means("`env` is given"), "\"keys/token\""),
        key("env", Text, Means("`file` is given"), "\"SKALD_TOKEN\""),
    ],
    refused: &[
        ("secret", INLINE),
        ("value", INLINE),
        ("token", INLINE),
        ("key", INLINE),
    ],
};

static FILTER: Section = section(
    "filters.NAME",
    &[
        key("kind", Choice(&["bloom", "cuckoo"]), Default("\"bloom\""), "\"bloom\""),
        key("items", Count(1, 100_000_000), Default("1000000"), "1000000"),
        key("database", Text, Required, "\"product\""),
        key("fill", Text, Required, "\"SELECT id FROM product\""),
    ],
);

static COMPONENT: Section = section(
    "components.NAME",
    &[
        key("artifact", Text, Required, "\"NAME.wasm\""),
        key("databases", Texts, Default("[]"), "[\"NAME\"]"),
        key("keyrings", Texts, Default("[]"), "[\"NAME\"]"),
        key("passwords", Flag, Default("false"), "true"),
        key("cache", Texts, Default("[]"), "[\"NAME\"]"),
        key("locks", Flag, Default("false"), "true"),
        key("filters", Texts, Default("[]"), "[\"NAME\"]"),
        key("publishes", Texts, Default("[]"), "[\"product.created\"]"),
        key("handles", Texts, Default("[]"), "[\"product.created\"]"),
        key("http", Texts, Default("[]"), "[\"api.example.org\"]"),
        key(
            "calls",
            TextByName,
            Means("none"),
            "{ \"shop:product/catalog\" = \"product\" }",
        ),
        key(
            "config",
            SettingByName,
            Means("none"),
            "{ ttl = \"60\", token = { env = \"API_TOKEN\" } }",
        ),
        key(
            "instances",
            Choice(&["fresh", "group"]),
            Default("\"fresh\""),
            "\"fresh\"",
        ),
        key(
            "limits",
            Table(&LIMITS),
            Means("all defaults"),
            "{ memory = \"32MiB\" }",
        ),
    ],
);

static LIMITS: Section = section(
    "components.NAME.limits",
    &[
        key("memory", Size("64KiB", "64MiB"), Default("\"64MiB\""), "\"64MiB\""),
        key("deadline", Duration("1ms", "1h"), Default("\"5s\""), "\"5s\""),
        key("output", Size("1KiB", "64MiB"), Default("\"1MiB\""), "\"1MiB\""),
        key("rows", Count(1, 1_000_000), Default("10000"), "10000"),
        key("result-bytes", Size("1KiB", "64MiB"), Default("\"8MiB\""), "\"8MiB\""),
        key(
            "log-bytes-per-call",
            Size("0B", "64MiB"),
            Default("\"64KiB\""),
            "\"64KiB\"",
        ),
        key("concurrency", Count(1, 1000), Default("64"), "64"),
    ],
);

static SAGA: Section = section(
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

static ROUTE: Section = section(
    "routes[]",
    &[
        key("match", Text, Required, "\"GET /api/order/{id}\""),
        key("component", Text, Means("`saga` or `results` is given"), "\"order\""),
        key("saga", Text, Means("`component` or `results` is given"), "\"purchase\""),
        key("results", Text, Means("`component` or `saga` is given"), "\"purchase\""),
        key("auth", Text, Means("open to everybody"), "\"account\""),
        key(
            "guess-limit",
            Table(&GUESS_LIMIT),
            Means("no limit"),
            "{ failures = 10, window = \"5m\" }",
        ),
        key("operator", Flag, Default("false"), "true"),
        key(
            "timeout",
            Duration("1ms", "1h"),
            Means("`server.request-timeout`"),
            "\"30s\"",
        ),
    ],
);

static GUESS_LIMIT: Section = section(
    "routes[].guess-limit",
    &[
        key("failures", Count(1, 1_000_000), Default("10"), "10"),
        key("address-failures", Count(1, 1_000_000), Default("50"), "50"),
        key("window", Duration("1s", "1d"), Default("\"5m\""), "\"5m\""),
        key("body-field", Text, Means("only addresses are counted"), "\"email\""),
    ],
);

static SERVER: Section = section(
    "server",
    &[
        key("max-body", Size("1KiB", "64MiB"), Default("\"1MiB\""), "\"1MiB\""),
        key("max-headers", Size("8KiB", "1MiB"), Default("\"16KiB\""), "\"16KiB\""),
        key(
            "header-timeout",
            Duration("100ms", "10m"),
            Default("\"10s\""),
            "\"10s\"",
        ),
        key("body-timeout", Duration("100ms", "10m"), Default("\"15s\""), "\"15s\""),
        key(
            "request-timeout",
            Duration("100ms", "1h"),
            Default("\"30s\""),
            "\"30s\"",
        ),
        key("cors", Table(&CORS), Means("any origin"), "{ origins = [\"*\"] }"),
        key("drain", Duration("0s", "10m"), Default("\"10s\""), "\"10s\""),
        key("sse-heartbeat", Duration("100ms", "5m"), Default("\"15s\""), "\"15s\""),
        key("max-inflight-sagas", Count(1, 1_000_000), Default("10000"), "10000"),
        key("hash-parallelism", Count(1, 64), Default("2"), "2"),
        key("guest-threads", Count(1, 512), Default("16"), "16"),
    ],
);

static CORS: Section = section("server.cors", &[key("origins", Texts, Default("[\"*\"]"), "[\"*\"]")]);

static ORCHESTRATOR: Section = section(
    "orchestrator",
    &[
        key("parallel-recovery", Count(1, 1024), Default("64"), "64"),
        key("lease", Duration("1s", "10m"), Default("\"15s\""), "\"15s\""),
        key("sweep", Duration("100ms", "1m"), Default("\"1s\""), "\"1s\""),
        key("group-max", Count(1, 1024), Default("64"), "64"),
        key("group-max-time", Duration("1ms", "1s"), Default("\"20ms\""), "\"20ms\""),
    ],
);

static ADMIN: Section = section(
    "admin",
    &[key(
        "token",
        Table(&SECRET),
        Means("no token"),
        "{ env = \"SKALD_ADMIN_TOKEN\" }",
    )],
);
