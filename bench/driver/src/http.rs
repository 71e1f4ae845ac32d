//! One HTTP/1.1 connection, as cheap as a client can be: the load must leave the cores to the host.
//!
//! It understands what this host sends (a length, or chunks) and is no general client.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// The longest head or chunk line that is read.
const LONGEST_LINE: usize = 16 << 10;

/// A request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// Such as `GET`.
    pub method: &'r str,
    /// The path and query.
    pub path: &'r str,
    /// Headers beyond `Host` and `Content-Length`.
    pub headers: &'r [(&'r str, &'r str)],
    /// The body; empty for none.
    pub body: &'r [u8],
}

impl<'r> Request<'r> {
    /// A GET.
    pub fn get(path: &'r str, headers: &'r [(&'r str, &'r str)]) -> Self {
        Self {
            method: "GET",
            path,
            headers,
            body: b"",
        }
    }

    /// A POST of JSON.
    pub fn post(path: &'r str, headers: &'r [(&'r str, &'r str)], body: &'r [u8]) -> Self {
        Self {
            method: "POST",
            path,
            headers,
            body,
        }
    }
}

/// An answer with its body.
#[derive(Clone, Debug)]
pub struct Response {
    /// Such as 201.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// How the body comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunks,
}

/// A connection. After an error it is of no more use, and what became of the request is not known.
pub struct Connection {
    socket: BufReader<TcpStream>,
    out: Vec<u8>,
    line: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(Self {
            socket: BufReader::new(socket),
            out: Vec::new(),
            line: Vec::new(),
        })
    }

    /// Sends a request and reads its answer.
    pub async fn ask(&mut self, request: Request<'_>) -> io::Result<Response> {
        let (status, framing) = self.begin(request).await?;
        let mut body = Vec::new();
        match framing {
            Framing::Length(length) => {
                body.resize(length, 0);
                self.socket.read_exact(&mut body).await?;
            }
            Framing::Chunks => while self.chunk(&mut body).await? {},
        }
        Ok(Response { status, body })
    }

    /// Sends a request whose answer goes on for ever; the body is read by [`Self::chunk`].
    pub async fn listen(&mut self, request: Request<'_>) -> io::Result<u16> {
        match self.begin(request).await? {
            (status, Framing::Chunks) => Ok(status),
            (status, Framing::Length(_)) => Err(io::Error::other(format!("a stream was expected, and {status} came"))),
        }
    }

    async fn begin(&mut self, request: Request<'_>) -> io::Result<(u16, Framing)> {
        self.out.clear();
        let Request {
            method,
            path,
            headers,
            body,
        } = request;
        io::Write::write_fmt(
            &mut self.out,
            format_args!("{method} {path} HTTP/1.1\r\nHost: shop\r\n"),
        )?;
        for (name, value) in headers {
            io::Write::write_fmt(&mut self.out, format_args!("{name}: {value}\r\n"))?;
        }
        io::Write::write_fmt(&mut self.out, format_args!("Content-Length: {}\r\n\r\n", body.len()))?;
        self.out.extend_from_slice(body);
        self.socket.get_mut().write_all(&self.out).await?;
        self.head().await
    }

    async fn head(&mut self) -> io::Result<(u16, Framing)> {
        let status = self
            .line()
            .await?
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| malformed("the status line"))?;
        let mut framing = Framing::Length(0);
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok((status, framing));
            }
            let (name, value) = line.split_once(':').ok_or_else(|| malformed("a header"))?;
            if name.eq_ignore_ascii_case("content-length") {
                framing = Framing::Length(value.trim().parse().map_err(|_| malformed("the length"))?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                framing = Framing::Chunks;
            }
        }
    }

    /// Appends the next chunk of the body; false: it was the last.
    pub async fn chunk(&mut self, body: &mut Vec<u8>) -> io::Result<bool> {
        let size = usize::from_str_radix(self.line().await?, 16).map_err(|_| malformed("a chunk's size"))?;
        let before = body.len();
        body.resize(before + size, 0);
        self.socket.read_exact(&mut body[before..]).await?;
        self.line().await?;
        Ok(size > 0)
    }

    async fn line(&mut self) -> io::Result<&str> {
        self.line.clear();
        let limited = &mut self.socket;
        limited
            .take(LONGEST_LINE as u64)
            .read_until(b'\n', &mut self.line)
            .await?;
        let Some(line) = self.line.strip_suffix(b"\r\n") else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        std::str::from_utf8(line).map_err(|_| malformed("a line"))
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} is malformed"))
}
