//! The real program on ports that the system picks, with the shop and a saga that fails on demand.

use std::fs;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Program, artifacts};

/// How long an answer may take, or the event that is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// What is added to the shop: a saga of two steps that do what its start says.
const TRIAL: &str = r#"
[databases.hostile]
url = "sqlite:hostile.db"

[databases.other]
url = "sqlite:other.db"

[components.hostile]
artifact = "hostile.wasm"
databases = ["hostile", "other"]
http = ["127.0.0.1:9"]
calls = { "test:hostile/link" = "twin" }

[components.twin]
artifact = "hostile.wasm"
databases = ["hostile"]
http = ["127.0.0.1:9"]
calls = { "test:hostile/link" = "hostile" }

[sagas.trial]
retry = { attempts = 2, initial = "1ms", factor = 1.0, max = "1ms", jitter = 0.0 }
on-exhausted = "stick"
compensation = { attempts = 2, initial = "1ms", factor = 1.0, max = "1ms", jitter = 0.0 }

[[sagas.trial.steps]]
name = "FIRST"
component = "hostile"
database = "hostile"
deadline = "2s"
input = { mode = "$input.first" }

[[sagas.trial.steps]]
name = "SECOND"
component = "hostile"
database = "hostile"
deadline = "2s"
input = { mode = "$input.second" }

[[routes]]
match = "POST /api/trial"
saga = "trial"
auth = "account"
"#;

/// A folder with a manifest, in which the program can be started again and again.
pub struct Place(TempDir);

impl Place {
    /// With the shop's manifest and the trial.
    pub fn new() -> Self {
        Self::with("")
    }

    /// The same, with more at its end.
    pub fn with(more: &str) -> Self {
        let place = Self(TempDir::new().expect("a folder"));
        let shop = include_str!("../../../skald.toml");
        fs::write(place.path("skald.toml"), format!("{shop}{TRIAL}{more}")).expect("written");
        place
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// The command that runs the host on this data folder.
    pub fn command(&self, data: &Path) -> Command {
        let mut command = skald();
        command.arg("run").arg("--manifest").arg(self.path("skald.toml"));
        command.arg("--components").arg(artifacts()).arg("--data").arg(data);
        command.args(["--listen", "127.0.0.1:0"]);
        command
    }

    /// Starts it, and waits until it serves.
    pub fn start(&self) -> Host {
        let mut command = self.command(&self.data());
        command.args(["--admin-listen", "127.0.0.1:0"]);
        self.start_as(&mut command)
    }

    /// The same with a command of its own.
    pub fn start_as(&self, command: &mut Command) -> Host {
        let program = Program::start(command, &self.path("log"));
        Host {
            shop: format!("http://{}", program.address),
            admin: format!("http://{}", program.admin),
            program,
        }
    }

    /// Brings what is in a database's log into its file, so that the file is whole by itself.
    pub fn settle(&self, name: &str) {
        let connection = rusqlite::Connection::open(self.data().join(name)).expect("opened");
        connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .expect("settled");
    }

    /// Everything that was logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).expect("a log")
    }
}

/// The program.
pub fn skald() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skald"));
    command
        .env_remove("SKALD_ADMIN")
        .env_remove("SKALD_ADMIN_TOKEN")
        .env_remove("SKALD_LOG")
        .env("USER", "vera");
    command.stdin(Stdio::null());
    command
}

/// What a command printed, and its exit code.
pub fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().expect("it was not killed"),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// A host that serves. Dropping it kills it.
pub struct Host {
    program: Program,
    pub shop: String,
    pub admin: String,
}

impl Host {
    /// Tells it to stop.
    pub fn interrupt(&self) {
        self.program.signal(Signal::TERM);
    }

    /// Stops it, and waits for its end.
    pub fn stop(self) {
        self.interrupt();
        let status = self.program.wait();
        assert!(status.success(), "{status}");
    }

    /// Runs a command of `skald` against it.
    pub fn skald(&self, args: &[&str]) -> (i32, String, String) {
        told(
            &skald()
                .args(args)
                .env("SKALD_ADMIN", &self.admin)
                .output()
                .expect("it ran"),
        )
    }

    /// The same with `--json`: what it printed.
    #[track_caller]
    pub fn skald_json(&self, args: &[&str]) -> Value {
        let (code, printed, error) = self.skald(&[args, &["--json"]].concat());
        assert_eq!(code, 0, "{error}");
        serde_json::from_str(&printed).expect("JSON")
    }

    /// A customer's token.
    pub fn sign_up(&self) -> String {
        let form = json!({
            "password": "correct horse", "firstname": "Ada", "lastname": "Byron", "email": "ada@example.org",
            "address": "12 St James Square, London", "phone_number": "+44 20 7946 0000",
        });
        let (_, tokens) = self.post(&format!("{}/api/account/auth/signup", self.shop), None, &form);
        tokens["access_token"].as_str().expect("a token").to_owned()
    }

    /// Starts a trial and says its id.
    pub fn trial(&self, token: &str, first: &str, second: &str) -> u64 {
        let body = json!({ "first": first, "second": second });
        let (status, started) = self.post(&format!("{}/api/trial", self.shop), Some(token), &body);
        assert_eq!(status, 201, "{started}");
        started["saga_id"].as_u64().expect("an id")
    }

    /// A trial that has come to rest in this state.
    #[track_caller]
    pub fn trial_until(&self, token: &str, steps: (&str, &str), state: &str) -> u64 {
        let id = self.trial(token, steps.0, steps.1);
        self.wait_for(token, id, state);
        id
    }

    /// Waits until a saga of this customer is in this state.
    #[track_caller]
    pub fn wait_for(&self, token: &str, id: u64, state: &str) -> Value {
        self.until(token, || {
            let (_, saga) = self.get(&format!("{}/admin/v1/sagas/{id}", self.admin));
            (saga["state"] == state).then_some(saga)
        })
    }

    /// Waits until something holds that comes about with an event of this customer's.
    #[track_caller]
    pub fn until<T>(&self, token: &str, mut holds: impl FnMut() -> Option<T>) -> T {
        // What happens after the stream is open makes an event, what happened before holds already.
        let mut told = self.results(token);
        loop {
            if let Some(found) = holds() {
                return found;
            }
            assert!(told.next().is_some(), "the stream of results has ended");
        }
    }

    /// The lines of a customer's stream of results, which is open when this returns.
    pub fn results(&self, token: &str) -> impl Iterator<Item = String> + use<> {
        let request = agent().get(format!("{}/api/purchase/result", self.shop));
        let request = request.header("authorization", format!("Bearer {token}"));
        let body = request.call().expect("an answer").into_body();
        let lines = std::io::BufReader::new(body.into_reader()).lines();
        lines.map(|line| line.expect("the stream is silent"))
    }

    /// A GET: the status, and the body if it is JSON.
    #[expect(clippy::unused_self, reason = "a test asks the host that it started")]
    pub fn get(&self, url: &str) -> (u16, Value) {
        answer(agent().get(url).call())
    }

    /// A POST of JSON.
    #[expect(clippy::unused_self, reason = "a test asks the host that it started")]
    pub fn post(&self, url: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
        let mut request = agent().post(url);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        answer(request.send(body.to_string()))
    }
}

/// A client that takes every status for an answer.
pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(Some(PATIENCE))
        .build()
        .into()
}

fn answer(response: Result<http::Response<ureq::Body>, ureq::Error>) -> (u16, Value) {
    let mut response = response.expect("an answer");
    let body = response.body_mut().read_to_string().expect("a body");
    (
        response.status().as_u16(),
        serde_json::from_str(&body).unwrap_or(Value::String(body)),
    )
}
