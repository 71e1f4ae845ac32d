//! Messages that come twice: a step's action or compensation, delivered once more by somebody else.

use skald_saga::{Definition, Digest, SagaId};
use skald_store::fence::{Action, Back, Close, Guest, GuestAnswer, Key, Outcome, Reply, StepSession};
use skald_store::sql::{Session, Value};
use skald_store::sqlite::Job;
use tokio::sync::oneshot;

use crate::common::Host;
use crate::scene::STEPS;

/// A component that does the step's work once more if it is called.
pub struct Double(pub SagaId, pub &'static str);

impl Double {
    fn act(&self, mut session: StepSession, kind: &str) -> StepSession {
        let row = [
            Value::Integer(self.0.0.cast_signed()),
            Value::Text(self.1.into()),
            Value::Text(kind.into()),
        ];
        session
            .execute("INSERT INTO effect (saga, step, kind) VALUES (?, ?, ?)", &row)
            .expect("it is open");
        session
    }
}

impl Guest for Double {
    fn step(&mut self, session: StepSession) -> (StepSession, GuestAnswer, Digest) {
        (
            self.act(session, "act"),
            GuestAnswer::Done("{}".into()),
            Digest::of(b"a double"),
        )
    }

    fn compensate(&mut self, session: StepSession, _: Option<Digest>, _: Option<&str>) -> (StepSession, GuestAnswer) {
        (self.act(session, "undo"), GuestAnswer::Done(String::new()))
    }
}

fn key(host: &Host, saga: SagaId, step: usize) -> Key {
    Key {
        saga,
        step,
        nonce: host.nonce(saga),
    }
}

fn submit(host: &Host, definition: &Definition, step: usize, job: Box<dyn Job>) {
    let database = &definition.steps[step].database;
    let file = host.orchestrator.database(database).expect("it is open");
    file.writer.submit(job).expect("there is room");
}

/// Delivers a step's action once more.
pub fn deliver(host: &Host, definition: &Definition, saga: SagaId, step: usize) -> oneshot::Receiver<Reply> {
    let (job, reply) = Action::new(key(host, saga, step), None, Box::new(Double(saga, STEPS[step])));
    submit(host, definition, step, Box::new(job));
    reply
}

/// Delivers a step's compensation once more.
pub fn deliver_back(host: &Host, definition: &Definition, saga: SagaId, step: usize) -> oneshot::Receiver<Reply> {
    let double = Box::new(Double(saga, STEPS[step]));
    let (job, reply) = Back::new(key(host, saga, step), Close::AndCompensate, false, double);
    submit(host, definition, step, Box::new(job));
    reply
}

/// What came of a delivery.
pub fn told(host: &Host, reply: oneshot::Receiver<Reply>) -> Outcome {
    host.block_on(reply).expect("the writer answers").outcome
}
