//! The summary at the end of `cargo xtask test`: a line per part, and how to run alone what failed.

use std::fmt::Write;
use std::time::Duration;

/// How a part ended.
pub enum Verdict {
    /// Nothing to complain about.
    Passed,
    /// Something is wrong; the part's own output says what.
    Failed,
    /// It wasn't run, for the reason given.
    Skipped(String),
    /// It couldn't be run: a fault of the environment, in one sentence.
    Unable(String),
}

/// A part that is over.
pub struct Outcome {
    /// The part's name.
    pub part: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
}

impl Outcome {
    /// Whether this is the part of that name, and it passed.
    pub fn passed(&self, part: &str) -> bool {
        self.part == part && matches!(self.verdict, Verdict::Passed)
    }
}

/// The summary of a run; `all` tells whether it ran with `--all`.
pub fn render(outcomes: &[Outcome], all: bool) -> String {
    let mut text = String::from("\n== summary\n");
    for Outcome { part, verdict, took } in outcomes {
        let (word, note) = match verdict {
            Verdict::Passed => ("ok", String::new()),
            Verdict::Failed => ("failed", format!("  alone: {}", alone(part, all))),
            Verdict::Skipped(why) => ("skipped", format!("  {why}")),
            Verdict::Unable(why) => ("unable", format!("  {why}; then: {}", alone(part, all))),
        };
        line(
            &mut text,
            format_args!("{part:<14}{word:<8}{:>6.1} s{note}", took.as_secs_f64()),
        );
    }
    let count = |wanted: fn(&Verdict) -> bool| outcomes.iter().filter(|outcome| wanted(&outcome.verdict)).count();
    let passed = count(|verdict| matches!(verdict, Verdict::Passed));
    let skipped = count(|verdict| matches!(verdict, Verdict::Skipped(_)));
    let failed = outcomes.len() - passed - skipped;
    let took: f64 = outcomes.iter().map(|outcome| outcome.took.as_secs_f64()).sum();
    line(
        &mut text,
        format_args!("{passed} ok, {failed} failed, {skipped} skipped in {took:.0} s"),
    );
    text
}

/// The parts with what each is about.
pub fn list<'a>(parts: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (name, about) in parts {
        line(&mut text, format_args!("{name:<14}{about}"));
    }
    text
}

fn alone(part: &str, all: bool) -> String {
    format!("cargo xtask test {}--only {part}", if all { "--all " } else { "" })
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("writing to a string never fails");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(part: &'static str, verdict: Verdict, millis: u64) -> Outcome {
        Outcome {
            part,
            verdict,
            took: Duration::from_millis(millis),
        }
    }

    #[test]
    fn a_line_per_part_and_how_to_run_the_failed_one_alone() {
        let outcomes = [
            outcome("format", Verdict::Passed, 1_240),
            outcome("lints", Verdict::Failed, 61_000),
            outcome("tests", Verdict::Skipped("needs guests".to_owned()), 0),
            outcome(
                "dependencies",
                Verdict::Unable("cargo-deny can't be installed".to_owned()),
                100,
            ),
        ];
        let expected = "
== summary
format        ok         1.2 s
lints         failed    61.0 s  alone: cargo xtask test --only lints
tests         skipped    0.0 s  needs guests
dependencies  unable     0.1 s  cargo-deny can't be installed; then: cargo xtask test --only dependencies
1 ok, 2 failed, 1 skipped in 62 s
";
        assert_eq!(render(&outcomes, false), expected);
        assert!(render(&outcomes, true).contains("alone: cargo xtask test --all --only lints"));
    }

    #[test]
    fn a_list_is_a_line_per_part() {
        assert_eq!(
            list([("format", "rustfmt"), ("lints", "clippy")].into_iter()),
            "format        rustfmt\nlints         clippy\n"
        );
    }
}
