//! Every key there is, in the order of `docs/manifest.md`. The sections of what runs have files of their own.

mod sagas;
mod serving;

use crate::schema::{Absent, Key, Kind, Section};

use sagas::SAGA;
use serving::{ORCHESTRATOR, ROUTE, SERVER};

use Absent::{Default, Means, Required};
use Kind::{Choice, Count, Duration, Flag, SettingByName, Size, Table, TableByName, Tables, Text, TextByName, Texts};

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

static ADMIN: Section = section(
    "admin",
    &[key(
        "token",
        Table(&SECRET),
        Means("no token"),
        "{ env = \"SKALD_ADMIN_TOKEN\" }",
    )],
);
