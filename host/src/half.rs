//! Files that are never seen half: written under another name beside their place, and synced, before they get it.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Writes a file that its owner alone can read beside a path, and says where. To give it the path's name, rename it,
/// which replaces what is there, or link it, which doesn't.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let half = path.with_extension(format!("half-{}", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&half)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(half)
}
