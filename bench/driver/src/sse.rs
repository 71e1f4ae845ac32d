//! A customer's stream of results.

use std::io;
use std::net::SocketAddr;

use serde::Deserialize;

use crate::http::{Connection, Request};

/// An event, as the contract has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its id. To a client it is opaque, and increasing.
    pub id: u64,
    /// Its data.
    pub data: Data,
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Whose event it is.
    pub purchase_id: u64,
    /// The step.
    pub step: String,
    /// What became of the step.
    pub status: String,
    /// The saga's state.
    pub saga: String,
    /// Why it failed.
    pub reason: Option<String>,
    /// When, in seconds since 1970.
    pub timestamp: i64,
}

impl Data {
    /// Whether it is the last of its purchase.
    pub fn is_end(&self) -> bool {
        matches!(self.saga.as_str(), "COMPLETED" | "COMPENSATED")
    }
}

/// An open stream.
pub struct Stream {
    connection: Connection,
    text: Vec<u8>,
    read: usize,
}

impl Stream {
    /// Opens the stream behind the last event that the client has. It is open when this returns.
    pub async fn open(address: SocketAddr, token: &str, after: Option<u64>) -> io::Result<Self> {
        let mut connection = Connection::open(address).await?;
        let bearer = format!("Bearer {token}");
        let after = after.map(|id| id.to_string());
        let mut headers = vec![("Authorization", bearer.as_str()), ("Accept", "text/event-stream")];
        headers.extend(after.as_deref().map(|id| ("Last-Event-ID", id)));
        let status = connection
            .listen(Request::get("/api/purchase/result", &headers))
            .await?;
        if status != 200 {
            return Err(io::Error::other(format!("the stream was refused with {status}")));
        }
        let mut stream = Self {
            connection,
            text: Vec::new(),
            read: 0,
        };
        // The opening comment.
        stream.connection.chunk(&mut stream.text).await?;
        Ok(stream)
    }

    /// The next event; an error: the connection is gone.
    pub async fn next(&mut self) -> io::Result<Told> {
        loop {
            if let Some(told) = parse(self.block().await?)? {
                return Ok(told);
            }
        }
    }

    /// The next purchase that ends. Other events are passed over without being parsed, so that a load
    /// driver leaves the cores to the host.
    pub async fn next_end(&mut self) -> io::Result<(u64, End)> {
        loop {
            let block = self.block().await?;
            let end = match () {
                () if find(block, br#""saga":"COMPLETED""#).is_some() => End::Completed,
                () if find(block, br#""saga":"COMPENSATED""#).is_some() => End::Compensated,
                () => continue,
            };
            if let Some(told) = parse(block)? {
                return Ok((told.data.purchase_id, end));
            }
        }
    }

    /// The next event or comment.
    async fn block(&mut self) -> io::Result<&[u8]> {
        loop {
            if let Some(length) = find(&self.text[self.read..], b"\n\n") {
                let begin = self.read;
                self.read += length + 2;
                return Ok(&self.text[begin..begin + length]);
            }
            self.text.drain(..self.read);
            self.read = 0;
            if !self.connection.chunk(&mut self.text).await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// How a purchase ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was bought.
    Completed,
    /// It was refused, and nothing is left of it.
    Compensated,
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// An event; none: a comment.
fn parse(block: &[u8]) -> io::Result<Option<Told>> {
    let malformed = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let text = std::str::from_utf8(block).map_err(|error| malformed(error.to_string()))?;
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    if text.lines().all(|line| line.starts_with(':')) {
        return Ok(None);
    }
    let (Some(id), Some("data"), Some(data)) = (field("id"), field("event"), field("data")) else {
        return Err(malformed(format!("this is no event: {text:?}")));
    };
    let id = id
        .parse()
        .map_err(|_| malformed(format!("this is no increasing id: {id:?}")))?;
    let data = serde_json::from_str(data).map_err(|error| malformed(format!("{error}: {data}")))?;
    Ok(Some(Told { id, data }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_passed_over_and_events_are_read() {
        assert_eq!(parse(b": still here").expect("a comment"), None);
        let block = br#"id: 7
event: data
data: {"purchase_id":17,"step":"CREATE_ORDER","status":"STATUS_SUCCESS","saga":"RUNNING","timestamp":1669104000}"#;
        let told = parse(block).expect("an event").expect("no comment");
        assert_eq!((told.id, told.data.purchase_id, told.data.is_end()), (7, 17, false));
        assert!(parse(b"event: data").is_err());
    }
}
