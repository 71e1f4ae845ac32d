//! The manifest `skald.toml`: which components there are, what each may use, which paths lead to
//! them, and the sagas.
//!
//! ```text
//!  text ──► read (schema, keys) ──► RawTable ──► validate ──► Manifest
//!               │                                   │
//!               └───────────► Findings ◄────────────┘ ──► Faults
//! ```
//!
//! Reading asks whether every value is of the right kind, validating what the values mean together.
//! A fault stops neither, so all of them are reported at once; only a text that isn't TOML is not
//! looked at any further. No file is opened here, and no secret is seen: a manifest says where
//! secrets are. `docs/manifest.md` explains every key.
//!
//! ```
//! let faults = skald_manifest::parse("manifest = 1\nnmae = 'shop'\n").expect_err("it is wrong");
//! assert_eq!(faults.in_file("skald.toml").to_string().lines().nth(1), Some(
//!     r#"skald.toml:2:1: nmae: there is no key "nmae"; did you mean "name"?"#,
//! ));
//! ```

mod fault;

mod component;
mod filter;
mod manifest;
mod route;
mod saga;
mod secret;
mod settings;

mod keys;
mod place;
mod read;
mod scalar;
mod schema;
mod table;
mod template;
mod unit;
mod validate;
mod words;

#[cfg(test)]
mod page;

pub use component::{Component, ConfigValue, Instances, Limits};
pub use fault::{Fault, Faults, InFile};
pub use filter::{Filter, FilterKind};
pub use manifest::{Database, DatabaseUrl, Journal, Manifest};
pub use route::{Auth, GuessLimit, Route, Target};
pub use saga::{Saga, Stream};
pub use secret::{Key, Keyring, SecretRef};
pub use settings::{Admin, Cors, Orchestrator, Server};

/// Reads a manifest, or says all that is wrong with it.
pub fn parse(text: &str) -> Result<Manifest, Faults> {
    let mut found = place::Findings::new(text);
    let manifest = read::read(text, &mut found).map(|raw| validate::validate(&raw, &mut found));
    match manifest {
        Some(manifest) if found.is_empty() => Ok(manifest),
        _ => Err(found.into_faults()),
    }
}
