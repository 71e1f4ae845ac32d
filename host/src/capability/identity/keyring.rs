//! The keys that sign tokens. The first of a ring signs, all of them verify: a key is changed by
//! adding one on top, and removing the old one when its tokens have expired.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jsonwebtoken::{DecodingKey, EncodingKey};
use skald_manifest::SecretRef;

use crate::capability::secret::{self, Secret, SecretError};

/// The least bytes of a key: as many as the hash it is used with gives.
const MIN_BYTES: usize = 32;

/// The rings of the manifest, by label.
pub type Keyrings = BTreeMap<String, Arc<Keyring>>;

/// Keys by name, the one that signs first.
pub struct Keyring {
    signing: (String, EncodingKey),
    verifying: Vec<(String, DecodingKey)>,
}

/// Why a ring can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// One of its keys can't be had.
    #[error("key {kid:?} of key ring {ring:?}: {source}")]
    Missing {
        /// The ring's label.
        ring: String,
        /// The key's name.
        kid: String,
        /// What is wrong with it.
        source: SecretError,
    },
    /// One of its keys can be guessed.
    #[error("key {kid:?} of key ring {ring:?} has {bytes} bytes: it needs at least {MIN_BYTES}")]
    Short {
        /// The ring's label.
        ring: String,
        /// The key's name.
        kid: String,
        /// How many it has.
        bytes: usize,
    },
    /// There is no key in it.
    #[error("key ring {ring:?} has no key")]
    Empty {
        /// The ring's label.
        ring: String,
    },
}

impl Keyring {
    /// Reads all rings of the manifest, and makes the keys that are to be made. Relative paths start
    /// at the data folder.
    ///
    /// # Errors
    /// Everything that is wrong with any of them.
    pub fn load_all(rings: &BTreeMap<String, skald_manifest::Keyring>, data: &Path) -> Result<Keyrings, Vec<KeyError>> {
        let (mut loaded, mut errors) = (Keyrings::new(), vec![]);
        for (label, ring) in rings {
            match Self::load(label, ring, data) {
                Ok(ring) => _ = loaded.insert(label.clone(), Arc::new(ring)),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(loaded) } else { Err(errors) }
    }

    fn load(label: &str, ring: &skald_manifest::Keyring, data: &Path) -> Result<Self, KeyError> {
        let keys = ring
            .keys
            .iter()
            .map(|key| Ok((key.kid.clone(), load_key(label, key, data)?)));
        let keys = keys.collect::<Result<Vec<_>, KeyError>>()?;
        Self::new(&keys).ok_or_else(|| KeyError::Empty { ring: label.to_owned() })
    }

    fn new(keys: &[(String, Secret)]) -> Option<Self> {
        let (kid, newest) = keys.first()?;
        Some(Self {
            signing: (kid.clone(), EncodingKey::from_secret(newest.expose())),
            verifying: keys
                .iter()
                .map(|(kid, key)| (kid.clone(), DecodingKey::from_secret(key.expose())))
                .collect(),
        })
    }

    pub(super) fn signing(&self) -> (&str, &EncodingKey) {
        (&self.signing.0, &self.signing.1)
    }

    pub(super) fn verifying(&self, kid: &str) -> Option<&DecodingKey> {
        self.verifying
            .iter()
            .find(|(known, _)| known == kid)
            .map(|(_, key)| key)
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.verifying.iter().map(|(kid, _)| kid))
            .finish()
    }
}

fn load_key(label: &str, key: &skald_manifest::Key, data: &Path) -> Result<Secret, KeyError> {
    let made = match &key.secret {
        SecretRef::File(path) if key.generate => secret::generate(path, data),
        _ => Ok(()),
    };
    let (ring, kid) = (label.to_owned(), key.kid.clone());
    match made.and_then(|()| secret::read(&key.secret, data)) {
        Err(source) => Err(KeyError::Missing { ring, kid, source }),
        Ok(secret) if secret.expose().len() < MIN_BYTES => Err(KeyError::Short {
            ring,
            kid,
            bytes: secret.expose().len(),
        }),
        Ok(secret) => Ok(secret),
    }
}
