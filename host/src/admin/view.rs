//! What the admin API shows: the shapes of its JSON, which are kept stable for scripts.
//!
//! Times are milliseconds since 1970 (`_ms`), ids are numbers below 2^53, digests are 64 hexadecimal
//! digits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use skald_saga::status::{Phase, Status};
use skald_store::journal::Summary;

/// `GET /readyz`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    /// Whether new work should be sent here.
    pub ready: bool,
    /// Why not.
    pub not_ready: Vec<NotReady>,
}

/// Something that is not ready.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NotReady {
    /// `host`, `journal` or `database LABEL`.
    pub what: String,
    /// Why.
    pub why: String,
}

/// `GET /admin/v1/sagas`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SagaPage {
    /// The sagas, newest first.
    pub sagas: Vec<Saga>,
    /// What to give as `before` for the next page; none: there is none.
    pub next: Option<u64>,
}

/// A saga in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Saga {
    /// The name of its definition.
    pub definition: String,
    /// What the journal says of it.
    #[serde(flatten)]
    pub summary: Summary,
}

/// `GET /admin/v1/sagas/{id}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SagaDetail {
    /// What a list says of it.
    #[serde(flatten)]
    pub saga: Saga,
    /// Its admitted input.
    pub input: Value,
    /// Its steps, in order, each with its fence.
    pub steps: Vec<Step>,
    /// What happened to it, in order: objects with a `kind` (`attempt`, `turned`, `operated`,
    /// `picked_up`) and `at_ms`.
    pub timeline: Vec<Value>,
    /// What its customer was told, in order.
    pub events: Vec<Event>,
}

/// A step of a saga.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// The component that runs it.
    pub component: String,
    /// The label of the database with its fence.
    pub database: String,
    /// Its fence; none: nobody has taken it.
    pub fence: Option<Fence>,
}

/// The fence of a step: the truth about its effects.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fence {
    /// `done`, `rejected`, `fenced`, `undone` or `undone_by_hand`; `pending` if its component broke the
    /// step's transaction.
    pub outcome: String,
    /// The digest of the component that ran.
    pub digest: Option<String>,
    /// What the step returned, or its refusal.
    pub output: Option<Value>,
    /// When it was taken.
    pub at_ms: i64,
}

/// A status event, as a customer was told it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Its number in the customer's stream.
    pub seq: i64,
    /// The name of the step.
    pub step: String,
    /// What happened to the step.
    pub status: Status,
    /// What that means for the saga.
    pub saga: Phase,
    /// Why, if something failed.
    pub reason: Option<String>,
    /// When it was told.
    pub at_ms: i64,
}

/// The body of an operator's action.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// Why. It is recorded.
    pub reason: String,
    /// Who. It is recorded; `operator` where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The step to be resolved; for `resolve` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

/// What came of an operator's action.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Acted {
    /// The saga.
    pub id: u64,
    /// Its state now.
    pub state: String,
    /// After `resolve`: whether the operator has to undo the step's work by hand now (`act_now`), has
    /// to undo what a step that was broken off has left (`clean_up_now`), or there is nothing to do
    /// (`already_undone`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<String>,
    /// What happens now, or what to do: one sentence.
    pub next: String,
}

/// `GET /admin/v1/components`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Components {
    /// The components, by name.
    pub components: Vec<Component>,
}

/// A component.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Component {
    /// Its name in the manifest.
    pub name: String,
    /// The digest of the version that new calls go to.
    pub digest: String,
    /// The interfaces that it exports for the host.
    pub roles: Vec<String>,
    /// What it is granted, as the manifest has it; what it is not granted is left out.
    pub grants: BTreeMap<String, Value>,
    /// Whether the steps of a group commit share an instance: `fresh` or `group`.
    pub instances: String,
    /// Its limits.
    pub limits: Limits,
}

/// The limits of a component.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Linear memory of an instance.
    pub memory_bytes: usize,
    /// How long a call outside sagas may take.
    pub deadline_ms: u64,
    /// The largest result of a call.
    pub output_bytes: usize,
    /// How many rows a query may return.
    pub rows: usize,
    /// How large those rows may be.
    pub result_bytes: usize,
    /// How much a call may log.
    pub log_bytes_per_call: usize,
    /// How many calls outside steps run at once.
    pub concurrency: usize,
}

/// `GET /admin/v1/databases`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Databases {
    /// The journal first, then the services' databases by label.
    pub databases: Vec<Database>,
}

/// A database.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Database {
    /// Its label, or `journal`.
    pub label: String,
    /// Of which kind it is: `sqlite`.
    pub kind: String,
    /// How many jobs wait for its writer.
    pub queue: usize,
    /// How many events wait to be delivered; the journal has none.
    pub outbox: Option<i64>,
    /// How many events were given up.
    pub dead_letters: Option<i64>,
}

/// The body of `POST /admin/v1/backup`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupWish {
    /// The folder on the host's machine that the backup is to become; not there yet, or empty.
    pub to: String,
    /// Whether the keys that sign tokens are copied too.
    #[serde(default)]
    pub with_keys: bool,
}
