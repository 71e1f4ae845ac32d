//! Secrets are named in the manifest and never written there: it is read, copied, committed and
//! printed, and a file or a variable is not.

use std::path::PathBuf;

/// Where a secret is found. Printing it prints the place, never the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// In a file. A relative path starts at the data folder.
    File(PathBuf),
    /// In an environment variable of the host.
    Env(String),
}

/// The keys of one purpose, such as signing the customers' tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyring {
    /// The first signs, all of them verify. Never empty.
    pub keys: Vec<Key>,
}

/// One key of a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The name that a token carries in its `kid`; unique within the ring.
    pub kid: String,
    /// Where the key itself is.
    pub secret: SecretRef,
    /// Whether the host writes a new random key to the file when there is none. Default false: an
    /// installation whose key is lost should say so, not log everybody out.
    pub generate: bool,
}
