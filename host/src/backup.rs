//! A copy of everything that an installation keeps, taken while it runs; and the mark that such a
//! copy bears, so that it is not run by mistake as if nothing had happened.
//!
//! The journal is copied first, then the services' databases. So no copied saga has ended whose
//! fences are missing, which nothing could repair; a fence whose saga the copied journal does not
//! know is only a saga that was started meanwhile, and `skald verify` lists it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use skald_manifest::{DatabaseUrl, Manifest, SecretRef};
use skald_saga::Digest;
use skald_store::clock::now_ms;

/// The version of the description that this host writes.
const FORMAT: u32 = 1;

/// The description in a backup.
const DESCRIPTION: &str = "backup.json";

/// What it is called in a data folder that was put back into service.
const RESTORED: &str = "restored.json";

/// What is in a backup: the contents of `backup.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// The version of this description.
    pub format: u32,
    /// The version of skald that wrote it.
    pub skald: String,
    /// The name of the installation, as its manifest has it.
    pub installation: String,
    /// When the first file was copied, in milliseconds since 1970.
    pub begun_ms: i64,
    /// When the last one was.
    pub ended_ms: i64,
    /// The files, in the order in which they were copied.
    pub files: Vec<Copied>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// `journal`, `database LABEL` or `key RING/KID`.
    pub what: String,
    /// Its path in the backup, which is its path in the data folder.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its sha256.
    pub sha256: String,
}

/// Why there is no backup. Nothing is left at its place then.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The place is not free.
    #[error("{0} is not empty: name a folder that isn't there yet, or an empty one")]
    NotEmpty(PathBuf),
    /// The place is not where the host would think.
    #[error("{0} is relative: name the whole path, as the host's folder is not yours")]
    Relative(PathBuf),
    /// A file can't be copied.
    #[error("{what} can't be copied: {detail}")]
    Failed {
        /// Which.
        what: String,
        /// Why.
        detail: String,
    },
}

/// Takes a backup of the installation whose data folder this is. Keys are copied only `with_keys`:
/// whoever has them can speak for every customer.
///
/// # Errors
/// When the folder is not free, or a file can't be copied.
pub fn take(manifest: &Manifest, data: &Path, to: &Path, with_keys: bool) -> Result<Backup, BackupError> {
    if to.is_relative() {
        return Err(BackupError::Relative(to.to_owned()));
    }
    if fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some()) || to.is_file() {
        return Err(BackupError::NotEmpty(to.to_owned()));
    }
    let mut half = to.as_os_str().to_owned();
    half.push(format!(".part-{:08x}", getrandom::u32().unwrap_or_default()));
    let half = PathBuf::from(half);
    let taken = fill(manifest, data, &half, with_keys).and_then(|backup| {
        fs::rename(&half, to).map_err(|error| failed("the folder", &error))?;
        Ok(backup)
    });
    if taken.is_err() {
        // What is left of it bears a name of its own, and is in nobody's way.
        let _ = fs::remove_dir_all(&half);
    }
    taken
}

fn fill(manifest: &Manifest, data: &Path, half: &Path, with_keys: bool) -> Result<Backup, BackupError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(half)
        .map_err(|error| failed("the folder", &error))?;
    let begun_ms = now_ms();
    let journal = std::iter::once(("journal".to_owned(), "journal", &manifest.journal.url));
    let services = manifest
        .databases
        .iter()
        .map(|(label, database)| (format!("database {label}"), label.as_str(), &database.url));
    let mut files = vec![];
    for (what, label, DatabaseUrl::Sqlite(path)) in journal.chain(services) {
        let file = place(path, label);
        let to = half.join(&file);
        make_parent(&to).map_err(|error| failed(&what, &error))?;
        skald_store::backup::copy(&data.join(path), &to).map_err(|error| failed(&what, &error))?;
        files.push(describe(what, file, &to)?);
    }
    if with_keys {
        copy_keys(manifest, data, half, &mut files)?;
    }
    let skald = env!("CARGO_PKG_VERSION").to_owned();
    let backup = Backup {
        format: FORMAT,
        skald,
        installation: manifest.name.clone(),
        begun_ms,
        ended_ms: now_ms(),
        files,
    };
    let text = serde_json::to_string_pretty(&backup).expect("texts and numbers");
    write_durably(&half.join(DESCRIPTION), &format!("{text}\n")).map_err(|error| failed(DESCRIPTION, &error))?;
    Ok(backup)
}

fn copy_keys(manifest: &Manifest, data: &Path, half: &Path, files: &mut Vec<Copied>) -> Result<(), BackupError> {
    for (ring, keyring) in &manifest.keyrings {
        for key in &keyring.keys {
            let SecretRef::File(path) = &key.secret else { continue };
            let (what, file) = (
                format!("key {ring}/{}", key.kid),
                place(path, &format!("{ring}-{}", key.kid)),
            );
            let to = half.join(&file);
            let copied = make_parent(&to)
                .and_then(|()| fs::copy(data.join(path), &to))
                .and_then(|_| fs::set_permissions(&to, fs::Permissions::from_mode(0o600)));
            copied.map_err(|error| failed(&what, &error))?;
            files.push(describe(what, file, &to)?);
        }
    }
    Ok(())
}

/// A file within the data folder keeps its path; another one gets a place of its own.
fn place(path: &Path, name: &str) -> PathBuf {
    let inside = path
        .components()
        .all(|component| matches!(component, Component::Normal(_)));
    if inside {
        path.to_owned()
    } else {
        Path::new("elsewhere").join(name)
    }
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)
    })
}

fn describe(what: String, file: PathBuf, path: &Path) -> Result<Copied, BackupError> {
    let hashed = hash(path).map_err(|error| failed(&what, &error))?;
    let (bytes, digest) = hashed;
    Ok(Copied {
        what,
        file,
        bytes,
        sha256: digest.to_string(),
    })
}

fn hash(path: &Path) -> io::Result<(u64, Digest)> {
    use sha2::Digest as _;
    let mut file = fs::File::open(path)?;
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let read = io::Read::read(&mut file, &mut buffer)?;
        if read == 0 {
            return Ok((bytes, Digest(hasher.finalize().into())));
        }
        hasher.update(&buffer[..read]);
        bytes += read as u64;
    }
}

fn write_durably(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::File::create_new(path)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.sync_all()
}

fn failed(what: &str, error: &dyn std::error::Error) -> BackupError {
    BackupError::Failed {
        what: what.to_owned(),
        detail: error.to_string(),
    }
}

/// Whether a data folder is a backup that was not put back into service yet.
pub fn is_backup(data: &Path) -> bool {
    data.join(DESCRIPTION).exists()
}

/// Takes the mark of a backup away, once its sagas are marked themselves.
///
/// # Errors
/// When the file can't be renamed.
pub fn put_into_service(data: &Path) -> io::Result<()> {
    if is_backup(data) {
        fs::rename(data.join(DESCRIPTION), data.join(RESTORED))
    } else {
        Ok(())
    }
}

/// Where the journal and the services' databases lie, by label.
pub fn files(manifest: &Manifest, data: &Path) -> (PathBuf, BTreeMap<String, PathBuf>) {
    let path = |url: &DatabaseUrl| crate::databases::path(url, data);
    let services = manifest
        .databases
        .iter()
        .map(|(label, database)| (label.clone(), path(&database.url)));
    (path(&manifest.journal.url), services.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_never_leaves_the_backups_folder() {
        for (path, placed) in [
            ("journal.db", "journal.db"),
            ("db/product.db", "db/product.db"),
            ("/srv/product.db", "elsewhere/product"),
            ("../product.db", "elsewhere/product"),
        ] {
            assert_eq!(place(Path::new(path), "product"), Path::new(placed));
        }
    }
}
