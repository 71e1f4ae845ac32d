//! Where things are, and how cargo is called so that every call shares one target folder.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::fault::fault;

/// The folders that a command works in.
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
    tools: PathBuf,
}

impl Workspace {
    /// Finds the project's root, cargo's target folder and the folder for tools that these commands install.
    pub fn locate() -> Result<Self> {
        // Cargo sets the variable when it runs this program; a copy that is started by hand knows where it was built.
        let manifest_dir = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest_dir)
            .parent()
            .filter(|root| root.join("skald.toml").is_file())
            .with_context(|| format!("no skald.toml above {}", Path::new(&manifest_dir).display()))?
            .to_owned();
        let target = target_folder(&root)?;
        let tools = cache_folder()?.join("skald").join("tools");
        Ok(Self { root, target, tools })
    }

    /// The project's root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target folder.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// A folder inside the target folder for what these commands keep: staged components, stamps.
    pub fn scratch(&self) -> PathBuf {
        self.target.join("skald")
    }

    /// Where the built components are put under the names that the manifest gives them.
    pub fn components(&self) -> PathBuf {
        self.scratch().join("components")
    }

    /// The folder under the user's cache where tools such as cargo-deny are installed, as `cargo install --root` has it.
    pub fn tools(&self) -> &Path {
        &self.tools
    }

    /// A call of cargo in the project's root, with the target folder and the installed tools made known to it.
    pub fn cargo(&self) -> Command {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("PATH", self.path_with_tools());
        command
    }

    /// `PATH` with the installed tools last: what the user has of his own comes first.
    fn path_with_tools(&self) -> OsString {
        let mut path = env::var_os("PATH").unwrap_or_default();
        if !path.is_empty() {
            path.push(":");
        }
        path.push(self.tools.join("bin"));
        path
    }
}

/// The command as one would type it in the project's root, for messages.
pub fn shown(command: &Command) -> String {
    let mut words = vec![];
    for (name, value) in command.get_envs() {
        if let (false, Some(value)) = (name == "PATH" || name == "CARGO_TARGET_DIR", value) {
            words.push(format!("{}={}", name.display(), quoted(&value.to_string_lossy())));
        }
    }
    let program = Path::new(command.get_program());
    words.push(
        program
            .file_name()
            .unwrap_or(program.as_os_str())
            .to_string_lossy()
            .into_owned(),
    );
    words.extend(command.get_args().map(|word| quoted(&word.to_string_lossy())));
    words.join(" ")
}

/// Runs a command with its output shown and itself announced; tells whether it succeeded.
pub fn run_shown(command: &mut Command) -> Result<bool> {
    println!("$ {}", shown(command));
    let status = command
        .status()
        .map_err(|error| fault(format!("{} can't be run: {error}", command.get_program().display())))?;
    Ok(status.success())
}

/// A word as a POSIX shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Cargo's target folder: as the environment says, or else where this program itself was built.
fn target_folder(root: &Path) -> Result<PathBuf> {
    if let Some(folder) = env::var_os("CARGO_TARGET_DIR").or_else(|| env::var_os("CARGO_BUILD_TARGET_DIR")) {
        return std::path::absolute(&folder).with_context(|| format!("bad CARGO_TARGET_DIR {}", folder.display()));
    }
    // A target folder set in cargo's configuration isn't in the environment; cargo marks the folder with this file.
    let program = env::current_exe().context("failed to find this program's own file")?;
    let marked = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    Ok(marked.map_or_else(|| root.join("target"), Path::to_owned))
}

/// The user's cache folder, as the XDG base directory specification defines it.
fn cache_folder() -> Result<PathBuf> {
    let set = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute())
    };
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .ok_or_else(|| fault("neither XDG_CACHE_HOME nor HOME is set; set one of them, tools are installed below it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_command_can_be_pasted_into_a_shell() {
        let mut command = Command::new("/opt/rust/bin/cargo");
        command
            .args(["clippy", "--", "-D", "warnings", "it's"])
            .env("RUSTDOCFLAGS", "-D warnings")
            .env("PATH", "/bin");
        assert_eq!(
            shown(&command),
            r"RUSTDOCFLAGS='-D warnings' cargo clippy -- -D warnings 'it'\''s'"
        );
    }
}
