//! What is told to components and what they answer, in the host's own types: those that are
//! generated from the contract stay within this module and the capabilities.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::capability::bindings::exports::skald as roles;
use crate::capability::bindings::skald::identity::principals;
use crate::capability::bindings::skald::saga::calls::{Context, Direction};

/// An authenticated party. Its JSON form is the one that HTTP components find in the header
/// `skald-principal`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Its stable, unique name within this installation.
    pub subject: String,
    /// The names of the roles that it holds.
    pub roles: Vec<String>,
    /// Further facts, as name and value.
    pub claims: Vec<(String, String)>,
}

impl From<principals::Principal> for Principal {
    fn from(principal: principals::Principal) -> Self {
        Self {
            subject: principal.subject,
            roles: principal.roles,
            claims: principal.claims,
        }
    }
}

impl From<Principal> for principals::Principal {
    fn from(principal: Principal) -> Self {
        Self {
            subject: principal.subject,
            roles: principal.roles,
            claims: principal.claims,
        }
    }
}

/// Where in which saga a call stands.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// The saga's id.
    pub saga_id: u64,
    /// The name of its definition.
    pub saga: Arc<str>,
    /// The name of the step.
    pub step: Arc<str>,
    /// The label of the database whose transaction this is.
    pub database: Arc<str>,
    /// How many times the call has been tried, this time included.
    pub attempt: u32,
    /// How many milliseconds it may take.
    pub deadline_ms: u32,
    /// On whose behalf the saga runs.
    pub principal: Option<Arc<Principal>>,
}

impl CallContext {
    pub(super) fn to_guest(&self, direction: Direction) -> Context {
        let Self {
            saga_id, saga, step, ..
        } = self;
        let name = match direction {
            Direction::Forward => "forward",
            Direction::Backward => "backward",
        };
        Context {
            saga_id: *saga_id,
            saga: saga.to_string(),
            step: step.to_string(),
            direction,
            attempt: self.attempt,
            deadline_ms: self.deadline_ms,
            idempotency_key: format!("{saga_id}.{step}.{name}"),
            principal: self.principal.as_deref().cloned().map(Into::into),
        }
    }
}

/// What the gate before a saga lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The input of every step, a JSON text.
    pub input: String,
    /// The body of the answer, a JSON text.
    pub response: String,
}

/// Why a request is turned away. The text may be shown to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It makes no sense (400).
    Invalid(String),
    /// The principal may not do this (403).
    Forbidden(String),
    /// It names something that is not there (404).
    NotFound(String),
    /// It contradicts the state of things (409).
    Conflict(String),
    /// It can't be decided now (503); wait this many milliseconds.
    Unavailable(u32),
}

impl From<roles::saga::admission::Refusal> for Refusal {
    fn from(refusal: roles::saga::admission::Refusal) -> Self {
        use roles::saga::admission::Refusal as Guest;
        match refusal {
            Guest::Invalid(text) => Self::Invalid(text),
            Guest::Forbidden(text) => Self::Forbidden(text),
            Guest::NotFound(text) => Self::NotFound(text),
            Guest::Conflict(text) => Self::Conflict(text),
            Guest::Unavailable(after_ms) => Self::Unavailable(after_ms),
        }
    }
}

/// Why no principal came of a token. The texts of the first two may be shown to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// It is malformed, unknown or revoked (401).
    Invalid(String),
    /// It was good once (401).
    Expired(String),
    /// The question could not be answered now (503, never 401).
    Unavailable(String),
}

impl From<roles::identity::authenticator::Denial> for Denial {
    fn from(denial: roles::identity::authenticator::Denial) -> Self {
        use roles::identity::authenticator::Denial as Guest;
        match denial {
            Guest::Invalid(text) => Self::Invalid(text),
            Guest::Expired(text) => Self::Expired(text),
            Guest::Unavailable(text) => Self::Unavailable(text),
        }
    }
}

/// One change of a component's tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its place in the order, from 1.
    pub version: u32,
    /// What it does, for people.
    pub name: String,
    /// Its statements.
    pub statements: Vec<String>,
}

impl From<roles::schema::migrations::Migration> for Migration {
    fn from(migration: roles::schema::migrations::Migration) -> Self {
        Self {
            version: migration.version,
            name: migration.name,
            statements: migration.statements,
        }
    }
}

/// An event that is delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The same for every delivery of this event and for no other event.
    pub id: String,
    /// What it is about.
    pub topic: String,
    /// The key it was published with.
    pub key: Option<String>,
    /// When it was published: microseconds since 1970-01-01T00:00:00Z.
    pub published_us: i64,
    /// A JSON text.
    pub data: String,
}

impl From<Event> for roles::events::subscriber::Event {
    fn from(event: Event) -> Self {
        let Event {
            id,
            topic,
            key,
            published_us,
            data,
        } = event;
        Self {
            id,
            topic,
            key,
            published_us,
            data,
        }
    }
}

/// What is to become of an event that was not handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unhandled {
    /// Deliver it again, after this many milliseconds at least.
    Redeliver(u32),
    /// Never deliver it again, for this reason.
    Discard(String),
}

impl From<roles::events::subscriber::Unhandled> for Unhandled {
    fn from(unhandled: roles::events::subscriber::Unhandled) -> Self {
        use roles::events::subscriber::Unhandled as Guest;
        match unhandled {
            Guest::Redeliver(after_ms) => Self::Redeliver(after_ms),
            Guest::Discard(reason) => Self::Discard(reason),
        }
    }
}
