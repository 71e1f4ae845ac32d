//! The real program, started on ports that the system picks, with a data folder of its own.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::manifest::SHOP;

/// How long the program may take to serve or to end; compiling the components is the most of it.
const PATIENCE: Duration = Duration::from_mins(2);

/// How often it is looked whether it does.
const LOOK: Duration = Duration::from_millis(5);

/// The components that xtask has built.
pub fn artifacts() -> PathBuf {
    std::env::var_os("SKALD_COMPONENTS")
        .map(PathBuf::from)
        .expect("SKALD_COMPONENTS is not set: run `cargo xtask test`, which builds the components and sets it")
}

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
        let ready = self.0.path().join("ready");
        let _ = fs::remove_file(&ready);
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.0.path().join("log"))
            .expect("a log");
        let child = Command::new(env!("CARGO_BIN_EXE_skald"))
            .args(["run", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .arg("--manifest")
            .arg(self.0.path().join("skald.toml"))
            .arg("--components")
            .arg(artifacts())
            .arg("--data")
            .arg(self.data())
            .arg("--ready-file")
            .arg(&ready)
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("started");
        let mut host = Host {
            child,
            address: ([127, 0, 0, 1], 0).into(),
            admin: ([127, 0, 0, 1], 0).into(),
            home: Some(self),
        };
        (host.address, host.admin) = host.wait_until_ready(&ready);
        host
    }
}

/// A running program. It is killed when this is dropped.
pub struct Host {
    child: Child,
    /// Where its public API listens.
    pub address: SocketAddr,
    /// Where its admin API listens.
    pub admin: SocketAddr,
    home: Option<Home>,
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

    /// What it has logged.
    pub fn log(&self) -> String {
        let home = self.home.as_ref().expect("it has a home until it ends");
        fs::read_to_string(home.0.path().join("log")).unwrap_or_default()
    }

    /// A key that it has made.
    pub fn key(&self, name: &str) -> Vec<u8> {
        let home = self.home.as_ref().expect("it has a home until it ends");
        fs::read(home.data().join("keys").join(name))
            .expect("a key")
            .trim_ascii()
            .to_vec()
    }

    /// Asks it to end, without waiting.
    pub fn ask_to_stop(&self) {
        self.signal(libc::SIGTERM);
    }

    /// Waits until it has ended by itself.
    pub fn wait(mut self) -> (ExitStatus, Home) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return (status, self.home.take().expect("it has a home until it ends"));
            }
            assert!(Instant::now() < deadline, "it doesn't end:\n{}", self.log());
            std::thread::sleep(LOOK);
        }
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
        self.signal(libc::SIGKILL);
        self.wait().1
    }

    fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.child.id()).expect("pids are small");
        // SAFETY: it sends a signal to a child that was not waited for, so the pid is the child's.
        let sent = unsafe { libc::kill(pid, signal) };
        assert_eq!(sent, 0, "no signal could be sent");
    }

    fn wait_until_ready(&mut self, ready: &Path) -> (SocketAddr, SocketAddr) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(line) = fs::read_to_string(ready) {
                let addresses: serde_json::Value = serde_json::from_str(&line).expect("the ready file is JSON");
                let address = |name: &str| addresses[name].as_str().and_then(|text| text.parse().ok());
                return (
                    address("listen").expect("an address"),
                    address("admin").expect("an address"),
                );
            }
            if let Some(status) = self.child.try_wait().expect("a child") {
                panic!("it ended with {status}:\n{}", self.log());
            }
            assert!(Instant::now() < deadline, "it doesn't serve:\n{}", self.log());
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
