//! The real program as a process: started on ports that the system picks, killed without warning.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// How long a start may take before it counts as failed. A cold cache compiles four components.
const START: Duration = Duration::from_mins(1);
/// How often the ready file is looked for.
const LOOK: Duration = Duration::from_millis(1);

/// How the host is started.
#[derive(Clone, Debug)]
pub struct Program {
    /// The `skald` binary.
    pub skald: PathBuf,
    /// The manifest.
    pub manifest: PathBuf,
    /// The folder of artifacts.
    pub components: PathBuf,
    /// The data folder, which outlives the process.
    pub data: PathBuf,
    /// What is logged; the log is appended to `host.log` beside the data folder's files.
    pub log: String,
}

/// The ready file's content.
#[derive(Deserialize)]
struct Ready {
    listen: SocketAddr,
}

/// A host that serves.
pub struct Host {
    child: Child,
    /// Where its public API listens.
    pub address: SocketAddr,
    /// When its process was started.
    pub spawned: Instant,
}

impl Program {
    /// Starts the host, and waits until it serves.
    pub async fn start(&self) -> Result<Host> {
        std::fs::create_dir_all(&self.data).with_context(|| format!("failed to create {}", self.data.display()))?;
        let ready = self.data.join("ready");
        if ready.exists() {
            std::fs::remove_file(&ready).context("failed to remove the last ready file")?;
        }
        let spawned = Instant::now();
        let child = self.command(&ready)?.spawn();
        let child = child.with_context(|| format!("failed to start {}", self.skald.display()))?;
        let unspecified = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut host = Host {
            child,
            address: unspecified,
            spawned,
        };
        while spawned.elapsed() < START {
            if let Ok(text) = std::fs::read_to_string(&ready) {
                host.address = serde_json::from_str::<Ready>(&text)
                    .context("failed to read the ready file")?
                    .listen;
                return Ok(host);
            }
            if let Some(status) = host.child.try_wait().context("failed to wait for the host")? {
                bail!(
                    "the host ended before it served ({status}); it said: {}",
                    self.last_words()
                );
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!(
            "the host did not serve within {} s; it said: {}",
            START.as_secs(),
            self.last_words()
        )
    }

    fn command(&self, ready: &Path) -> Result<Command> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_file())
            .context("failed to open the log")?;
        let mut command = Command::new(&self.skald);
        command
            .args([
                "--log",
                &self.log,
                "run",
                "--listen",
                "127.0.0.1:0",
                "--admin-listen",
                "127.0.0.1:0",
            ])
            .arg("--manifest")
            .arg(&self.manifest)
            .arg("--components")
            .arg(&self.components)
            .arg("--data")
            .arg(&self.data)
            .arg("--ready-file")
            .arg(ready)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        Ok(command)
    }

    /// Where the host's log goes.
    pub fn log_file(&self) -> PathBuf {
        self.data.join("host.log")
    }

    /// The end of the host's log.
    pub fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.log_file()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }
}

impl Host {
    /// Ends the process as a power cut would: SIGKILL, at once, without a word.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().context("failed to kill the host")?;
        self.child
            .wait()
            .context("failed to wait for the killed host")
            .map(drop)
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory, in bytes, as Linux tells it.
    pub fn resident(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have been killed already; nobody is left to tell of a failure.
        let _ = self.kill();
    }
}
