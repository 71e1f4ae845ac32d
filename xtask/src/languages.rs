//! The step that is written in other languages than Rust: what builds it, and building it.
//!
//! The tools come from each language's own package registry, at one fixed version, into a folder of the user's cache.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::fault::fault;
use crate::workspace::{Workspace, run_shown};

/// The world of `wit/` that the step is built for.
const WORLD: &str = "participant";

/// A language, and what turns its sources into a component.
pub struct Language {
    /// What it is called, in messages and as the component's file.
    pub name: &'static str,
    /// The tool, as its registry calls it.
    package: &'static str,
    /// The version that the step was tried with.
    version: &'static str,
    /// Where the tool's program is, in the folder that it is installed into.
    program: &'static str,
    /// The calls that install it into a folder, after which the program is there.
    install: fn(&Language, PathBuf) -> Vec<Command>,
    /// What the program is told.
    build: fn(&mut Command, &Workspace, PathBuf),
}

/// Every language but Rust.
pub const LANGUAGES: &[Language] = &[
    Language {
        name: "javascript",
        package: "componentize-qjs",
        version: "0.4.5",
        program: "node_modules/.bin/componentize-qjs",
        install: |language, folder| {
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--prefix"])
                .arg(folder)
                .arg(format!("{}@{}", language.package, language.version));
            vec![npm]
        },
        build: |tool, workspace, component| {
            tool.args(["--sync", "--world", WORLD, "--wit"])
                .arg(workspace.root().join("wit"))
                .args(["--js", "step.js", "--output"])
                .arg(component);
        },
    },
    Language {
        name: "python",
        package: "componentize-py",
        version: "0.25.1",
        program: "bin/componentize-py",
        install: |language, folder| {
            let mut environment = Command::new("python3");
            environment.args(["-m", "venv"]).arg(&folder);
            let mut pip = Command::new(folder.join("bin/pip"));
            pip.args(["install", "--quiet"])
                .arg(format!("{}=={}", language.package, language.version));
            vec![environment, pip]
        },
        build: |tool, workspace, component| {
            tool.args(["--world", WORLD, "--wit-path"])
                .arg(workspace.root().join("wit"))
                .args(["componentize", "app", "--output"])
                .arg(component);
        },
    },
];

impl Language {
    /// Whether its tool is there.
    pub fn is_installed(&self, workspace: &Workspace) -> bool {
        self.program(workspace).is_file()
    }

    /// Installs its tool unless it is there.
    pub fn ensure(&self, workspace: &Workspace) -> Result<()> {
        if self.is_installed(workspace) {
            return Ok(());
        }
        let folder = self.folder(workspace);
        println!("{} is missing: installing it into {}", self.package, folder.display());
        for mut command in (self.install)(self, folder) {
            if !run_shown(&mut command)? {
                return Err(fault(format!(
                    "{} can't be installed; the lines above say why",
                    self.package
                )));
            }
        }
        Ok(())
    }

    /// The call that makes the component, and puts it where the tests look for it.
    pub fn build(&self, workspace: &Workspace) -> Command {
        let mut tool = Command::new(self.program(workspace));
        tool.current_dir(workspace.root().join("host/tests/guests").join(self.name));
        let component = workspace.components().join(format!("{}.wasm", self.name));
        (self.build)(&mut tool, workspace, component);
        tool
    }

    fn program(&self, workspace: &Workspace) -> PathBuf {
        self.folder(workspace).join(self.program)
    }

    /// With the version in its name: another one is installed beside it.
    fn folder(&self, workspace: &Workspace) -> PathBuf {
        workspace.tools().join(format!("{}-{}", self.package, self.version))
    }
}
