//! The guests: which packages are built for wasm, and the folder of components that the host is started with.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;

/// The target that guests are built for.
pub const TARGET: &str = "wasm32-wasip2";

/// The cargo profile that guests are built with, for running and for testing alike: one build serves both.
pub const PROFILE: &str = "guest";

/// A package that is built for wasm.
pub struct Guest {
    /// The cargo package.
    pub package: &'static str,
    /// The file name that the manifest knows the component by.
    pub file: &'static str,
    /// Whether the shop needs it, or only the tests do.
    pub shop: bool,
}

impl Guest {
    const fn shop(package: &'static str, file: &'static str) -> Self {
        Self {
            package,
            file,
            shop: true,
        }
    }

    const fn test(package: &'static str, file: &'static str) -> Self {
        Self {
            package,
            file,
            shop: false,
        }
    }
}

/// Every guest. A new one has its line here and nowhere else.
pub const GUESTS: &[Guest] = &[
    Guest::shop("shop-account", "account.wasm"),
    Guest::shop("shop-product", "product.wasm"),
    Guest::shop("shop-order", "order.wasm"),
    Guest::shop("shop-payment", "payment.wasm"),
    Guest::test("test-hostile", "hostile.wasm"),
    Guest::test("test-scripted", "scripted.wasm"),
    Guest::test("test-foreign", "foreign.wasm"),
];

/// The guests that the shop is made of.
pub fn shop() -> impl Iterator<Item = &'static Guest> {
    GUESTS.iter().filter(|guest| guest.shop)
}

/// The cargo call that builds the guests.
pub fn build<'a>(workspace: &Workspace, guests: impl Iterator<Item = &'a Guest>) -> Command {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--profile", PROFILE, "--target", TARGET]);
    cargo.args(packages(guests));
    cargo
}

/// The guests as cargo's `-p` options.
pub fn packages<'a>(guests: impl Iterator<Item = &'a Guest>) -> impl Iterator<Item = &'static str> {
    guests.flat_map(|guest| ["-p", guest.package])
}

/// Puts the built guests where the host finds them, under the names that the manifest gives them.
///
/// A file whose content stays the same isn't touched, and a changed one is replaced in one step: a host that is just
/// starting reads the old component or the new one, never half of it.
pub fn stage<'a>(workspace: &Workspace, guests: impl Iterator<Item = &'a Guest>) -> Result<()> {
    let folder = workspace.components();
    fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;
    for guest in guests {
        let built = read_component(&output_folder(workspace, TARGET), guest)?;
        let staged = folder.join(guest.file);
        if !holds(&staged, &built)? {
            let fresh = folder.join(format!("{}.{}", guest.file, std::process::id()));
            fs::write(&fresh, &built)
                .and_then(|()| fs::rename(&fresh, &staged))
                .with_context(|| format!("failed to write {}", staged.display()))?;
        }
    }
    Ok(())
}

/// Reads what cargo made of a guest, and makes sure that it is a component.
pub fn read_component(folder: &Path, guest: &Guest) -> Result<Vec<u8>> {
    let path = folder.join(format!("{}.wasm", guest.package.replace('-', "_")));
    let bytes = fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
    ensure!(
        is_component(&bytes),
        "{} is no wasm component; look at the build's output",
        path.display()
    );
    Ok(bytes)
}

/// The folder where cargo leaves guests that are built for `target`.
pub fn output_folder(workspace: &Workspace, target: &str) -> std::path::PathBuf {
    workspace.target().join(target).join(PROFILE)
}

/// Whether the bytes begin as a component does. A core module has the same magic number but another layer.
fn is_component(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm") && bytes.get(6..8) == Some(&[1, 0])
}

/// Whether the file is there and holds exactly these bytes.
fn holds(path: &Path, bytes: &[u8]) -> Result<bool> {
    match fs::read(path) {
        Ok(found) => Ok(found == bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("failed to read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_module_is_no_component() {
        assert!(is_component(b"\0asm\x0d\0\x01\0"));
        for other in [&b"\0asm\x01\0\0\0"[..], b"\0asm", b"", b"MZ\0\0\x0d\0\x01\0"] {
            assert!(!is_component(other), "{other:?}");
        }
    }

    #[test]
    fn every_artifact_of_the_manifest_has_a_guest() {
        let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../skald.toml")).unwrap();
        let wanted: Vec<_> = manifest
            .lines()
            .filter_map(|line| line.strip_prefix("artifact = \"")?.strip_suffix('"'))
            .collect();
        assert_eq!(wanted, shop().map(|guest| guest.file).collect::<Vec<_>>());
    }
}
