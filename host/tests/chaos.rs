//! The real program, killed without warning: nothing is lost, nothing is doubled, and every saga ends.
//!
//! `cargo xtask chaos` does the same for 200 rounds with the optimised program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use skald_driver::chaos::{self, Plan, recovery};
use skald_driver::process::Program;
use tempfile::TempDir;

/// Every saga that was open at the kill has ended this long after the start's command, in a build that
/// is not optimised and beside other tests. The optimised program is held to 2 s by `cargo xtask chaos`.
const RECOVERED: Duration = Duration::from_secs(10);

fn program(data: &TempDir) -> Program {
    let components = std::env::var_os("SKALD_COMPONENTS").map(PathBuf::from);
    Program {
        skald: env!("CARGO_BIN_EXE_skald").into(),
        manifest: Path::new(env!("CARGO_MANIFEST_DIR")).join("../skald.toml"),
        components: components
            .expect("SKALD_COMPONENTS is not set: run `cargo xtask test`, which builds the components and sets it"),
        data: data.path().to_owned(),
        log: "warn".into(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_twenty_times_under_load_it_loses_nothing_and_doubles_nothing() {
    let data = TempDir::new().expect("a folder");
    let seed = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970").as_secs();
    let plan = Plan {
        rounds: 20,
        customers: 4,
        buyers: 32,
        round: Duration::from_millis(300),
        seed,
        least_completed: 200,
    };
    println!("seed {seed}");
    let report = chaos::run(&program(&data), &plan, |_| ())
        .await
        .expect("the rounds are played");
    println!("{report}");
    assert_eq!(report.faults, Vec::<String>::new(), "seed {seed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_sixty_four_open_sagas_end_at_once() {
    let data = TempDir::new().expect("a folder");
    let took = recovery::run(&program(&data), 64).await.expect("all of them complete");
    println!(
        "the last of 64 open sagas ended {} ms after the start's command",
        took.as_millis()
    );
    assert!(took < RECOVERED, "{} ms", took.as_millis());
}
