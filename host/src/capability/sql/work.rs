//! The sessions of one call: the step's transaction, and what else the component has opened.

use std::sync::Arc;
use std::time::Instant;

use skald_store::fence::StepSession;
use skald_store::sql::{Error, Limits, Mark, Publication, Report, Session, Value};

use super::{Access, Databases, values};

/// Which of a call's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Step,
    Other(usize),
}

/// The sessions of one call, and the transactions that are open in them.
pub struct Work {
    step: Option<Opened<StepSession>>,
    others: Vec<Opened<Box<dyn Session>>>,
    read_only: bool,
    deadline: Instant,
}

struct Opened<S> {
    label: Arc<str>,
    session: S,
    /// The open transactions, outermost first.
    marks: Vec<Mark>,
}

impl Work {
    /// Of a step or a compensation in the database with this label.
    pub fn of_step(session: StepSession, label: Arc<str>, deadline: Instant) -> Self {
        let step = Opened {
            label,
            session,
            marks: vec![],
        };
        Self {
            step: Some(step),
            others: vec![],
            read_only: true,
            deadline,
        }
    }

    /// Of any other call.
    pub fn outside(read_only: bool, deadline: Instant) -> Self {
        Self {
            step: None,
            others: vec![],
            read_only,
            deadline,
        }
    }

    /// Ends the call: what was not committed is rolled back, and the step's session comes back.
    pub fn end(&mut self) -> Option<StepSession> {
        self.others.clear();
        self.step.take().map(|mut opened| {
            if let Some(outermost) = opened.marks.first() {
                opened.session.rollback(*outermost);
            }
            opened.session
        })
    }

    /// Whether the call is a step or a compensation.
    pub fn is_step(&self) -> bool {
        self.step.is_some()
    }

    /// The step's session, if the call is one: then effects wait for its commit.
    pub fn step(&mut self) -> Option<&mut StepSession> {
        self.step.as_mut().map(|opened| &mut opened.session)
    }

    /// Whether the call is one from a step's component to another, which may only read.
    pub fn is_read_only(&self) -> bool {
        self.read_only && !self.is_step()
    }

    /// Writes an event where the call's effects go: the step's transaction, or the outbox of the
    /// database with this label.
    ///
    /// # Errors
    /// What the database says, and [`Error::Unreachable`] in a call that may only read.
    pub fn publish(
        &mut self,
        event: &Publication,
        label: Option<&Arc<str>>,
        limits: Limits,
        databases: &dyn Databases,
    ) -> Result<(), Error> {
        if let Some(session) = self.step() {
            return session.publish(event);
        }
        if self.is_read_only() {
            return Err(Error::Unreachable(
                "a component that is called from a step can't publish".into(),
            ));
        }
        let label = label.ok_or_else(|| Error::Unreachable("this component has no database to publish from".into()))?;
        let place = self.open(label, limits, databases)?;
        self.session(place)?.0.publish(event)
    }

    pub(super) fn open(&mut self, label: &Arc<str>, limits: Limits, databases: &dyn Databases) -> Result<Place, Error> {
        if self.step.as_ref().is_some_and(|step| step.label == *label) {
            return Ok(Place::Step);
        }
        if let Some(known) = self.others.iter().position(|opened| opened.label == *label) {
            return Ok(Place::Other(known));
        }
        let access = Access {
            read_only: self.read_only,
            deadline: self.deadline,
            limits,
        };
        let session = databases.open(label, access)?;
        self.others.push(Opened {
            label: label.clone(),
            session,
            marks: vec![],
        });
        Ok(Place::Other(self.others.len() - 1))
    }

    pub(super) fn label(&self, place: Place) -> &str {
        match place {
            Place::Step => self.step.as_ref().map_or("", |opened| &opened.label),
            Place::Other(index) => self.others.get(index).map_or("", |opened| &opened.label),
        }
    }

    pub(super) fn query(
        &mut self,
        place: Place,
        mark: Option<Mark>,
        statement: &str,
        params: Vec<values::Value>,
        limits: Limits,
    ) -> Result<values::ResultSet, values::Error> {
        let found = self.within(place, mark)?.query(statement, &convert(params))?;
        // The session has bounds of its own, those of the whole host; a component may have tighter ones.
        if found.rows.len() > limits.rows {
            return Err(oversized(found.rows.len(), limits.rows).into());
        }
        Ok(found.into())
    }

    pub(super) fn execute(
        &mut self,
        place: Place,
        mark: Option<Mark>,
        statement: &str,
        params: Vec<values::Value>,
    ) -> Result<u32, values::Error> {
        Ok(self.within(place, mark)?.execute(statement, &convert(params))?)
    }

    pub(super) fn begin(&mut self, place: Place) -> Result<Mark, Error> {
        let (session, marks) = self.session(place)?;
        let mark = session.begin()?;
        marks.push(mark);
        Ok(mark)
    }

    /// Transactions within it end with it.
    pub(super) fn commit(&mut self, place: Place, mark: Mark) -> Result<(), Error> {
        let (session, marks) = self.session(place)?;
        let position = marks.iter().position(|open| *open == mark).ok_or(Error::Ended)?;
        marks.truncate(position);
        session.commit(mark)
    }

    /// A transaction that has ended already is left alone.
    pub(super) fn rollback(&mut self, place: Place, mark: Mark) {
        let Ok((session, marks)) = self.session(place) else {
            return;
        };
        if let Some(position) = marks.iter().position(|open| *open == mark) {
            marks.truncate(position);
            session.rollback(mark);
        }
    }

    /// The session, if the transaction that the statement belongs to is still open.
    fn within(&mut self, place: Place, mark: Option<Mark>) -> Result<&mut dyn Session, Error> {
        let (session, marks) = self.session(place)?;
        match mark {
            Some(mark) if !marks.contains(&mark) => Err(Error::Ended),
            _ => Ok(session),
        }
    }

    /// A component can't keep a connection beyond its call, but an instance that serves several calls
    /// might try.
    fn session(&mut self, place: Place) -> Result<(&mut dyn Session, &mut Vec<Mark>), Error> {
        match place {
            Place::Step => {
                let opened = self.step.as_mut().ok_or(Error::Ended)?;
                Ok((&mut opened.session, &mut opened.marks))
            }
            Place::Other(index) => {
                let opened = self.others.get_mut(index).ok_or(Error::Ended)?;
                Ok((&mut *opened.session, &mut opened.marks))
            }
        }
    }
}

fn convert(params: Vec<values::Value>) -> Vec<Value> {
    params.into_iter().map(Into::into).collect()
}

fn oversized(rows: usize, limit: usize) -> Error {
    let message = format!("the result has {rows} rows, and this component's limit is {limit}: ask for fewer");
    Error::Faulty(Report {
        sqlstate: "54000".into(),
        message,
        constraint: None,
    })
}
