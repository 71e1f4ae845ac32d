//! The host as a child process: start it, know when it serves, pass signals on, wait for its drain.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitCode, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::fault;
use crate::workspace::Workspace;

/// What the host is started with.
pub struct Launch {
    /// The `skald` program.
    pub program: PathBuf,
    /// The data folder.
    pub data: PathBuf,
    /// The public address as asked for.
    pub listen: SocketAddr,
    /// The admin address as asked for.
    pub admin: SocketAddr,
}

/// Where the host really listens: the ports are known only now when port 0 was asked for.
#[derive(Deserialize, Debug, PartialEq)]
pub struct Addresses {
    /// The public API.
    pub listen: SocketAddr,
    /// Health, metrics, the operator's API.
    pub admin: SocketAddr,
}

/// How a start went.
pub enum Started {
    /// The host serves.
    Ready(Addresses),
    /// It ended before it served; [`Host::wait`] says how.
    Ended,
}

/// A host that was started.
pub struct Host {
    child: Child,
    stdout: BufReader<ChildStdout>,
    interrupted: Arc<AtomicBool>,
}

impl Host {
    /// Starts the host. From here on SIGINT, SIGTERM and SIGHUP are passed on to it and end nothing else.
    pub fn start(workspace: &Workspace, launch: &Launch) -> Result<Self> {
        let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("failed to listen for signals")?;
        let mut command = command(workspace, launch);
        let mut child = command
            .spawn()
            .with_context(|| format!("failed to start {}", launch.program.display()))?;
        let stdout = child.stdout.take().expect("the command has a pipe for it");
        let interrupted = Arc::new(AtomicBool::new(false));
        pass_on(signals, Pid::from_child(&child), Arc::clone(&interrupted));
        Ok(Self {
            child,
            stdout: BufReader::new(stdout),
            interrupted,
        })
    }

    /// Waits until the host serves, or has ended.
    pub fn wait_until_ready(&mut self) -> Result<Started> {
        Ok(match read_addresses(&mut self.stdout)? {
            Some(addresses) => Started::Ready(addresses),
            None => Started::Ended,
        })
    }

    /// Whether someone asked the host to end.
    pub fn was_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Ends the host and waits for its drain.
    pub fn stop(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).context("failed to end the host")?;
        self.child.wait().context("failed to wait for the host")?;
        Ok(())
    }

    /// Waits until the host has ended, and turns how it ended into the exit code of this command.
    pub fn wait(mut self) -> Result<ExitCode> {
        exit_code(self.child.wait().context("failed to wait for the host")?)
    }
}

fn command(workspace: &Workspace, launch: &Launch) -> Command {
    let mut command = Command::new(&launch.program);
    command
        .arg("run")
        .arg("--manifest")
        .arg(workspace.root().join("skald.toml"));
    command.arg("--components").arg(workspace.components());
    command.arg("--data").arg(&launch.data);
    command.arg("--listen").arg(launch.listen.to_string());
    command.arg("--admin-listen").arg(launch.admin.to_string());
    command.args(["--ready-file", "-"]).stdout(Stdio::piped());
    // A terminal sends Ctrl-C to its whole foreground group; in a group of its own the host gets it once, from here.
    command.process_group(0);
    command
}

fn pass_on(mut signals: Signals, host: Pid, interrupted: Arc<AtomicBool>) {
    thread::spawn(move || {
        for signal in signals.forever() {
            interrupted.store(true, Ordering::Relaxed);
            let signal = if signal == SIGINT { Signal::INT } else { Signal::TERM };
            // It fails when the host has just ended, which is what the signal was for.
            let _ = kill_process(host, signal);
        }
    });
}

/// The addresses, once the host has written all of them. None: it has ended, and its output with it.
fn read_addresses(stdout: &mut impl BufRead) -> Result<Option<Addresses>> {
    let mut line = String::new();
    stdout
        .read_line(&mut line)
        .context("failed to read what the host says")?;
    if !line.ends_with('\n') {
        return Ok(None);
    }
    serde_json::from_str(&line)
        .map(Some)
        .with_context(|| format!("the host should say where it listens, and says {line:?}"))
}

/// The host has said on its own what was wrong when it ends with the code for faults of the environment.
fn exit_code(status: ExitStatus) -> Result<ExitCode> {
    match status.code() {
        Some(0) => Ok(ExitCode::SUCCESS),
        Some(code) if code == i32::from(fault::EXIT_CODE) => Ok(ExitCode::from(fault::EXIT_CODE)),
        _ => bail!("the host ended with {status}; its last lines above say more"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_line_counts_only_when_it_is_complete() {
        let line = r#"{"listen":"127.0.0.1:1234","admin":"127.0.0.1:1235"}"#;
        for half in ["", &line[..20], line] {
            assert_eq!(read_addresses(&mut half.as_bytes()).unwrap(), None, "{half}");
        }
        let told = read_addresses(&mut format!("{line}\n").as_bytes()).unwrap();
        let told = told.expect("the line is complete");
        assert_eq!((told.listen.port(), told.admin.port()), (1234, 1235));
        assert!(read_addresses(&mut "ready\n".as_bytes()).is_err());
    }

    #[test]
    fn an_exit_code_says_whose_fault_it_was() {
        let ended = |code: i32| exit_code(ExitStatus::from_raw(code << 8)).map_err(|error| error.to_string());
        assert_eq!(ended(0), Ok(ExitCode::SUCCESS));
        assert_eq!(ended(2), Ok(ExitCode::from(2)));
        assert!(ended(101).unwrap_err().contains("101"));
        assert!(
            exit_code(ExitStatus::from_raw(9))
                .unwrap_err()
                .to_string()
                .contains("signal: 9")
        );
    }
}
