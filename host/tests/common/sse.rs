//! A reader of server-sent events, as strict as the contract is.

use std::time::Duration;

use serde_json::Value;

/// How long an expected answer or event may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A piece of a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// A line that begins with a colon.
    Comment(String),
    /// An event.
    Event(Event),
}

/// An event of a result stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What a client says in `Last-Event-ID`.
    pub id: String,
    /// The JSON text behind `data:`.
    pub data: Value,
}

impl Event {
    /// The purchase it tells of.
    pub fn purchase(&self) -> u64 {
        self.data["purchase_id"].as_u64().expect("an id")
    }

    /// Its parts that don't change from run to run: `CREATE_ORDER EXECUTE RUNNING`.
    pub fn brief(&self) -> String {
        let text = |member: &str| self.data[member].as_str().expect("a text");
        let status = text("status").strip_prefix("STATUS_").expect("a status");
        let reason = self
            .data
            .get("reason")
            .map(|reason| format!(" ({})", reason.as_str().expect("a text")));
        format!(
            "{} {status} {}{}",
            text("step"),
            text("saga"),
            reason.unwrap_or_default()
        )
    }

    /// Whether its saga has ended.
    pub fn is_last(&self) -> bool {
        matches!(self.data["saga"].as_str(), Some("COMPLETED" | "COMPENSATED" | "STUCK"))
    }
}

/// An open stream.
pub struct Stream {
    response: reqwest::Response,
    text: String,
}

impl Stream {
    /// Reads the answer to a request.
    pub fn new(response: reqwest::Response) -> Self {
        Self {
            response,
            text: String::new(),
        }
    }

    /// The next piece; none when the stream has ended.
    pub async fn next(&mut self) -> Option<Piece> {
        loop {
            if let Some((piece, rest)) = self.text.split_once("\n\n") {
                let (piece, rest) = (parse(piece), rest.to_owned());
                self.text = rest;
                return Some(piece);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk())
                .await
                .expect("the stream is silent");
            // A host that was killed cuts the stream off; that is an end, too.
            let Ok(Some(chunk)) = chunk else {
                assert_eq!(self.text, "", "half an event at the end");
                return None;
            };
            self.text
                .push_str(std::str::from_utf8(&chunk).expect("events are small, and their texts ASCII"));
        }
    }

    /// The next event.
    pub async fn event(&mut self) -> Event {
        let event = async {
            loop {
                match self.next().await.expect("the stream has ended") {
                    Piece::Event(event) => return event,
                    Piece::Comment(_) => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, event)
            .await
            .expect("the stream tells nothing but that it is alive")
    }

    /// The next events, so many.
    pub async fn events(&mut self, count: usize) -> Vec<Event> {
        let mut events = vec![];
        while events.len() < count {
            events.push(self.event().await);
        }
        events
    }

    /// The events up to the last one of one saga.
    pub async fn until_the_end(&mut self) -> Vec<Event> {
        let mut events = vec![self.event().await];
        while !events.last().is_some_and(Event::is_last) {
            events.push(self.event().await);
        }
        events
    }

    /// Whether nothing more comes but comments, until the stream says so many times that it is alive.
    pub async fn is_idle_for(&mut self, heartbeats: usize) -> bool {
        for _ in 0..heartbeats {
            if let Some(Piece::Event(_)) = self.next().await {
                return false;
            }
        }
        true
    }
}

fn parse(piece: &str) -> Piece {
    if let Some(comment) = piece.strip_prefix(':') {
        assert!(!comment.contains('\n'), "{piece:?}");
        return Piece::Comment(comment.trim().to_owned());
    }
    let lines: Vec<&str> = piece.split('\n').collect();
    let [id, "event: data", data] = lines[..] else {
        panic!("no event of the contract: {piece:?}")
    };
    let id = id.strip_prefix("id: ").unwrap_or_else(|| panic!("no id: {piece:?}"));
    let data = data
        .strip_prefix("data: ")
        .unwrap_or_else(|| panic!("no data: {piece:?}"));
    Piece::Event(Event {
        id: id.to_owned(),
        data: serde_json::from_str(data).expect("data is JSON"),
    })
}
