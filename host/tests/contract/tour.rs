//! The README's tour, command by command, in a real shell.

use std::process::{Command, Stdio};

use crate::common::host::Host;

const README: &str = include_str!("../../../README.md");

/// The shell blocks below a heading.
fn script(heading: &str) -> String {
    let (_, text) = README.split_once(&format!("\n## {heading}\n")).expect("the heading");
    let text = text.split_once("\n## ").map_or(text, |(text, _)| text);
    let blocks = text
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split_once("```").expect("the block's end").0);
    blocks.collect()
}

#[test]
fn the_tour_does_what_the_page_says() {
    let host = Host::shared();
    let script = script("The tour");
    assert!(script.contains("SHOP=http://127.0.0.1:8080\n"), "{script}");
    let script = script.replace("SHOP=http://127.0.0.1:8080\n", &format!("SHOP={}\n", host.url()));
    let shell = Command::new("sh")
        .args(["-eu", "-c", &script])
        .stdin(Stdio::null())
        .output()
        .expect("a POSIX shell");
    let told = String::from_utf8_lossy(&shell.stdout);
    assert!(
        shell.status.success(),
        "{}\n{told}\n{}",
        shell.status,
        String::from_utf8_lossy(&shell.stderr)
    );
    assert_eq!(told.matches("event: data\n").count(), 6, "{told}");
    assert!(told.contains("\"saga\":\"COMPLETED\""), "{told}");
    assert!(told.contains("\"purchased_items\":[{"), "{told}");
    assert!(told.contains("\"amount\":240"), "two lutes of 120: {told}");
}
