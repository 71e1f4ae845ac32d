//! `cargo xtask test`: every check of the project, and one summary.
//!
//! [`parts`] is the table of what is checked, [`summary`] the text at the end; this file runs one and prints the other.
//! A failing part doesn't keep the others from running, unless they need what it makes.

mod parts;
mod summary;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::builder::PossibleValuesParser;

use crate::fault::{self, Fault};
use crate::workspace::Workspace;
use parts::{PARTS, Part};
use summary::{Outcome, Verdict};

/// What `cargo xtask test` can be told.
#[derive(clap::Args)]
pub struct Args {
    /// Run this part and those that it needs (repeatable)
    #[arg(long, value_name = "PART", value_parser = PossibleValuesParser::new(PARTS.iter().map(|part| part.name)))]
    only: Vec<String>,

    /// Also what needs the network or takes long: install cargo-component and chromium, ask for security
    /// advisories
    #[arg(long)]
    all: bool,

    /// List the parts and end
    #[arg(long)]
    list: bool,
}

/// What a part may use.
pub struct Context {
    workspace: Workspace,
    all: bool,
}

/// Runs the parts that were asked for.
pub fn run(args: &Args) -> Result<ExitCode> {
    if args.list {
        print!("{}", summary::list(PARTS.iter().map(|part| (part.name, part.about))));
        return Ok(ExitCode::SUCCESS);
    }
    let context = Context {
        workspace: Workspace::locate()?,
        all: args.all,
    };
    let mut outcomes: Vec<Outcome> = vec![];
    for part in chosen(&args.only) {
        let outcome = run_part(part, &context, &outcomes);
        outcomes.push(outcome);
    }
    print!("{}", summary::render(&outcomes, args.all));
    Ok(ExitCode::from(exit_code(&outcomes)))
}

/// 1 if the project is at fault somewhere, else 2 if the environment is.
fn exit_code(outcomes: &[Outcome]) -> u8 {
    let any = |wanted: fn(&Verdict) -> bool| outcomes.iter().any(|outcome| wanted(&outcome.verdict));
    if any(|verdict| matches!(verdict, Verdict::Failed)) {
        1
    } else if any(|verdict| matches!(verdict, Verdict::Unable(_))) {
        fault::EXIT_CODE
    } else {
        0
    }
}

/// The parts to run, in the table's order: all, or those named and what they need.
fn chosen(only: &[String]) -> Vec<&'static Part> {
    let named = |name: &str| only.iter().any(|wanted| wanted == name);
    let needed = |name: &str| PARTS.iter().any(|part| named(part.name) && part.needs.contains(&name));
    PARTS
        .iter()
        .filter(|part| only.is_empty() || named(part.name) || needed(part.name))
        .collect()
}

fn run_part(part: &Part, context: &Context, before: &[Outcome]) -> Outcome {
    println!("\n== {}: {}", part.name, part.about);
    let start = Instant::now();
    let missing = part
        .needs
        .iter()
        .find(|need| !before.iter().any(|outcome| outcome.passed(need)));
    let verdict = match missing {
        Some(need) => Verdict::Skipped(format!("needs {need}")),
        None => (part.run)(context).unwrap_or_else(|error| verdict_of(&error)),
    };
    Outcome {
        part: part.name,
        verdict,
        took: start.elapsed(),
    }
}

fn verdict_of(error: &anyhow::Error) -> Verdict {
    eprintln!("error: {error:#}");
    if error.is::<Fault>() {
        Verdict::Unable(error.to_string())
    } else {
        Verdict::Failed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_part_brings_what_it_needs_and_nothing_else() {
        let names = |only: &[&str]| {
            let only: Vec<_> = only.iter().map(|name| (*name).to_owned()).collect();
            chosen(&only).iter().map(|part| part.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&["tests"]), ["guests", "tests"]);
        assert_eq!(names(&["lints", "format"]), ["format", "lints"]);
        assert_eq!(names(&[]).len(), PARTS.len());
    }

    #[test]
    fn the_project_s_faults_outweigh_the_environment_s() {
        let code = |verdicts: Vec<Verdict>| {
            let outcome = |verdict| Outcome {
                part: "tests",
                verdict,
                took: Duration::ZERO,
            };
            exit_code(&verdicts.into_iter().map(outcome).collect::<Vec<_>>())
        };
        let unable = || verdict_of(&fault::fault("no such tool"));
        let failed = || verdict_of(&anyhow::anyhow!("no such file"));
        assert_eq!(code(vec![Verdict::Passed, Verdict::Skipped(String::new())]), 0);
        assert_eq!(code(vec![unable(), Verdict::Passed]), 2);
        assert_eq!(code(vec![unable(), failed()]), 1);
    }

    #[test]
    fn a_part_needs_only_what_stands_before_it() {
        for (at, part) in PARTS.iter().enumerate() {
            for need in part.needs {
                assert!(
                    PARTS[..at].iter().any(|earlier| earlier.name == *need),
                    "{} needs {need}",
                    part.name
                );
            }
        }
    }
}
