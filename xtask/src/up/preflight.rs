//! What can be known to go wrong before anything is built. Looking leaves nothing behind.
//!
//! The host makes sure of all this again when it starts; asking early saves a newcomer a long build that ends in a fault.

use std::fmt::Display;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use anyhow::Result;

use crate::fault::fault;

/// Makes sure that both addresses can be listened on.
pub fn addresses(listen: SocketAddr, admin: SocketAddr) -> Result<()> {
    if listen == admin && listen.port() != 0 {
        return Err(fault(format!(
            "--listen and --admin-listen are both {listen}; give each an address of its own"
        )));
    }
    bind(listen, "--listen")?;
    bind(admin, "--admin-listen")
}

/// Makes sure that the data folder, or the folder that it will be made in, can be written to.
pub fn data_folder(data: &Path) -> Result<()> {
    let Some(nearest) = data.ancestors().find(|folder| folder.exists()) else {
        return Err(refused(data, "no folder above it exists"));
    };
    if !nearest.is_dir() {
        return Err(refused(data, format!("{} is a file", nearest.display())));
    }
    let probe = nearest.join(format!(".skald-probe-{}", std::process::id()));
    fs::write(&probe, b"")
        .and_then(|()| fs::remove_file(&probe))
        .map_err(|error| refused(data, error))
}

/// Makes the data folder unless it is there.
pub fn make(data: &Path) -> Result<()> {
    fs::create_dir_all(data).map_err(|error| refused(data, error))
}

fn refused(data: &Path, why: impl Display) -> anyhow::Error {
    let data = data.display();
    fault(format!(
        "the data folder {data} can't be used: {why}; choose another with --data"
    ))
}

/// Listens for a moment. Nobody can connect meanwhile to any effect: nothing is accepted.
fn bind(address: SocketAddr, option: &str) -> Result<()> {
    TcpListener::bind(address)
        .map(drop)
        .map_err(|error| fault(unusable(address, option, &error)))
}

fn unusable(address: SocketAddr, option: &str, error: &io::Error) -> String {
    let advice = format!("choose another with {option} (port 0 takes a free one)");
    match error.kind() {
        ErrorKind::AddrInUse => format!("{address} is in use; stop what listens there, or {advice}"),
        ErrorKind::AddrNotAvailable => format!("{address} isn't an address of this machine; {advice}"),
        ErrorKind::PermissionDenied => format!("{address} is reserved for the system; {advice}"),
        _ => format!("{address} can't be listened on: {error}; {advice}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    #[test]
    fn an_address_in_use_is_named_with_the_option_that_changes_it() {
        let taken = TcpListener::bind(FREE).unwrap();
        let address = taken.local_addr().unwrap();
        let first = addresses(address, FREE).unwrap_err().to_string();
        assert!(
            first.starts_with(&format!("{address} is in use")) && first.contains("--listen"),
            "{first}"
        );
        let second = addresses(FREE, address).unwrap_err().to_string();
        assert!(second.contains("--admin-listen"), "{second}");
        addresses(FREE, FREE).unwrap();
        drop(taken);
        let both = addresses(address, address).unwrap_err().to_string();
        assert!(both.starts_with("--listen and --admin-listen are both"), "{both}");
    }

    #[test]
    fn a_data_folder_is_tried_without_making_it() {
        let home = tempfile::tempdir().unwrap();
        data_folder(&home.path().join("not/yet")).unwrap();
        assert_eq!(
            fs::read_dir(home.path()).unwrap().count(),
            0,
            "the probe is left behind"
        );

        fs::write(home.path().join("file"), "").unwrap();
        let told = data_folder(&home.path().join("file/data")).unwrap_err().to_string();
        assert!(told.contains("is a file") && told.contains("--data"), "{told}");
    }
}
