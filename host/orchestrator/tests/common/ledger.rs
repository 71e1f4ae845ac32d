//! What effects, fences and events must add up to once a saga is over.

use skald_saga::status::{Phase, Status};
use skald_saga::{Definition, SagaId, State};
use skald_store::fence;
use skald_store::journal::StoredEvent;

use super::world::Host;

/// How often a step acted and was undone, as its database has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effects {
    pub acts: i64,
    pub undos: i64,
}

impl Host {
    /// The committed effects of each step.
    pub fn effects(&self, saga: SagaId, definition: &Definition) -> Vec<Effects> {
        let count = |step: &skald_saga::Step| {
            let file = self
                .orchestrator
                .database(&step.database)
                .expect("the database is open");
            file.readers.with(|connection| {
                let counted = connection.query_row(
                    "SELECT count(*) FILTER (WHERE kind = 'act'), count(*) FILTER (WHERE kind = 'undo') \
                     FROM effect WHERE saga = ? AND step = ?",
                    (saga.0.cast_signed(), &step.name),
                    |row| {
                        Ok(Effects {
                            acts: row.get(0)?,
                            undos: row.get(1)?,
                        })
                    },
                );
                counted.expect("effects can be counted")
            })
        };
        definition.steps.iter().map(count).collect()
    }

    /// The outcomes that the fences of the steps record.
    pub fn fences(&self, saga: SagaId, definition: &Definition) -> Vec<Option<String>> {
        let outcome = |(index, step): (usize, &skald_saga::Step)| {
            let file = self
                .orchestrator
                .database(&step.database)
                .expect("the database is open");
            let rows = file
                .readers
                .with(|connection| fence::of_saga(connection, saga))
                .expect("fences can be read");
            rows.into_iter()
                .find(|row| usize::try_from(row.step) == Ok(index + 1))
                .map(|row| row.outcome)
        };
        definition.steps.iter().enumerate().map(outcome).collect()
    }

    /// The events of a saga, short: `1Execute:Running`.
    pub fn told(&self, saga: SagaId) -> Vec<String> {
        self.events()
            .iter()
            .filter(|event| event.saga == saga)
            .map(short)
            .collect()
    }

    /// The law of every end: all steps once, or a net of nothing; and the events say just that.
    pub fn assert_ended(&self, saga: SagaId, definition: &Definition) -> State {
        let state = self.row(saga).state;
        let effects = self.effects(saga, definition);
        let fences = self.fences(saga, definition);
        match state {
            State::Completed => {
                assert!(
                    effects.iter().all(|one| *one == Effects { acts: 1, undos: 0 }),
                    "{saga} {effects:?}"
                );
                assert!(
                    fences.iter().all(|fence| fence.as_deref() == Some("done")),
                    "{saga} {fences:?}"
                );
            }
            State::Compensated => {
                assert!(
                    effects.iter().all(|one| one.acts == one.undos && one.acts <= 1),
                    "{saga} {effects:?}"
                );
                assert!(
                    fences.iter().all(|fence| fence.as_deref() != Some("done")),
                    "{saga} {fences:?}"
                );
            }
            other => panic!("saga {saga} has not ended: {other:?}, events {:?}", self.told(saga)),
        }
        self.assert_told(saga, state, &effects);
        state
    }

    /// The law of the stream: numbers without gaps; of a saga each event once, its end last.
    fn assert_told(&self, saga: SagaId, state: State, effects: &[Effects]) {
        let events = self.events();
        assert!(
            (1..).zip(&events).all(|(seq, event)| event.seq == seq),
            "gaps in {events:?}"
        );
        let told: Vec<&StoredEvent> = events.iter().filter(|event| event.saga == saga).collect();
        let end = if state == State::Completed {
            Phase::Completed
        } else {
            Phase::Compensated
        };
        assert_eq!(
            told.last().map(|last| last.event.phase),
            Some(end),
            "{:?}",
            self.told(saga)
        );
        assert_eq!(
            told.iter().filter(|event| event.event.phase == end).count(),
            1,
            "{:?}",
            self.told(saga)
        );
        for (step, effects) in effects.iter().enumerate() {
            let position = |status| {
                told.iter()
                    .position(|told| told.event.step == step && told.event.status == status)
            };
            let (begun, done) = (position(Status::Execute), position(Status::Success));
            assert_eq!(
                done.is_some(),
                effects.acts == 1,
                "step {step} of {:?}",
                self.told(saga)
            );
            assert!(
                done.is_none_or(|done| begun.is_some_and(|begun| begun < done)),
                "{:?}",
                self.told(saga)
            );
            assert_eq!(
                position(Status::RolledBack).is_some(),
                effects.undos == 1,
                "{:?}",
                self.told(saga)
            );
        }
    }
}

/// An event in a few letters, steps counted from 1.
pub fn short(event: &StoredEvent) -> String {
    format!(
        "{}{:?}:{:?}",
        event.event.step + 1,
        event.event.status,
        event.event.phase
    )
}
