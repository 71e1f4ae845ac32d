//! A server that components ask, and that answers when the test says so: how a test holds a call at
//! one place, and knows that it is there.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How long an expected call may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The server.
pub struct Gate {
    port: u16,
    arrivals: UnboundedReceiver<Held>,
}

/// A call that waits for an answer.
pub struct Held {
    name: String,
    answer: mpsc::Sender<u16>,
}

impl Gate {
    /// On a port that the system picks.
    pub fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (told, arrivals) = unbounded_channel();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let told = told.clone();
                std::thread::spawn(move || hold(client, &told));
            }
        });
        Self { port, arrivals }
    }

    /// Where it is.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Waits for the next call, which has to have this name.
    pub async fn next(&mut self, name: &str) -> Held {
        let arrival = tokio::time::timeout(PATIENCE, self.arrivals.recv()).await;
        let held = arrival.expect("a call comes").expect("the gate is open");
        assert_eq!(held.name, name);
        held
    }

    /// Whether nobody has come since.
    pub fn is_quiet(&mut self) -> bool {
        self.arrivals.try_recv().is_err()
    }
}

impl Held {
    /// Lets it go on.
    pub fn release(self) {
        self.answer(200);
    }

    /// Lets it go on with another status.
    pub fn answer(self, status: u16) {
        // The call may have been cut off meanwhile.
        let _ = self.answer.send(status);
    }
}

/// Reads a request, and answers it once the test does.
fn hold(mut client: TcpStream, told: &UnboundedSender<Held>) {
    let mut head = [0; 4096];
    let length = client.read(&mut head).unwrap_or_default();
    let head = String::from_utf8_lossy(&head[..length]);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (answer, answered) = mpsc::channel();
    let name = path.trim_start_matches('/').to_owned();
    if told.send(Held { name, answer }).is_ok()
        && let Ok(status) = answered.recv()
    {
        let answer = format!("HTTP/1.1 {status} Answered\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        // The call may have been cut off meanwhile.
        let _ = client.write_all(answer.as_bytes());
    }
}
