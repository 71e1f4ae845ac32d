//! What components write to the host's log, kept for the tests to look at, as operators get it.

use std::io::{self, Write};
use std::sync::{Mutex, Once, PoisonError};

static LINES: Mutex<Vec<u8>> = Mutex::new(vec![]);

/// Begins to keep what is written from now on, by all tests of this program.
pub fn keep() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_env_filter("off,guest=trace")
            .with_writer(|| Kept)
            .init();
    });
}

/// The lines that contain this, in order, each without its time.
pub fn lines(part: &str) -> Vec<String> {
    let kept = LINES.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let kept = String::from_utf8(kept).expect("text");
    let lines = kept.lines().filter(|line| line.contains(part));
    lines
        .map(|line| {
            line.split_once("Z ")
                .map_or(line, |(_, rest)| rest.trim_start())
                .to_owned()
        })
        .collect()
}

struct Kept;

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
