//! Secrets that the manifest refers to: read once at the start, never printed.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use skald_manifest::SecretRef;

use crate::half;

/// How many random bytes a generated secret has.
const GENERATED_BYTES: usize = 32;

/// A secret. Its `Debug` output says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// The secret itself. Whoever takes it must not print it.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why there is no secret. None of these texts holds one.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file can't be read.
    #[error("the secret file {path} can't be read: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others may read the file.
    #[error("the secret file {path} can be read by others: `chmod 600 {path}`")]
    Exposed {
        /// Which file.
        path: PathBuf,
    },
    /// The file can't be made.
    #[error("the secret file {path} can't be written: {source}")]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The variable is not set.
    #[error("the environment variable {0} is not set, and the manifest takes a secret from it")]
    Unset(String),
    /// There is nothing in it.
    #[error("{0} is empty, and the manifest takes a secret from it")]
    Empty(String),
}

/// Reads a secret. A relative path starts at the data folder; blanks around the secret don't count.
///
/// # Errors
/// When it is missing, empty, or readable by others.
pub fn read(reference: &SecretRef, data: &Path) -> Result<Secret, SecretError> {
    let (text, place) = match reference {
        SecretRef::Env(name) => {
            let value = std::env::var_os(name).ok_or_else(|| SecretError::Unset(name.clone()))?;
            (value.into_encoded_bytes(), format!("the environment variable {name}"))
        }
        SecretRef::File(path) => {
            let path = data.join(path);
            (read_file(&path)?, format!("the secret file {}", path.display()))
        }
    };
    let secret = text.trim_ascii();
    if secret.is_empty() {
        Err(SecretError::Empty(place))
    } else {
        Ok(Secret(secret.to_vec()))
    }
}

/// Writes a new random secret to the file, unless there is one.
///
/// # Errors
/// When the file can't be written.
pub fn generate(path: &Path, data: &Path) -> Result<(), SecretError> {
    let path = data.join(path);
    if path.exists() {
        return Ok(());
    }
    write_new(&path).map_err(|source| SecretError::Unwritable { path, source })
}

fn read_file(path: &Path) -> Result<Vec<u8>, SecretError> {
    let unreadable = |source| SecretError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(SecretError::Exposed { path: path.to_owned() });
    }
    fs::read(path).map_err(unreadable)
}

/// A link makes it appear at once and complete, and fails if another process was faster: then that
/// one's secret is the secret.
fn write_new(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut random = [0; GENERATED_BYTES];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let half = half::write(path, format!("{}\n", hex::encode(random)).as_bytes())?;
    let linked = fs::hard_link(&half, path);
    fs::remove_file(&half)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_secret_is_the_owners_alone_and_stays() {
        let data = tempfile::tempdir().expect("a folder");
        let path = PathBuf::from("keys/one.key");
        generate(&path, data.path()).expect("written");
        let first = read(&SecretRef::File(path.clone()), data.path()).expect("read");
        assert_eq!(
            first.expose().len(),
            2 * GENERATED_BYTES,
            "32 bytes as hexadecimal digits"
        );
        generate(&path, data.path()).expect("left alone");
        assert_eq!(read(&SecretRef::File(path.clone()), data.path()).expect("read"), first);
        assert!(!format!("{first:?}").contains(&String::from_utf8_lossy(first.expose()).into_owned()));

        let full = data.path().join(&path);
        fs::set_permissions(&full, fs::Permissions::from_mode(0o644)).expect("changed");
        assert!(matches!(
            read(&SecretRef::File(path), data.path()),
            Err(SecretError::Exposed { .. })
        ));
    }

    #[test]
    fn what_is_missing_or_empty_is_told_by_its_place() {
        let data = tempfile::tempdir().expect("a folder");
        let missing = read(&SecretRef::File("none".into()), data.path()).expect_err("missing");
        assert!(missing.to_string().contains("none"), "{missing}");
        let unset = read(&SecretRef::Env("SKALD_NO_SUCH_SECRET".into()), data.path()).expect_err("unset");
        assert!(unset.to_string().contains("SKALD_NO_SUCH_SECRET"), "{unset}");
    }
}
