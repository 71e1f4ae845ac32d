//! The manifest `skald.toml`: which components there are, what each may use, which paths lead to
//! them, and the sagas.

mod fault;

mod component;
mod manifest;
mod route;
mod saga;
mod secret;
mod settings;

pub use component::{Component, ConfigValue, Instances, Limits};
pub use fault::{Fault, Faults, InFile};
pub use manifest::{Database, DatabaseUrl, Journal, Manifest};
pub use route::{Auth, GuessLimit, Route, Target};
pub use saga::{Saga, Stream};
pub use secret::{Key, Keyring, SecretRef};
pub use settings::{Admin, Cors, Orchestrator, Server};
