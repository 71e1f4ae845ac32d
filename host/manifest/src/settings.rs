//! What can be set about the host itself. All of it has defaults that suit two cores.

use std::time::Duration;

use crate::secret::SecretRef;

/// How the public API treats its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The largest request body, in bytes. Default 1 MiB: a hundred times the largest purchase.
    pub max_body: usize,
    /// The largest head of a request, in bytes. Default 16 KiB, as much as common proxies pass on.
    pub max_headers: usize,
    /// How long a client may take to send a head. Default 10 s: what is slower is an attack.
    pub header_timeout: Duration,
    /// How long a client may take to send a body. Default 15 s, which is 70 KB/s for the largest.
    pub body_timeout: Duration,
    /// How long a request may take in all, event streams apart. Default 30 s, when proxies give up.
    pub request_timeout: Duration,
    /// Which pages of other origins may read answers.
    pub cors: Cors,
    /// How long a host that is told to stop lets requests and steps finish. Default 10 s, the time
    /// that a container gets before it is killed.
    pub drain: Duration,
    /// How often an idle event stream says that it is alive. Default 15 s: proxies cut connections
    /// that are silent for 30 s or more.
    pub sse_heartbeat: Duration,
    /// How many sagas may be unfinished before new ones are refused with 503. Default 10,000: a
    /// few seconds of work, the longest a customer would wait.
    pub max_inflight_sagas: usize,
    /// How many passwords are hashed at once. Default 2: each takes 19 MiB and a whole core.
    pub hash_parallelism: usize,
    /// How many threads run guests outside steps. Default 16: such calls mostly wait for a database.
    pub guest_threads: usize,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            max_body: 1 << 20,
            max_headers: 16 << 10,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(30),
            cors: Cors::default(),
            drain: Duration::from_secs(10),
            sse_heartbeat: Duration::from_secs(15),
            max_inflight_sagas: 10_000,
            hash_parallelism: 2,
            guest_threads: 16,
        }
    }
}

/// Which pages of other origins may read answers. Credentials of the browser (cookies) are never
/// allowed: the API knows its customers by a token in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// Origins such as `https://shop.example.org`, or `*` alone for any. Default any: without
    /// cookies a foreign page can do no more than its author could do from a shell. Empty: none.
    pub origins: Vec<String>,
}

impl Default for Cors {
    fn default() -> Self {
        Self {
            origins: vec!["*".to_owned()],
        }
    }
}

/// How sagas are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orchestrator {
    /// How many sagas are picked up at once after a start. Default 64: one group commit.
    pub parallel_recovery: usize,
    /// How long a host may be silent before another one picks up its sagas. Default 15 s. It only
    /// saves work: two hosts on one saga can't disagree on how it ends.
    pub lease: Duration,
    /// How often the journal is searched for sagas that nobody runs. Default 1 s: it bounds how
    /// long a lost message goes unnoticed, and costs one query.
    pub sweep: Duration,
    /// How many steps one commit may hold. Default 64: beyond it a commit gains little and the
    /// first step of the group waits longer.
    pub group_max: usize,
    /// After how long a group commits, however few steps it holds. Default 20 ms. It bounds what a
    /// slow step costs the others; no group ever waits for more steps to come.
    pub group_max_time: Duration,
}

impl Default for Orchestrator {
    fn default() -> Self {
        Self {
            parallel_recovery: 64,
            lease: Duration::from_secs(15),
            sweep: Duration::from_secs(1),
            group_max: 64,
            group_max_time: Duration::from_millis(20),
        }
    }
}

/// How operators reach the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admin {
    /// The operator's token. None: the admin listener serves this machine only, and asks for none.
    pub token: Option<SecretRef>,
}
