//! Why a host can't start.

use std::net::SocketAddr;
use std::path::PathBuf;

use skald_manifest::Faults;

/// Why the host can't start: the fault of what it was given, not of the host. Each is a sentence that
/// says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Unstartable {
    /// The manifest can't be read.
    #[error("the manifest {path} can't be read: {source}; name another with --manifest")]
    NoManifest {
        /// Its path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The manifest has faults.
    #[error("{}", .faults.in_file(.path))]
    Manifest {
        /// Its path.
        path: String,
        /// All of its faults.
        faults: Faults,
    },
    /// An address can't be listened on.
    #[error("{address} can't be listened on: {source}; choose another address with {option}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// The option that changes it.
        option: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// The data folder can't be used.
    #[error("the data folder {path} can't be used: {detail}; choose another with --data")]
    Data {
        /// Its path.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// The data folder is a backup.
    #[error(
        "the data folder {path} is a backup: end every other host of this installation, and start it with --restored"
    )]
    Backup {
        /// Its path.
        path: PathBuf,
    },
    /// A database can't be used.
    #[error(transparent)]
    Database(#[from] skald_store::sqlite::OpenError),
    /// Components can't be used.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Components(Vec<crate::registry::Fault>),
    /// A component's migrations can't be had.
    #[error("the migrations of component {component} can't be had: {detail}")]
    Migrations {
        /// The component.
        component: String,
        /// Why.
        detail: String,
    },
    /// A filter can't be filled.
    #[error(transparent)]
    Filter(#[from] crate::filling::Unfillable),
    /// The journal can't be read.
    #[error("the journal can't be read: {0}")]
    Journal(skald_store::journal::Error),
    /// The admin API can't be served.
    #[error(transparent)]
    Admin(#[from] crate::admin::Unguarded),
    /// A route can't be served.
    #[error(transparent)]
    Route(#[from] crate::http::Unroutable),
}
