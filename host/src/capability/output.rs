//! What a component prints: its standard output and error, and its log lines, on their way to the
//! host's log with the call they belong to. One call may log so many bytes; of the rest one line
//! says that it is missing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::{io, pin::Pin};

use bytes::Bytes;
use skald_saga::Digest;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

pub use tracing::Level;

/// The most bytes of one line; a longer one becomes several.
const MAX_LINE: usize = 4096;

/// Which call of which component prints.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The component's name in the manifest.
    pub component: Arc<str>,
    /// The first digits of its version's digest.
    pub digest: Arc<str>,
    /// The saga, if the call belongs to one.
    pub saga: Option<u64>,
    /// The step, if the call is one.
    pub step: Option<Arc<str>>,
}

impl Origin {
    /// Of calls of this version.
    pub fn new(component: &Arc<str>, digest: &Digest) -> Self {
        Self {
            component: component.clone(),
            digest: digest.short().into(),
            saga: None,
            step: None,
        }
    }
}

/// Where the output of one call goes. Clones share the bound.
#[derive(Clone, Debug)]
pub struct Output(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    origin: Origin,
    left: usize,
    cut: bool,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    /// The last lines of standard error, in case the call traps: that is what people want to read.
    last: String,
}

impl Output {
    /// For one call, which may print this many bytes.
    pub fn new(origin: Origin, bytes: usize) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            origin,
            left: bytes,
            cut: false,
            line: vec![],
            last: String::new(),
        })))
    }

    /// The same instance begins another call.
    pub fn begin(&self, origin: Origin, bytes: usize) {
        let mut inner = self.lock();
        *inner = Inner {
            origin,
            left: bytes,
            cut: false,
            line: vec![],
            last: String::new(),
        };
    }

    /// The call has ended: a last line without an end is one all the same. What it printed last is
    /// returned.
    pub fn end(&self) -> String {
        let mut inner = self.lock();
        inner.flush();
        std::mem::take(&mut inner.last)
    }

    /// A message with a level of its own. One of several lines becomes several: no part of it may look
    /// like a line of the host's.
    pub fn line(&self, level: Level, context: &str, message: &str) {
        let mut inner = self.lock();
        if let Some(message) = inner.take(message.as_bytes()) {
            for line in String::from_utf8_lossy(message).lines() {
                inner.emit(level, context, line);
            }
        }
    }

    fn print(&self, bytes: &[u8]) {
        let mut inner = self.lock();
        let Some(bytes) = inner.take(bytes) else { return };
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            inner.line.extend_from_slice(part);
            if part.ends_with(b"\n") || inner.line.len() >= MAX_LINE {
                inner.flush();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Whatever a panic left here is at worst a line that looks odd.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// As much of it as may still be printed. The first excess is told in a line of its own.
    fn take<'b>(&mut self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        if bytes.len() <= self.left {
            self.left -= bytes.len();
            return Some(bytes);
        }
        let kept = &bytes[..std::mem::take(&mut self.left)];
        if !std::mem::replace(&mut self.cut, true) {
            let said = "the rest of what this call prints is dropped: it is over `log-bytes-per-call`";
            self.emit(Level::WARN, "", said);
        }
        Some(kept).filter(|kept| !kept.is_empty())
    }

    fn flush(&mut self) {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if !text.is_empty() {
            self.emit(Level::INFO, "", text);
            if self.last.len() + text.len() < MAX_LINE {
                if !self.last.is_empty() {
                    self.last.push_str("; ");
                }
                self.last.push_str(text);
            }
        }
    }

    fn emit(&self, level: Level, context: &str, message: &str) {
        let Origin {
            component,
            digest,
            saga,
            step,
        } = &self.origin;
        let step = step.as_deref();
        // The macros want their level to be a constant.
        macro_rules! emit {
            ($level:expr) => {
                tracing::event!(target: "guest", $level, %component, %digest, saga, step, context, "{message}")
            };
        }
        match level {
            Level::ERROR => emit!(Level::ERROR),
            Level::WARN => emit!(Level::WARN),
            Level::INFO => emit!(Level::INFO),
            Level::DEBUG => emit!(Level::DEBUG),
            Level::TRACE => emit!(Level::TRACE),
        }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.print(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    /// It never fills up: what is too much is dropped, and the component doesn't notice.
    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(1 << 20)
    }
}

#[async_trait::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.print(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::fmt::MakeWriter;

    /// What was logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Log {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    /// The lines that are logged while this runs.
    fn logged(run: impl FnOnce()) -> Vec<String> {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(log.clone())
            .with_ansi(false)
            .finish();
        tracing::subscriber::with_default(subscriber, run);
        let bytes = log.0.lock().expect("not poisoned").clone();
        String::from_utf8_lossy(&bytes).lines().map(String::from).collect()
    }

    fn origin() -> Origin {
        Origin {
            component: "hostile".into(),
            digest: "abc".into(),
            saga: Some(7),
            step: Some("STEP".into()),
        }
    }

    #[test]
    fn lines_are_logged_whole_and_with_their_call() {
        let lines = logged(|| {
            let output = Output::new(origin(), 1000);
            output.print(b"one li");
            output.print(b"ne\n\nand the last");
            assert_eq!(output.end(), "one line; and the last");
        });
        assert_eq!(lines.len(), 2, "{lines:?}");
        for part in ["one line", "component=hostile", "digest=abc", "saga=7", "step=\"STEP\""] {
            assert!(lines[0].contains(part), "{}", lines[0]);
        }
    }

    #[test]
    fn a_flood_is_cut_with_one_line_that_says_so() {
        let lines = logged(|| {
            let output = Output::new(origin(), 100);
            (0..1000).for_each(|_| output.print(b"ten bytes\n"));
            output.line(Level::ERROR, "context", "one more");
        });
        assert_eq!(lines.len(), 11, "{lines:?}");
        assert!(lines[10].contains("is over `log-bytes-per-call`"), "{}", lines[10]);
    }
}
