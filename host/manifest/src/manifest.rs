//! The manifest as the host sees it: every name resolved, every number within its bounds.
//!
//! These types are plain data with public fields. They are made by [`crate::parse`] only; nothing
//! that reads them has to check anything again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::component::Component;
use crate::filter::Filter;
use crate::route::Route;
use crate::saga::Saga;
use crate::secret::Keyring;
use crate::settings::{Admin, Orchestrator, Server};

/// Everything that `skald.toml` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// What this installation is called, in logs, traces and on the console.
    pub name: String,
    /// Where the sagas are kept.
    pub journal: Journal,
    /// The databases of the services, by the label that components know them by.
    pub databases: BTreeMap<String, Database>,
    /// The keys that sign and verify tokens, by label.
    pub keyrings: BTreeMap<String, Keyring>,
    /// The membership filters, by the label that components know them by.
    pub filters: BTreeMap<String, Filter>,
    /// The components, by name, with what each of them may use.
    pub components: BTreeMap<String, Component>,
    /// The sagas, by name.
    pub sagas: BTreeMap<String, Saga>,
    /// The public API, in the order of the manifest. No two routes match the same request.
    pub routes: Vec<Route>,
    /// How the public API treats its clients.
    pub server: Server,
    /// How sagas are run.
    pub orchestrator: Orchestrator,
    /// How operators reach the host.
    pub admin: Admin,
}

/// Where the sagas are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// The journal's own database; no label leads to it.
    pub url: DatabaseUrl,
    /// How long an ended saga is kept. Default 30 days: long enough for a monthly reconciliation,
    /// short enough that the journal's size follows the load and not the installation's age.
    pub retention: Duration,
    /// How long an `Idempotency-Key` is remembered. Default 30 days: no client asks again that late.
    pub key_window: Duration,
}

impl Journal {
    pub(crate) const RETENTION: Duration = Duration::from_hours(30 * 24);
    pub(crate) const KEY_WINDOW: Duration = Duration::from_hours(30 * 24);
}

/// The database of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Where it is. No other label and not the journal lie in the same file.
    pub url: DatabaseUrl,
}

/// Where a database is, and of which kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:PATH`. A relative path is kept as it was written: it starts at the data folder,
    /// which only the host knows.
    Sqlite(PathBuf),
}
