//! Passwords and tokens. Components know customers; the host knows keys and does what is slow.

mod hasher;
mod keyring;
mod tokens;

use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::{HasData, Linker};

use super::bindings::skald::identity::{passwords, tokens as interface};

pub use hasher::Hasher;
pub use keyring::{KeyError, Keyring, Keyrings};

/// The interface for passwords.
pub const PASSWORDS: &str = "skald:identity/passwords";

/// The interface for tokens.
pub const TOKENS: &str = "skald:identity/tokens";

/// What the manifest grants.
#[derive(Clone, Debug, Default)]
pub struct Grant {
    /// Passwords may be hashed and verified.
    pub passwords: bool,
    /// The key rings, by label.
    pub keyrings: Vec<(Arc<str>, Arc<Keyring>)>,
}

impl Grant {
    fn keyring(&self, label: &str) -> Result<&Keyring, interface::Error> {
        let found = self.keyrings.iter().find(|(granted, _)| **granted == *label);
        found.map(|(_, ring)| &**ring).ok_or_else(|| {
            interface::Error::Ungranted(format!(
                "the key ring {label:?}: add it to `keyrings` of this component in the manifest"
            ))
        })
    }
}

/// What one call lends to this capability.
pub struct View<'a> {
    pub(crate) grant: &'a Grant,
    pub(crate) hasher: &'a Hasher,
    pub(crate) deadline: Instant,
}

struct Has;

impl HasData for Has {
    type Data<'a> = View<'a>;
}

/// Offers the interface for passwords.
///
/// # Errors
/// When the linker has it already.
pub fn link_passwords<T: 'static>(linker: &mut Linker<T>, view: fn(&mut T) -> View<'_>) -> wasmtime::Result<()> {
    passwords::add_to_linker::<T, Has>(linker, view)
}

/// Offers the interface for tokens.
///
/// # Errors
/// When the linker has it already.
pub fn link_tokens<T: 'static>(linker: &mut Linker<T>, view: fn(&mut T) -> View<'_>) -> wasmtime::Result<()> {
    interface::add_to_linker::<T, Has>(linker, view)
}

impl passwords::Host for View<'_> {
    fn hash(&mut self, password: String) -> wasmtime::Result<Result<String, passwords::Error>> {
        Ok(self.hasher.hash(&password, self.deadline).map_err(Into::into))
    }

    fn verify(&mut self, password: String, hash: Option<String>) -> wasmtime::Result<Result<bool, passwords::Error>> {
        Ok(self
            .hasher
            .verify(&password, hash.as_deref(), self.deadline)
            .map_err(Into::into))
    }
}

impl From<hasher::Error> for passwords::Error {
    fn from(error: hasher::Error) -> Self {
        match error {
            hasher::Error::Overloaded => Self::Overloaded,
            hasher::Error::Garbled(detail) => Self::Garbled(detail),
        }
    }
}

impl interface::Host for View<'_> {
    fn sign(
        &mut self,
        label: String,
        claims: String,
        ttl_s: u32,
    ) -> wasmtime::Result<Result<String, interface::Error>> {
        let signed = self
            .grant
            .keyring(&label)
            .and_then(|ring| Ok(tokens::sign(ring, &claims, ttl_s)?));
        Ok(signed)
    }

    fn verify(&mut self, label: String, token: String) -> wasmtime::Result<Result<String, interface::Error>> {
        let claims = self
            .grant
            .keyring(&label)
            .and_then(|ring| Ok(tokens::verify(ring, &token)?));
        Ok(claims)
    }
}

impl From<tokens::Error> for interface::Error {
    fn from(error: tokens::Error) -> Self {
        match error {
            tokens::Error::Forged(detail) => Self::Forged(detail),
            tokens::Error::Outlived => Self::Outlived,
            tokens::Error::Garbled(detail) => Self::Garbled(detail),
        }
    }
}
