//! The real program, started on ports that the system picks, with a data folder of its own.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustix::process::Signal;
use tempfile::TempDir;

use super::manifest::SHOP;
use super::program::{Program, artifacts};

/// A folder with a manifest and data, in which the program can be started again and again.
pub struct Home(TempDir);

impl Home {
    /// A new one. Compiled code is shared by all of them: compiling is what takes long.
    pub fn new(manifest: &str) -> Self {
        let home = Self(TempDir::new().expect("a folder"));
        let compiled = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        fs::create_dir_all(&compiled).expect("a folder for compiled code");
        fs::create_dir_all(home.data()).expect("the data folder");
        std::os::unix::fs::symlink(compiled, home.data().join("cache")).expect("a link");
        home.write(manifest);
        home
    }

    /// Changes the manifest, for the next start.
    pub fn write(&self, manifest: &str) {
        fs::write(self.0.path().join("skald.toml"), manifest).expect("the manifest");
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// Puts a secret into the data folder.
    pub fn secret(&self, name: &str, secret: &str) {
        let path = self.data().join(name);
        fs::write(&path, secret).expect("a secret");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its permissions");
    }

    /// Starts the program and waits until it serves.
    pub fn start(self) -> Host {
        let mut command = Command::new(env!("CARGO_BIN_EXE_skald"));
        command
            .args(["run", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .arg("--manifest")
            .arg(self.0.path().join("skald.toml"))
            .arg("--components")
            .arg(artifacts())
            .arg("--data")
            .arg(self.data());
        let program = Program::start(&mut command, &self.0.path().join("log"));
        Host {
            address: program.address,
            admin: program.admin,
            program,
            home: self,
        }
    }
}

/// A running program. It is killed when this is dropped.
pub struct Host {
    program: Program,
    /// Where its public API listens.
    pub address: SocketAddr,
    /// Where its admin API listens.
    pub admin: SocketAddr,
    home: Home,
}

impl Host {
    /// A new one with this manifest.
    pub fn start(manifest: &str) -> Self {
        Home::new(manifest).start()
    }

    /// The one with the shop's own manifest that tests share. It ends with the last test that uses it.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Host>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let host = Arc::new(Self::start(SHOP));
            *shared = Arc::downgrade(&host);
            host
        })
    }

    /// Where its public API is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A key that it has made.
    pub fn key(&self, name: &str) -> Vec<u8> {
        let key = fs::read(self.home.data().join("keys").join(name)).expect("a key");
        key.trim_ascii().to_vec()
    }

    /// Asks it to end, without waiting.
    pub fn ask_to_stop(&self) {
        self.program.signal(Signal::TERM);
    }

    /// Waits until it has ended by itself.
    pub fn wait(self) -> (ExitStatus, Home) {
        (self.program.wait(), self.home)
    }

    /// Ends it cleanly.
    pub fn stop(self) -> Home {
        self.ask_to_stop();
        let (status, home) = self.wait();
        assert!(status.success(), "{status}");
        home
    }

    /// Kills it as a power cut would.
    pub fn kill(self) -> Home {
        self.program.signal(Signal::KILL);
        self.wait().1
    }
}
