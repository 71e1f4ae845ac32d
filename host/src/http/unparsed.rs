//! What is no HTTP request at all, or has too large a head, never reaches a route: the HTTP library refuses it by
//! itself, with an empty body, and offers no say in it. So the refusal is given its problem body on its way out.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Problem;

/// How the library's own refusals begin and end. Answers of the public API can't be taken for them: they have an id.
const BEGIN: &[u8] = b"HTTP/1.1 4";
const EMPTY: &str = "content-length: 0\r\n";
const ID: &str = "x-request-id:";
const END: &str = "\r\n\r\n";

/// A client's connection.
pub(super) struct Connection<S> {
    socket: S,
    /// The refusal that is being written, and how much of it is.
    refusal: Option<(Vec<u8>, usize)>,
    /// The last write took a part only: the next one begins in the middle of an answer.
    midway: bool,
}

impl<S: AsyncWrite + Unpin> Connection<S> {
    pub fn new(socket: S) -> Self {
        Self {
            socket,
            refusal: None,
            midway: false,
        }
    }

    /// Writes what stands in for a refusal of the library's, in as many goes as it takes. The library offers the same
    /// bytes until they are taken.
    fn refuse(&mut self, cx: &mut Context<'_>, offered: &[u8]) -> Poll<io::Result<usize>> {
        while let Some((text, written)) = &mut self.refusal {
            if *written == text.len() {
                self.refusal = None;
                break;
            }
            let more = ready!(Pin::new(&mut self.socket).poll_write(cx, &text[*written..]))?;
            if more == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *written += more;
        }
        Poll::Ready(Ok(offered.len()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let [only] = slices
            && !this.midway
        {
            if this.refusal.is_none() {
                this.refusal = stand_in(only).map(|text| (text, 0));
            }
            if this.refusal.is_some() {
                return this.refuse(cx, only);
            }
        }
        let taken = ready!(Pin::new(&mut this.socket).poll_write_vectored(cx, slices))?;
        this.midway = taken < slices.iter().map(|slice| slice.len()).sum();
        Poll::Ready(Ok(taken))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_read(cx, buffer)
    }
}

/// What is sent instead of these bytes, if they are a refusal of the library's.
fn stand_in(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.starts_with(BEGIN) {
        return None;
    }
    let head = std::str::from_utf8(bytes).ok()?.strip_suffix(END)?;
    let (before, after) = head.split_once(EMPTY)?;
    if head.contains(END) || head.contains(ID) {
        return None;
    }
    let status = StatusCode::from_bytes(bytes.get(9..12)?).ok()?;
    let body = problem(status).body();
    let mut text = format!(
        "{before}content-type: application/problem+json\r\ncontent-length: {}\r\n{after}{END}",
        body.len()
    )
    .into_bytes();
    text.extend_from_slice(&body);
    Some(text)
}

fn problem(status: StatusCode) -> Problem {
    match status {
        StatusCode::BAD_REQUEST => Problem::invalid("this is no request of HTTP/1.1"),
        StatusCode::URI_TOO_LONG => Problem::new(status, "uri too long").detail("shorten the path or the query"),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Problem::new(status, "request header fields too large")
            .detail("the request line and the headers are larger than this host takes"),
        other => Problem::new(other, other.canonical_reason().unwrap_or("error").to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const REFUSAL: &str = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\
                           date: Mon, 23 Nov 2026 00:00:00 GMT\r\n\r\n";

    /// What a client gets of these writes through a pipe that takes so many bytes at a time.
    async fn got(writes: &[&str], room: usize) -> String {
        let (here, mut there) = tokio::io::duplex(room);
        let reading = tokio::spawn(async move {
            let mut text = String::new();
            there.read_to_string(&mut text).await.map(|_| text)
        });
        let mut connection = Connection::new(here);
        for text in writes {
            connection.write_all(text.as_bytes()).await.expect("the client reads");
        }
        drop(connection);
        reading.await.expect("it ends").expect("text")
    }

    #[tokio::test]
    async fn a_refusal_gets_its_body_however_little_is_taken_at_a_time() {
        for room in [1, 7, 64, 4096] {
            let text = got(&[REFUSAL], room).await;
            let (head, body) = text.split_once(END).expect("a head and a body");
            let length = format!("content-length: {}", body.len());
            assert!(head.contains(&length) && !head.contains("content-length: 0"), "{head}");
            let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
            assert_eq!(
                (&body["status"], &body["msg"]),
                (&431.into(), &"request header fields too large".into())
            );
        }
    }

    #[tokio::test]
    async fn what_is_no_refusal_of_the_library_goes_through_as_it_is() {
        let with_id = REFUSAL.replace("date:", "x-request-id: 1\r\ndate:");
        let with_body = format!("{}{{}}", REFUSAL.replace("length: 0", "length: 2"));
        let success = REFUSAL.replace("431 Request Header Fields Too Large", "200 OK");
        for text in [with_id, with_body, success, format!("5\r\n{REFUSAL}")] {
            for room in [5, 4096] {
                assert_eq!(got(&[&text], room).await, text);
            }
        }
    }
}
