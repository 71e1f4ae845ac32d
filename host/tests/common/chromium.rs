//! A real browser without a window, spoken to through a pipe in Chromium's own protocol: JSON texts with a zero byte
//! behind each (<https://chromedevtools.github.io/devtools-protocol/>).

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, unbounded};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long the browser may take for anything. A first start makes a profile.
const PATIENCE: Duration = Duration::from_mins(1);

/// The program.
const BROWSER: &str = "SKALD_BROWSER";

/// Hands the browser the pipes of its standard input and output under the numbers at which it speaks the protocol.
const PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>/dev/null"#;

/// No look-ups but of this machine, nothing of the browser's own on the network, and no sandbox, which containers
/// don't allow: the only page is ours.
const OPTIONS: [&str; 8] = [
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-proxy-server",
];

/// A running browser with one page. It is killed when this is dropped.
pub struct Browser {
    child: Child,
    say: ChildStdin,
    heard: Receiver<Value>,
    said: u64,
    session: Option<String>,
    /// What the page did: requests, messages, exceptions, in the protocol's words.
    pub events: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    /// Starts the browser with an empty page.
    pub fn start() -> Self {
        let program = std::env::var_os(BROWSER).unwrap_or_else(|| panic!("{BROWSER} names no browser"));
        let profile = TempDir::new().expect("a folder");
        let mut command = Command::new("sh");
        command.args(["-c", PIPES]).arg(program).args(OPTIONS);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("started");
        let heard = messages(child.stdout.take().expect("it has a pipe"));
        let mut browser = Self {
            say: child.stdin.take().expect("it has a pipe"),
            child,
            heard,
            said: 0,
            session: None,
            events: vec![],
            _profile: profile,
        };
        let page = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": page["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", &attach);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Network", "Runtime", "Log", "Page"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    /// Goes to an address, and waits until the page is loaded.
    pub fn open(&mut self, url: &str) {
        self.call("Page.navigate", &json!({ "url": url }));
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.hear();
            self.events.push(event);
        }
    }

    /// What a script of the page comes to, or its promise.
    #[track_caller]
    pub fn run(&mut self, script: &str) -> Value {
        let evaluate = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let done = self.call("Runtime.evaluate", &evaluate);
        assert!(done.get("exceptionDetails").is_none(), "{script}: {done:#}");
        done["result"]["value"].clone()
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.said += 1;
        let mut message = json!({ "id": self.said, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        let text = format!("{message}\0");
        self.say.write_all(text.as_bytes()).expect("the browser listens");
        loop {
            let heard = self.hear();
            if heard["id"] == self.said {
                assert!(heard.get("error").is_none(), "{method}: {heard:#}");
                return heard["result"].clone();
            }
            self.events.push(heard);
        }
    }

    fn hear(&self) -> Value {
        let heard = self.heard.recv_timeout(PATIENCE);
        heard.unwrap_or_else(|error| panic!("the browser is silent: {error}\n{:#?}", self.events))
    }
}

/// What the browser says, until it ends.
fn messages(stdout: ChildStdout) -> Receiver<Value> {
    let (say, said) = unbounded();
    thread::spawn(move || {
        // Whoever listened may have gone.
        let _gone = BufReader::new(stdout)
            .split(0)
            .map_while(Result::ok)
            .try_for_each(|text| say.send(serde_json::from_slice(&text).expect("messages are JSON")));
    });
    said
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
