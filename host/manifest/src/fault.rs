//! What is wrong with a manifest: for people a line each, for scripts the same as data.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The line, counted from 1.
    pub line: usize,
    /// The character within the line, counted from 1.
    pub column: usize,
    /// The key, such as `sagas.purchase.steps[1].component`; empty where the text is not TOML.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub suggestion: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

/// All that is wrong, in the order of the text; never empty. As JSON it is an array of faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(transparent)]
pub struct Faults {
    /// The faults.
    pub faults: Vec<Fault>,
}

impl Faults {
    /// The same with the file's name before each line, as editors and terminals link it.
    pub fn in_file<'a>(&'a self, name: &'a str) -> InFile<'a> {
        InFile { faults: self, name }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        lines(f, "", &self.faults)
    }
}

/// See [`Faults::in_file`].
#[derive(Clone, Copy, Debug)]
pub struct InFile<'a> {
    faults: &'a Faults,
    name: &'a str,
}

impl fmt::Display for InFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        lines(f, &format!("{}:", self.name), &self.faults.faults)
    }
}

fn lines(f: &mut fmt::Formatter<'_>, prefix: &str, faults: &[Fault]) -> fmt::Result {
    for (index, fault) in faults.iter().enumerate() {
        let separator = if index == 0 { "" } else { "\n" };
        write!(f, "{separator}{prefix}{fault}")?;
    }
    Ok(())
}
