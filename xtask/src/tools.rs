//! What has to be installed before a command can do its work, and installing it: always said, never silent.
//!
//! Rust's own parts come through rustup; cargo's subcommands are built from the package registry into a folder of the
//! user's cache, so that neither the project nor the user's own set of tools changes. A browser is a package of the
//! system's, and installed only by whoever asks for every check.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::fault::fault;
use crate::guests;
use crate::workspace::{Workspace, run_shown};

/// A subcommand of cargo that is installed from the package registry, at one fixed version.
pub struct Tool {
    /// The package, which is also the program's name: `cargo-deny`.
    pub package: &'static str,
    /// The version that these commands were tried with.
    pub version: &'static str,
}

/// Checks dependencies and licences.
pub const CARGO_DENY: Tool = Tool {
    package: "cargo-deny",
    version: "0.20.2",
};

/// Builds components its own way; the guests must stay buildable with it.
pub const CARGO_COMPONENT: Tool = Tool {
    package: "cargo-component",
    version: "0.21.1",
};

impl Tool {
    /// Whether the tool can be called, in whichever version.
    pub fn is_installed(&self, workspace: &Workspace) -> bool {
        let subcommand = self.package.trim_start_matches("cargo-");
        succeeds(workspace.cargo().args([subcommand, "--version"]))
    }

    /// Installs the tool unless it is there.
    pub fn ensure(&self, workspace: &Workspace) -> Result<()> {
        if self.is_installed(workspace) {
            return Ok(());
        }
        println!(
            "{} is missing: installing it into {} (once, a few minutes)",
            self.package,
            workspace.tools().display()
        );
        let mut install = workspace.cargo();
        install
            .args(["install", "--locked", self.package, "--version", self.version, "--root"])
            .arg(workspace.tools());
        // Out of the project, so that its profiles and lock file have no say in it; and in the temporary target folder
        // that cargo then makes, because gigabytes of intermediate results are of no use afterwards.
        install.current_dir(env::temp_dir()).env_remove("CARGO_TARGET_DIR");
        if run_shown(&mut install)? {
            return Ok(());
        }
        Err(fault(format!(
            "{} can't be installed; the lines above say why",
            self.package
        )))
    }
}

/// Installs the standard library for the guests' target unless it is there.
pub fn ensure_guest_target() -> Result<()> {
    let library = Command::new(rustc())
        .args(["--print", "target-libdir", "--target", guests::TARGET])
        .output();
    let library = library.map_err(|error| fault(format!("rustc can't be run: {error}; is Rust installed?")))?;
    if PathBuf::from(String::from_utf8_lossy(&library.stdout).trim()).is_dir() {
        return Ok(());
    }
    println!("the {} target is missing: adding it to the toolchain", guests::TARGET);
    rustup(&["target", "add", guests::TARGET])
}

/// Installs a component of the toolchain (`clippy`, `rustfmt`) unless the cargo subcommand that it brings is there.
pub fn ensure_component(workspace: &Workspace, component: &str, subcommand: &str) -> Result<()> {
    if succeeds(workspace.cargo().args([subcommand, "--version"])) {
        return Ok(());
    }
    println!("{component} is missing: adding it to the toolchain");
    rustup(&["component", "add", component])
}

/// What a Chromium is called where it is installed.
const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// A browser that the tests can drive, if there is one.
pub fn browser() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let files = |name| env::split_paths(&path).map(move |folder| folder.join(name));
    BROWSERS.iter().flat_map(files).find(|file| file.is_file())
}

/// Installs Chromium as a package of the system unless there is one.
pub fn ensure_browser() -> Result<()> {
    if browser().is_some() {
        return Ok(());
    }
    println!("chromium is missing: installing the system's package");
    let advice = "install it with the system's package manager, or leave out --all";
    for arguments in [
        &["update"][..],
        &["install", "--yes", "--no-install-recommends", "chromium"],
    ] {
        let mut apt = Command::new("apt-get");
        match run_shown(apt.args(arguments)) {
            Ok(true) => {}
            Ok(false) => return Err(fault(format!("apt-get can't install chromium; {advice}"))),
            Err(error) => return Err(fault(format!("{error}; {advice}"))),
        }
    }
    Ok(())
}

/// The compiler's own account of its version, host and LLVM.
pub fn toolchain() -> Result<String> {
    let told = Command::new(rustc()).arg("-vV").output();
    let told = told.map_err(|error| fault(format!("rustc can't be run: {error}; is Rust installed?")))?;
    Ok(String::from_utf8_lossy(&told.stdout).into_owned())
}

fn rustc() -> std::ffi::OsString {
    env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

fn rustup(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("rustup");
    command.args(arguments);
    let advice = format!(
        "run `rustup {}` by hand, or add it with the package manager that Rust came from",
        arguments.join(" ")
    );
    match run_shown(&mut command) {
        Ok(true) => Ok(()),
        Ok(false) => Err(fault(format!("rustup failed; {advice}"))),
        Err(error) => Err(fault(format!("{error}; {advice}"))),
    }
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
