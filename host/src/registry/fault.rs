//! What is wrong with a component, and what to do about it.

use std::fmt;
use std::path::PathBuf;

use crate::capability::identity::KeyError;
use crate::capability::secret::SecretError;

/// Something that keeps the host from starting.
#[derive(Debug)]
pub struct Fault {
    /// The component at fault; none when it is none of them.
    pub component: Option<String>,
    /// What is wrong with it.
    pub problem: Problem,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.component {
            Some(component) => write!(f, "component {component} {}", self.problem),
            None => self.problem.fmt(f),
        }
    }
}

impl std::error::Error for Fault {}

/// What is wrong. The texts about a component go on a sentence that begins with its name.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Its artifact can't be read.
    #[error("has no artifact at {path}: {source}; build it, or mend `artifact` in the manifest")]
    Missing {
        /// Where it should be.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Its artifact is something else.
    #[error("has an artifact that is no component: {path}: {detail}")]
    NoComponent {
        /// Where it is.
        path: PathBuf,
        /// What wasmtime says.
        detail: String,
    },
    /// It imports what it is not granted.
    #[error("imports {import}, which is not granted: add `{line}` to [components.{component}]")]
    Ungranted {
        /// The interface that it wants.
        import: String,
        /// Its name in the manifest.
        component: String,
        /// The line that would grant it.
        line: String,
    },
    /// It imports what nobody offers.
    #[error(
        "imports {import}, which this host does not have: if another component exports it, add \
         `calls = {{ \"{plain}\" = \"…\" }}` to [components.{component}]"
    )]
    Unknown {
        /// The interface that it wants.
        import: String,
        /// The same without its version.
        plain: String,
        /// Its name in the manifest.
        component: String,
    },
    /// It imports something that is no interface.
    #[error("imports {import} by itself: only functions of interfaces can be linked")]
    Bare {
        /// What it wants.
        import: String,
    },
    /// The component that it calls doesn't offer what it wants.
    #[error("imports {import} from component {exporter}, which {detail}")]
    Mismatch {
        /// The interface that it wants.
        import: String,
        /// Who should offer it.
        exporter: String,
        /// What is not as it should be.
        detail: String,
    },
    /// The manifest gives it work that it can't do.
    #[error("{wanted}, but it does not export {interface}")]
    Role {
        /// What the manifest wants of it.
        wanted: String,
        /// The interface that this takes.
        interface: &'static str,
    },
    /// Its imports or exports have the wrong types, or it can't be instantiated.
    #[error("can't be linked: {0}")]
    Unlinkable(String),
    /// One of its settings can't be had.
    #[error("has a setting {key:?} that can't be had: {source}")]
    Setting {
        /// The setting's name.
        key: String,
        /// What is wrong.
        source: SecretError,
    },
    /// A key ring can't be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The host itself can't run components here.
    #[error("{0}")]
    Host(String),
}
