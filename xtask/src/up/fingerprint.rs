//! Whether anything changed since the last build: then not even cargo has to be asked.
//!
//! The fingerprint covers the content of every source file, not its time stamp, so that switching branches to and fro
//! builds nothing. What was built is recognised by size and time, because hashing it would take longer than starting it.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What the shop is built from, relative to the project's root.
const SOURCES: &[&str] = &["Cargo.toml", "Cargo.lock", ".cargo", "wit", "sdk", "components", "host"];

/// Variables that change what cargo makes of the same sources begin like this.
const VARIABLES: &[&str] = &[
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
];

/// A hash over everything that a build depends on: sources, toolchain, environment, and the commands themselves.
pub fn of_build(root: &Path, toolchain: &str, commands: &[String]) -> Result<String> {
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    add(toolchain.as_bytes());
    for command in commands {
        add(command.as_bytes());
    }
    for (name, value) in variables() {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    let mut files = vec![];
    for source in SOURCES {
        collect(&root.join(source), &mut files)?;
    }
    files.sort();
    for file in files {
        add(file.strip_prefix(root).unwrap_or(&file).as_os_str().as_encoded_bytes());
        add(&fs::read(&file).with_context(|| format!("failed to read {}", file.display()))?);
    }
    Ok(hex::encode(hash.finalize()))
}

/// The last successful build: what went in and what came out.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
pub struct Stamp {
    inputs: String,
    outputs: BTreeMap<PathBuf, Output>,
}

/// How a built file is recognised.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Output {
    bytes: u64,
    modified_us: u128,
}

impl Stamp {
    /// The stamp of a build that has just succeeded.
    pub fn of(inputs: String, outputs: &[PathBuf]) -> Result<Self> {
        let describe = |path: &PathBuf| Ok((path.clone(), Output::of(path)?));
        Ok(Self {
            inputs,
            outputs: outputs.iter().map(describe).collect::<Result<_>>()?,
        })
    }

    /// Reads a stamp. One that can't be read counts as none: the worst that follows is a build that finds nothing to do.
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// Keeps the stamp for the next start.
    pub fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, serde_json::to_vec_pretty(self)?).with_context(|| format!("failed to write {}", path.display()))
    }

    /// Whether a build of these inputs would produce nothing new.
    pub fn holds(&self, inputs: &str) -> bool {
        let untouched = |(path, output): (&PathBuf, &Output)| Output::of(path).is_ok_and(|found| found == *output);
        self.inputs == inputs && self.outputs.iter().all(untouched)
    }
}

impl Output {
    fn of(path: &Path) -> Result<Self> {
        let about = fs::metadata(path).with_context(|| format!("failed to look at {}", path.display()))?;
        let modified = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let modified_us = modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        Ok(Self {
            bytes: about.len(),
            modified_us,
        })
    }
}

fn variables() -> BTreeMap<String, String> {
    let matters = |name: &String| VARIABLES.iter().any(|prefix| name.starts_with(prefix));
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        (
            name.to_string_lossy().into_owned(),
            value.to_string_lossy().into_owned(),
        )
    };
    env::vars_os().map(text).filter(|(name, _)| matters(name)).collect()
}

/// Adds every file at or below the path. Editors' and version control's hidden files below it don't count.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("failed to list {}", path.display()))? {
        let entry = entry.with_context(|| format!("failed to list {}", path.display()))?;
        let name = entry.file_name();
        if !name.as_encoded_bytes().starts_with(b".") && name != "target" {
            collect(&entry.path(), files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for folder in SOURCES.iter().filter(|name| !name.starts_with("Cargo")) {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        fs::write(root.path().join("Cargo.toml"), "[workspace]").unwrap();
        fs::write(root.path().join("Cargo.lock"), "version = 4").unwrap();
        fs::write(root.path().join("host/main.rs"), "fn main() {}").unwrap();
        root
    }

    fn of(root: &tempfile::TempDir) -> String {
        of_build(root.path(), "rustc 1.95.0", &["cargo build".to_owned()]).unwrap()
    }

    #[test]
    fn every_input_counts_and_time_stamps_dont() {
        let root = project();
        let before = of(&root);
        fs::write(root.path().join("host/main.rs"), "fn main() {}").unwrap();
        fs::write(root.path().join("host/.main.rs.swp"), "an editor's").unwrap();
        fs::write(root.path().join("README.md"), "no source").unwrap();
        assert_eq!(of(&root), before);

        assert_ne!(
            of_build(root.path(), "rustc 1.96.0", &["cargo build".to_owned()]).unwrap(),
            before
        );
        assert_ne!(
            of_build(root.path(), "rustc 1.95.0", &["cargo build --release".to_owned()]).unwrap(),
            before
        );
        for changed in [
            "host/main.rs",
            "Cargo.lock",
            "wit/worlds.wit",
            "components/new.rs",
            ".cargo/config.toml",
        ] {
            let root = project();
            fs::write(root.path().join(changed), "changed").unwrap();
            assert_ne!(of(&root), before, "{changed}");
        }
    }

    #[test]
    fn a_moved_file_is_a_change() {
        let root = project();
        let before = of(&root);
        fs::rename(root.path().join("host/main.rs"), root.path().join("host/lib.rs")).unwrap();
        assert_ne!(of(&root), before);
    }

    #[test]
    fn a_stamp_holds_until_an_input_or_an_output_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (program, kept) = (folder.path().join("skald"), folder.path().join("stamp.json"));
        fs::write(&program, "built").unwrap();
        Stamp::of("a".to_owned(), std::slice::from_ref(&program))
            .unwrap()
            .write(&kept)
            .unwrap();

        let stamp = Stamp::read(&kept).unwrap();
        assert!(stamp.holds("a"));
        assert!(!stamp.holds("b"));
        fs::write(&program, "built again").unwrap();
        assert!(!stamp.holds("a"));
        fs::remove_file(&program).unwrap();
        assert!(!stamp.holds("a"));
    }

    #[test]
    fn a_broken_stamp_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("stamp.json");
        assert!(Stamp::read(&kept).is_none());
        fs::write(&kept, "{").unwrap();
        assert!(Stamp::read(&kept).is_none());
    }
}
