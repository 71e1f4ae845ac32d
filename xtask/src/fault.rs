//! Faults of the environment, apart from faults of the project: a missing tool, a port in use, an unwritable folder.
//!
//! They end a command with exit code 2 and one sentence that says what to do; everything else ends it with 1.

use std::fmt;
use std::process::ExitCode;

/// The exit code for a fault of the environment. `skald` uses the same.
pub const EXIT_CODE: u8 = 2;

/// A fault of the environment: one sentence that says what is wrong, where, and what to do next.
#[derive(Debug)]
pub struct Fault(String);

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

/// A [`Fault`] as the error that commands return.
pub fn fault(sentence: impl Into<String>) -> anyhow::Error {
    Fault(sentence.into()).into()
}

/// The exit code for an error that a command ended with.
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(if error.is::<Fault>() { EXIT_CODE } else { 1 })
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_fault_is_told_apart_even_under_context() {
        let told = Err::<(), _>(fault("the port is in use"))
            .context("failed to start")
            .unwrap_err();
        assert_eq!(exit_code(&told), ExitCode::from(EXIT_CODE));
        assert_eq!(exit_code(&anyhow::anyhow!("a bug")), ExitCode::from(1));
    }
}
