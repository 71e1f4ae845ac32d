//! The commands in `docs/operations.md` print what stands there. What differs from run to run (ids,
//! ages, digests: every word with a digit) counts as equal.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::host::{Host, Place};

/// Where a test writes the page anew instead of checking it.
const WRITE: &str = "SKALD_WRITE_DOCS";

#[test]
fn every_command_of_the_operations_page_prints_what_stands_there() {
    let place = Place::new();
    let host = place.start();
    let token = host.sign_up();
    let sagas = [
        ("DONE", host.trial_until(&token, ("nothing", "nothing"), "completed")),
        (
            "FORWARD",
            host.trial_until(&token, ("nothing", "postpone"), "stuck_forward"),
        ),
        ("BACK", host.trial_until(&token, ("write", "reject"), "stuck_back")),
    ];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let page = fs::read_to_string(&path).expect("the page");
    let told = retell(&page, |command| run(command, &host, &token, &place, &sagas));
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, told).expect("written");
    } else {
        assert_eq!(plain(&page), plain(&told), "{WRITE}=1 writes the page anew");
    }
}

/// The page with what the commands print now.
fn retell(page: &str, run: impl Fn(&str) -> String) -> String {
    let (mut told, mut inside) = (vec![], false);
    for line in page.lines() {
        let command = line.strip_prefix("$ ").filter(|_| inside);
        if line.starts_with("```") {
            inside = line == "```console";
        }
        if command.is_some() || !inside || line.starts_with("```") {
            told.push(line.to_owned());
        }
        told.extend(
            command
                .into_iter()
                .flat_map(|command| run(command).lines().map(str::to_owned).collect::<Vec<_>>()),
        );
    }
    told.join("\n") + "\n"
}

fn run(command: &str, host: &Host, token: &str, place: &Place, sagas: &[(&str, u64)]) -> String {
    // What the command before has set going must have come to rest.
    host.until(token, || {
        let moving =
            |state: &str| host.get(&format!("{}/admin/v1/sagas?state={state}", host.admin)).1["sagas"] != json!([]);
        (!moving("running") && !moving("aborting")).then_some(())
    });
    let here = place.path("").display().to_string();
    let here = here.trim_end_matches('/');
    let program = Path::new(env!("CARGO_BIN_EXE_skald"))
        .parent()
        .expect("a folder")
        .display()
        .to_string();
    let search = format!("{program}:{}", std::env::var("PATH").unwrap_or_default());
    let script = format!("exec 2>&1; {}", command.replace("/srv/skald", here));
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &script])
        .env("PATH", search)
        .env("SKALD_ADMIN", &host.admin)
        .env("USER", "vera");
    shell.env_remove("SKALD_ADMIN_TOKEN");
    shell.envs(sagas.iter().map(|(name, id)| (*name, id.to_string())));
    let output = shell.output().expect("it ran");
    String::from_utf8(output.stdout)
        .expect("text")
        .replace(here, "/srv/skald")
}

/// Without what differs from run to run, column widths included.
fn plain(page: &str) -> Vec<String> {
    let plain = |word: &str| {
        if word.contains(|c: char| c.is_ascii_digit()) {
            "#".to_owned()
        } else {
            word.to_owned()
        }
    };
    let line = |line: &str| {
        let mut words: Vec<String> = line.split_whitespace().map(plain).collect();
        words.dedup_by(|second, first| second == "#" && first == "#");
        words.join(" ")
    };
    page.lines().map(line).collect()
}
