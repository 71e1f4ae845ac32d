//! The table for people, and the JSON for scripts.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Result;
use serde::Serialize;

use crate::measure::{Sample, median};

/// What every ratio is to.
const FLOOR: &str = "floor";

/// Something that was measured once.
#[derive(Clone, Debug, Serialize)]
pub struct Extra {
    /// What it is.
    pub name: String,
    /// What it was.
    pub value: String,
}

/// Everything that was measured.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// In the order of the table.
    subjects: Vec<&'static str>,
    samples: BTreeMap<String, Vec<Sample>>,
    #[serde(skip)]
    clients: Vec<usize>,
    extras: Vec<Extra>,
}

impl Report {
    /// Nothing measured yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a measurement.
    pub fn add(&mut self, subject: &'static str, clients: usize, sample: Sample) {
        if !self.subjects.contains(&subject) {
            self.subjects.push(subject);
        }
        if !self.clients.contains(&clients) {
            self.clients.push(clients);
        }
        self.samples.entry(key(subject, clients)).or_default().push(sample);
    }

    /// Adds what was measured once.
    pub fn note(&mut self, extras: Vec<Extra>) {
        self.extras.extend(extras);
    }

    /// All samples, and what was measured once.
    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    fn median(&self, subject: &str, clients: usize, of: impl Fn(&Sample) -> f64) -> f64 {
        let samples = self.samples.get(&key(subject, clients));
        median(samples.into_iter().flatten().map(of).collect())
    }
}

fn key(subject: &str, clients: usize) -> String {
    format!("{subject} c={clients}")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| what | c | purchases/s | to the floor | p50 ms | to the floor | p99 ms | load |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|")?;
        for subject in &self.subjects {
            for clients in &self.clients {
                let median = |of: fn(&Sample) -> f64| self.median(subject, *clients, of);
                let rate = median(|sample| sample.per_second);
                let p50 = median(|sample| sample.p50_us);
                let floor_rate = self.median(FLOOR, *clients, |sample| sample.per_second);
                let floor_p50 = self.median(FLOOR, *clients, |sample| sample.p50_us);
                writeln!(
                    f,
                    "| {subject} | {clients} | {rate:.0} | {:.2} | {:.2} | {:.2} | {:.2} | {:.1} |",
                    rate / floor_rate,
                    p50 / 1000.0,
                    p50 / floor_p50,
                    median(|sample| sample.p99_us) / 1000.0,
                    median(|sample| sample.load),
                )?;
            }
        }
        for Extra { name, value } in &self.extras {
            writeln!(f, "- {name}: {value}")?;
        }
        Ok(())
    }
}
