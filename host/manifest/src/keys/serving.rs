//! The keys of what is served: routes, the server's bounds, and those of the sagas behind it.

use super::{key, section};
use crate::schema::{Absent, Kind, Section};

use Absent::{Default, Means, Required};
use Kind::{Count, Duration, Flag, Size, Table, Text, Texts};

pub(super) static ROUTE: Section = section(
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

pub(super) static SERVER: Section = section(
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

pub(super) static ORCHESTRATOR: Section = section(
    "orchestrator",
    &[
        key("parallel-recovery", Count(1, 1024), Default("64"), "64"),
        key("lease", Duration("1s", "10m"), Default("\"15s\""), "\"15s\""),
        key("sweep", Duration("100ms", "1m"), Default("\"1s\""), "\"1s\""),
        key("group-max", Count(1, 1024), Default("64"), "64"),
        key("group-max-time", Duration("1ms", "1s"), Default("\"20ms\""), "\"20ms\""),
    ],
);
