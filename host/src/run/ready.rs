//! Saying that the host serves, and where.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use serde::Serialize;
use tokio::net::TcpListener;

use super::Unstartable;

/// The name of a ready file that means standard output.
const STDOUT: &str = "-";

/// Where the host listens, as the ready file tells it.
#[derive(Debug, Serialize)]
pub(super) struct Addresses {
    listen: Option<SocketAddr>,
    admin: Option<SocketAddr>,
}

impl Addresses {
    pub fn of(public: &TcpListener, admin: &TcpListener) -> Self {
        Self {
            listen: public.local_addr().ok(),
            admin: admin.local_addr().ok(),
        }
    }

    /// Says that the host serves: in the log, and in the file that scripts wait for.
    pub fn announce(&self, ready_file: Option<&Path>) -> Result<(), Unstartable> {
        let line = serde_json::to_string(self).expect("addresses are texts");
        tracing::info!(listen = ?self.listen, admin = ?self.admin, "serving");
        let Some(path) = ready_file else { return Ok(()) };
        write(path, &format!("{line}\n")).map_err(|error| Unstartable::Data {
            path: path.to_owned(),
            detail: format!("the ready file can't be written: {error}"),
        })
    }
}

fn write(path: &Path, line: &str) -> std::io::Result<()> {
    if path == Path::new(STDOUT) {
        let mut out = std::io::stdout();
        return out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }
    // Whoever waits for the file must never read half of it.
    let half = path.with_extension("part");
    std::fs::write(&half, line).and_then(|()| std::fs::rename(&half, path))
}
