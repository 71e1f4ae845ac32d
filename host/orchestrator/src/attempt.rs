//! The calls that a saga makes to fences: run a step, close it, compensate it. Each is sent to the
//! writer of the step's database; what comes back is a fact, or a failed attempt.

use std::sync::Arc;
use std::time::{Duration, Instant};

use skald_saga::Fact;
use skald_saga::definition::step_number;
use skald_saga::mapping::Source;
use skald_store::clock::now_ms;
use skald_store::fault;
use skald_store::fence::{self, Action, Back, Close, Key, Origin, Outcome, Reply};
use skald_store::journal::{Entry, Error as JournalError};
use skald_store::sqlite::Job;
use tokio::sync::oneshot;

use crate::call::{Bound, Call};
use crate::observe::Attempt;
use crate::run::{Flow, Runner};

/// How long to wait at first for room in a writer's full queue, and in the end: as long as a group
/// takes, and a small part of what a full queue takes.
const SHORTEST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_millis(250);

impl Runner {
    /// Runs a step, or asks for its outcome: that is the same call.
    pub(crate) async fn run_step(&mut self, step: usize) -> Result<Flow, JournalError> {
        self.begun = self.begun.max(Some(step));
        let attempt = self.progress.failed_attempts(step) + 1;
        let input = match self.input(step).await {
            Ok(input) => input,
            Err(detail) => return Ok(self.failed(step, detail)),
        };
        let origin = (step == 0).then(|| Origin {
            definition: self.row.definition,
            input: self.row.input.clone(),
        });
        let (job, reply) = Action::new(self.fence(step), origin, Box::new(self.bind(step, attempt, input)));
        let (reply, entry) = match self.ask(step, "forward", Box::new(job), reply).await {
            Ok(answered) => answered,
            Err(detail) => return Ok(self.failed(step, detail)),
        };
        // A step whose fence was absent, or broken off, was never settled: nobody can have seen an end.
        let unsettled = match reply.outcome {
            Outcome::Done { .. } => !reply.found,
            Outcome::Broken(_) => true,
            _ => false,
        };
        if self.progress.recovering && unsettled {
            self.host.0.journal.clear_recovering(self.key()).await?;
            self.progress.recovering = false;
        }
        self.entries.push(entry);
        Ok(self.learn(step, reply.outcome))
    }

    /// Takes a step's fence so that its action can't run, or learns what it says.
    pub(crate) async fn close(&mut self, step: usize) -> Result<Flow, JournalError> {
        self.go_back(step, Close::Only).await
    }

    /// Compensates a step.
    pub(crate) async fn compensate(&mut self, step: usize) -> Result<Flow, JournalError> {
        self.go_back(step, Close::AndCompensate).await
    }

    async fn go_back(&mut self, step: usize, close: Close) -> Result<Flow, JournalError> {
        let attempt = self.progress.att_back + 1;
        let input = match self.input(step).await {
            Ok(input) => input,
            // A step that never ran has no input either; its fence can be closed all the same.
            Err(_) if close == Close::Only => "null".into(),
            Err(detail) => return Ok(self.failed(step, detail)),
        };
        let external = self.definition.steps[step].external_effects;
        let (job, reply) = Back::new(
            self.fence(step),
            close,
            external,
            Box::new(self.bind(step, attempt, input)),
        );
        let direction = if close == Close::Only { "close" } else { "backward" };
        let (reply, entry) = match self.ask(step, direction, Box::new(job), reply).await {
            Ok(answered) => answered,
            Err(detail) => return Ok(self.failed(step, detail)),
        };
        self.entries.push(entry);
        Ok(self.learn(step, reply.outcome))
    }

    /// Keeps what a fence told.
    fn learn(&mut self, step: usize, outcome: Outcome) -> Flow {
        let fact = match outcome {
            Outcome::Done { output, .. } => {
                self.outputs[step] = Some(output);
                Fact::Done
            }
            Outcome::Rejected(refusal) => {
                self.refusal = Some((refusal.code, refusal.detail));
                Fact::Rejected
            }
            Outcome::TurnedAway => Fact::TurnedAway,
            Outcome::Fenced => Fact::Fenced,
            Outcome::Undone => Fact::Undone,
            Outcome::Broken(detail) | Outcome::Alien(detail) => {
                self.failure = (detail, None);
                Fact::Alien
            }
            // Rule "a time-out is not a refusal": nothing is known, so it is asked for again.
            Outcome::Retry { detail, after_ms } => {
                self.failure = (detail, after_ms);
                self.progress.failed = Some(step);
                return Flow::On;
            }
        };
        self.progress.facts[step] = Some(fact);
        Flow::On
    }

    fn failed(&mut self, step: usize, detail: String) -> Flow {
        self.failure = (detail, None);
        self.progress.failed = Some(step);
        Flow::On
    }

    /// Sends a job to the step's database, and waits for its reply.
    async fn ask(
        &mut self,
        step: usize,
        direction: &'static str,
        job: Box<dyn Job>,
        reply: oneshot::Receiver<Reply>,
    ) -> Result<(Reply, Entry), String> {
        let (at_ms, begun) = (now_ms(), Instant::now());
        if fault::at(&self.definition.steps[step].database, "ask").is_some() {
            return Err("a fault: it was not sent".into());
        }
        self.send(step, job).await?;
        let reply = self
            .while_telling(reply)
            .await
            .map_err(|_| "the database's writer has ended".to_owned())?;
        if fault::at(&self.definition.steps[step].database, "answered").is_some() {
            return Err("a fault: the answer was lost".into());
        }
        let (outcome, took) = (name(&reply), begun.elapsed());
        let component = &self.definition.steps[step].component;
        self.host.0.observer.attempted(&Attempt {
            component,
            direction,
            outcome,
            took,
        });
        let entry = Entry::Attempt {
            step: self.definition.steps[step].name.clone(),
            direction,
            at_ms,
            took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            digest: match &reply.outcome {
                Outcome::Done { digest, .. } => Some(digest.to_string()),
                _ => None,
            },
            outcome,
            detail: match &reply.outcome {
                Outcome::Retry { detail, .. } | Outcome::Broken(detail) | Outcome::Alien(detail) => {
                    Some(detail.clone())
                }
                Outcome::Rejected(refusal) => Some(format!("{}: {}", refusal.code, refusal.detail)),
                _ => None,
            },
        };
        Ok((reply, entry))
    }

    /// Sends a job to the step's database. A full queue is no failure of the step: it is waited for.
    async fn send(&mut self, step: usize, mut job: Box<dyn Job>) -> Result<(), String> {
        let mut pause = SHORTEST_WAIT;
        loop {
            let label = &self.definition.steps[step].database;
            let file = self.host.0.databases.get(label);
            let file = file.ok_or_else(|| format!("there is no database {label} any more"))?;
            job = match file.writer.offer(job).map_err(|error| error.to_string())? {
                None => return Ok(()),
                Some(job) => job,
            };
            if self.host.0.stop.is_cancelled() {
                return Err("the host stops".into());
            }
            self.while_telling(tokio::time::sleep(pause)).await;
            pause = LONGEST_WAIT.min(pause * 2);
        }
    }

    pub(crate) fn fence(&self, step: usize) -> Key {
        Key {
            saga: self.row.id,
            step,
            nonce: self.row.nonce,
        }
    }

    fn bind(&self, step: usize, attempt: u32, input: Arc<str>) -> Bound {
        let policy = &self.definition.steps[step];
        Bound {
            components: self.host.0.components.clone(),
            call: Call {
                saga: self.row.id,
                definition: self.definition.name.as_str().into(),
                step: policy.name.as_str().into(),
                component: policy.component.as_str().into(),
                database: policy.database.as_str().into(),
                attempt,
                deadline_ms: policy.deadline_ms,
                principal: self.row.principal.clone(),
                input,
            },
        }
    }

    /// The step's input. The outputs it draws on come from the fences: what is cached decides nothing.
    async fn input(&mut self, step: usize) -> Result<Arc<str>, String> {
        let mapping = &self.definition.steps[step].input;
        if *mapping == skald_saga::mapping::Mapping::Whole {
            return Ok(self.row.input.clone());
        }
        if mapping.uses_outputs() {
            for earlier in 0..step {
                if self.outputs[earlier].is_none() {
                    self.outputs[earlier] = self.recorded_output(earlier).await?;
                }
            }
        }
        let outputs: Vec<(&str, &str)> = self.definition.steps[..step]
            .iter()
            .zip(&self.outputs)
            .filter_map(|(policy, output)| Some((policy.name.as_str(), output.as_deref()?)))
            .collect();
        let subject = self.row.principal.as_deref().and_then(subject);
        let source = Source {
            saga_id: self.row.id.0,
            principal: subject.as_deref(),
            input: &self.row.input,
            outputs: &outputs,
        };
        self.definition.steps[step]
            .input
            .apply(&source)
            .map(Into::into)
            .map_err(|error| error.to_string())
    }

    async fn recorded_output(&self, step: usize) -> Result<Option<String>, String> {
        let label = &self.definition.steps[step].database;
        let file = self
            .host
            .0
            .databases
            .get(label)
            .ok_or_else(|| format!("there is no database {label} any more"))?;
        let saga = self.row.id;
        let fences = file
            .readers
            .read(move |connection| fence::of_saga(connection, saga))
            .await;
        let fences = fences.map_err(|error| error.to_string())?;
        Ok(fences
            .into_iter()
            .find(|row| row.step == step_number(step))
            .and_then(|row| row.output))
    }
}

/// The subject of a principal in JSON.
fn subject(principal: &str) -> Option<String> {
    serde_json::from_str::<serde_json::Value>(principal)
        .ok()?
        .get("subject")?
        .as_str()
        .map(str::to_owned)
}

fn name(reply: &Reply) -> &'static str {
    match (&reply.outcome, reply.found) {
        (Outcome::Done { .. }, false) => "done",
        (Outcome::Done { .. }, true) => "found done",
        (Outcome::Rejected(_), _) => "rejected",
        (Outcome::TurnedAway, _) => "turned away",
        (Outcome::Fenced, _) => "fenced",
        (Outcome::Undone, false) => "undone",
        (Outcome::Undone, true) => "found undone",
        (Outcome::Retry { .. }, _) => "failed",
        (Outcome::Broken(_), _) => "broken off",
        (Outcome::Alien(_), _) => "inconsistent",
    }
}
