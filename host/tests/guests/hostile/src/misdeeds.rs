//! What needs no database.

use skald_sdk::sql::Connection;
use std::hint::black_box;
use std::time::Duration;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{Fields, OutgoingRequest, Scheme};

/// Does it. What comes back, if it does, is a JSON text.
pub fn commit(mode: &str, n: u32) -> String {
    match mode {
        "nothing" => {}
        "loop" => loop {
            black_box(n);
        },
        "sleep" => std::thread::sleep(Duration::from_hours(1)),
        "memory" => hoard(),
        "recursion" => return recurse(0).to_string(),
        "panic" => panic!("a defect, on purpose"),
        "exit" => std::process::exit(3),
        "flood" => (0..n).for_each(|line| eprintln!("line {line} of a flood")),
        "rows" => return rows(n),
        "fetch" => return format!("{:?}", fetch(n)),
        "files" => return std::fs::read_to_string("/etc/passwd").is_err().to_string(),
        "network" => return std::net::TcpStream::connect("127.0.0.1:80").is_err().to_string(),
        "environment" => return std::env::vars().count().to_string(),
        other => panic!("no such mode: {other}"),
    }
    "null".to_owned()
}

/// Asks a server on this machine: the status, or the kind of error.
fn fetch(port: u32) -> String {
    let request = OutgoingRequest::new(Fields::new());
    let authority = format!("127.0.0.1:{port}");
    let prepared = request
        .set_scheme(Some(&Scheme::Http))
        .and(request.set_authority(Some(&authority)))
        .and(request.set_path_with_query(Some("/")));
    prepared.expect("a good address");
    let answer = outgoing_handler::handle(request, None).and_then(|answer| {
        answer.subscribe().block();
        answer.get().expect("it is there").expect("it is taken once")
    });
    answer.map_or_else(|code| format!("{code:?}"), |answer| answer.status().to_string())
}

fn hoard() {
    let mut hoard = vec![];
    loop {
        hoard.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Deep, and not to be turned into a loop.
fn recurse(depth: u64) -> u64 {
    if black_box(depth) == u64::MAX {
        depth
    } else {
        black_box(recurse(depth + 1)) + 1
    }
}

/// Asks for so many rows at once, and tells the kind of error that it gets.
fn rows(n: u32) -> String {
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?) SELECT i FROM n";
    let found = Connection::open("hostile").and_then(|db| db.query(endless, &[u64::from(n).into()]));
    match found {
        Ok(found) => found.rows.len().to_string(),
        Err(error) => format!("{:?}", error.to_string()),
    }
}
