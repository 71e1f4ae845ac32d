//! The real program as a child. Nothing here looks again and again: the program says on its standard output where it
//! listens, and the end of that output is its own end.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, unbounded};
use rustix::process::{Pid, Signal, kill_process};

/// How long the program may take to serve or to end; compiling the components is the most of it.
const PATIENCE: Duration = Duration::from_mins(2);

/// The components that xtask has built.
pub fn artifacts() -> PathBuf {
    std::env::var_os("SKALD_COMPONENTS")
        .map(PathBuf::from)
        .expect("SKALD_COMPONENTS is not set: run `cargo xtask test`, which builds the components and sets it")
}

/// A running program. It is killed when this is dropped.
pub struct Program {
    child: Child,
    said: Receiver<String>,
    log: PathBuf,
    /// Where its public API listens.
    pub address: SocketAddr,
    /// Where its admin API listens.
    pub admin: SocketAddr,
}

impl Program {
    /// Starts it by a `skald run` and waits until it serves. What it logs is appended to the file.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).expect("a log");
        let command = command.args(["--ready-file", "-"]);
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file);
        let mut child = command.spawn().expect("started");
        let said = lines(child.stdout.take().expect("it has a pipe"));
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut program = Self {
            child,
            said,
            log: log.to_owned(),
            address: nowhere,
            admin: nowhere,
        };
        (program.address, program.admin) = program.addresses();
        program
    }

    fn addresses(&mut self) -> (SocketAddr, SocketAddr) {
        let line = match self.said.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("it doesn't serve:\n{}", self.log()),
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.child.wait().expect("a child");
                panic!("it ended with {status}:\n{}", self.log())
            }
        };
        let said: serde_json::Value = serde_json::from_str(&line).expect("the addresses are JSON");
        let address = |name: &str| said[name].as_str().and_then(|text| text.parse().ok());
        (
            address("listen").expect("an address"),
            address("admin").expect("an address"),
        )
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("a log")
    }

    /// Sends it a signal, without waiting.
    pub fn signal(&self, signal: Signal) {
        // The child was not waited for, so the process id is the child's.
        kill_process(Pid::from_child(&self.child), signal).expect("it is there");
    }

    /// Waits until it has ended.
    pub fn wait(mut self) -> ExitStatus {
        let said = self.said.recv_timeout(PATIENCE);
        assert_eq!(
            said,
            Err(RecvTimeoutError::Disconnected),
            "it doesn't end:\n{}",
            self.log()
        );
        self.child.wait().expect("a child")
    }
}

/// The lines that a child says, until it ends.
fn lines(stdout: ChildStdout) -> Receiver<String> {
    let (say, said) = unbounded();
    thread::spawn(move || {
        // Whoever waited may have given up.
        let _gone = BufReader::new(stdout)
            .lines()
            .map_while(Result::ok)
            .try_for_each(|line| say.send(line));
    });
    said
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
