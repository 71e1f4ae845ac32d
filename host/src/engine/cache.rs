//! Compiled code on disk: a component is compiled once, and loaded within a millisecond from then on.
//!
//! A file's name says which bytes it was compiled from and for which engine. The files are
//! native code: they are written by this process alone, into its own data folder, and never taken
//! from anywhere else. Beside each lies its digest, so that a damaged one is noticed before it is
//! loaded.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use skald_saga::Digest;
use tracing::{debug, warn};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::half;

/// A folder with compiled code.
#[derive(Clone, Debug)]
pub struct CodeCache {
    folder: PathBuf,
}

impl CodeCache {
    /// A cache in this folder, which is created if need be and is the owner's alone.
    ///
    /// # Errors
    /// When the folder can't be created.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        Ok(Self { folder })
    }

    /// The compiled component: loaded if it was compiled before, compiled and kept otherwise.
    ///
    /// # Errors
    /// When the bytes are no component. A cache that can't be read or written costs time only.
    pub fn load(&self, engine: &Engine, digest: &Digest, wasm: &[u8]) -> wasmtime::Result<Component> {
        let path = self.path(engine, digest);
        if let Some(component) = load(engine, &path) {
            return Ok(component);
        }
        let code = engine.precompile_component(wasm)?;
        if let Err(error) = store(&path, &code) {
            warn!(%error, path = %path.display(), "compiled code was not kept; the next start compiles it again");
        }
        // SAFETY: the bytes were made by this very engine a moment ago.
        let component = unsafe { Component::deserialize(engine, code) };
        crate::memory::give_back();
        component
    }

    /// The same bytes compiled for an engine that is built or configured otherwise lie elsewhere.
    fn path(&self, engine: &Engine, digest: &Digest) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        self.folder.join(format!("{digest}-{:016x}.cwasm", hasher.finish()))
    }
}

/// What lies at the path, or none if it is missing or damaged.
fn load(engine: &Engine, path: &Path) -> Option<Component> {
    let sum = fs::read(sum_path(path)).ok()?;
    let code = fs::read(path).ok()?;
    if Digest::of(&code).0.as_slice() != sum {
        warn!(path = %path.display(), "compiled code on disk is damaged and is compiled again");
        return None;
    }
    drop(code);
    // SAFETY: the file was written by this program (nobody else may write in the folder), its
    // digest shows that it is complete, and wasmtime itself refuses code of another version or
    // configuration. Mapping the file shares it between processes and reads only what is run.
    match unsafe { Component::deserialize_file(engine, path) } {
        Ok(component) => Some(component),
        Err(error) => {
            debug!(error = format!("{error:#}"), path = %path.display(), "compiled code on disk doesn't fit");
            None
        }
    }
}

/// Writes the code, then its digest, each under another name first: a crash leaves no half of one.
fn store(path: &Path, code: &[u8]) -> io::Result<()> {
    let sum = sum_path(path);
    match fs::remove_file(&sum) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    write_atomically(path, code)?;
    write_atomically(&sum, &Digest::of(code).0)
}

fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    half::write(path, bytes).and_then(|written| fs::rename(written, path))
}

fn sum_path(path: &Path) -> PathBuf {
    path.with_extension("sha256")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WASM: &[u8] = b"(component (core module (func)))";

    fn wasm() -> Vec<u8> {
        wat::parse_bytes(WASM).expect("a component's text").into_owned()
    }

    #[test]
    fn code_is_loaded_again_and_damaged_code_is_compiled_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = CodeCache::open(folder.path().join("cache")).expect("created");
        let engine = crate::engine::start().expect("an engine");
        let (wasm, digest) = (wasm(), Digest::of(&wasm()));
        let path = cache.path(&engine, &digest);
        cache.load(&engine, &digest, &wasm).expect("compiled");
        assert!(load(&engine, &path).is_some(), "it was kept");

        for damage in [b"".as_slice(), b"rubbish"] {
            fs::write(&path, damage).expect("written");
            assert!(load(&engine, &path).is_none(), "{damage:?} is not loaded");
            cache.load(&engine, &digest, &wasm).expect("compiled again");
            assert!(load(&engine, &path).is_some(), "and kept again");
        }
    }

    #[test]
    fn what_is_no_component_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = CodeCache::open(folder.path()).expect("opened");
        let engine = crate::engine::start().expect("an engine");
        assert!(cache.load(&engine, &Digest::of(b"no wasm"), b"no wasm").is_err());
    }
}
