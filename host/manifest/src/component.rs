//! A component: its artifact, what it is granted, and within which limits it runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::secret::SecretRef;

/// A component. What is not granted here is not linked, and a component that imports it is refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// The wasm file that it starts with. A relative path starts at the folder of artifacts.
    pub artifact: PathBuf,
    /// The labels of the databases that it may open.
    pub databases: Vec<String>,
    /// The labels of the keyrings that it may sign and verify with.
    pub keyrings: Vec<String>,
    /// Whether it may hash and verify passwords.
    pub passwords: bool,
    /// The labels of the cache buckets that it may open. Components that name the same label share
    /// the bucket.
    pub cache: Vec<String>,
    /// Whether it may take locks. Any name will do: what is locked is mostly named after a row, so
    /// a list of names could not be written down beforehand.
    pub locks: bool,
    /// The labels of the membership filters that it may open.
    pub filters: Vec<String>,
    /// The topics that it may publish to.
    pub publishes: Vec<String>,
    /// The topics that are delivered to it. Each is published by some component.
    pub handles: Vec<String>,
    /// The hosts that it may call: `host`, `host:port` or `*.example.org`, in lower case. Without a
    /// port, the scheme's own is meant.
    pub http: Vec<String>,
    /// Interfaces of other components that it calls: `shop:product/catalog` to the component that
    /// exports it.
    pub calls: BTreeMap<String, String>,
    /// What `wasi:config` answers.
    pub config: BTreeMap<String, ConfigValue>,
    /// Whether calls share an instance.
    pub instances: Instances,
    /// Within which limits it runs.
    pub limits: Limits,
}

/// A configuration value of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigValue {
    /// The value itself.
    Text(String),
    /// Where the host finds it.
    Secret(SecretRef),
}

/// Whether calls share an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Instances {
    /// Each call gets a fresh one. The default: no call can see what another left in memory.
    #[default]
    Fresh,
    /// The steps of one group commit share one; it is dropped with the group, and at once after a
    /// trap, a time-out or a refusal. About twice as fast, for components that keep nothing in
    /// their globals that a later call must not see.
    Group,
}

/// Within which limits a component runs. Whatever goes over one ends that call and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The linear memory of an instance, in bytes. Default and most 64 MiB, because the slots of
    /// the instance pool are that large.
    pub memory: usize,
    /// How long a call outside sagas may take: a request, an event, an admission, an
    /// authentication. Default 5 s: a customer who has waited longer has gone. A step has its own
    /// deadline, in its saga.
    pub deadline: Duration,
    /// The largest result of a call, in bytes. Default 1 MiB, as much as a request may bring.
    pub output: usize,
    /// How many rows a query may return. Default 10,000: whoever needs more should ask in pages.
    pub rows: usize,
    /// How large all rows of a query may be together, in bytes. Default 8 MiB: an eighth of the
    /// instance's memory, which has to hold them more than once while they are decoded.
    pub result_bytes: usize,
    /// How much one call may log, in bytes; the rest is dropped and counted. Default 64 KiB, which
    /// is hundreds of lines.
    pub log_bytes_per_call: usize,
    /// How many calls outside steps run at once; more wait, and are refused when they have waited
    /// for the deadline. Default 64, the slots that one component may take of the instance pool; the
    /// host lets no component have more than half of its threads.
    pub concurrency: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            deadline: Duration::from_secs(5),
            output: 1 << 20,
            rows: 10_000,
            result_bytes: 8 << 20,
            log_bytes_per_call: 64 << 10,
            concurrency: 64,
        }
    }
}
