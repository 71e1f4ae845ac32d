//! Steps and compensations: on the writer's thread, in its transaction, with synchronous calls. That
//! is the fastest way there is, and this is the path that has to be fast.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::IgnoredAny;
use skald_store::fence::{GuestAnswer, StepSession};
use wasmtime::Store;

use super::error::CallError;
use super::state::{Scope, State};
use super::types::CallContext;
use super::version::{Version, interface, settle, ticks_until};
use crate::capability::bindings::exports::skald::saga::step::Guest;
use crate::capability::bindings::skald::saga::calls::{Direction, Failure};
use crate::capability::sql::Work;
use skald_manifest::Instances;

/// An instance that steps are called on.
struct Running {
    version: Arc<Version>,
    store: Store<State>,
    guest: Guest,
}

/// What a component says, before it is checked.
type Said = wasmtime::Result<Result<String, Failure>>;

impl Version {
    /// Runs a step. The session comes back whatever happened.
    pub fn step(
        self: &Arc<Self>,
        session: StepSession,
        context: &CallContext,
        input: &str,
    ) -> (StepSession, GuestAnswer) {
        let (session, said) = self.run(session, context, |guest, store| {
            guest.call_step(store, &context.to_guest(Direction::Forward), &input.to_owned())
        });
        let answer = match said {
            Ok(Ok(output)) => match self.check_json(&output) {
                Ok(()) => GuestAnswer::Done(output),
                Err(error) => retry(&error),
            },
            Ok(Err(failure)) => failure.into(),
            Err(error) => retry(&error),
        };
        (session, answer)
    }

    /// Runs a compensation, with the step's input and its recorded output. The session comes back
    /// whatever happened.
    pub fn compensate(
        self: &Arc<Self>,
        session: StepSession,
        context: &CallContext,
        input: &str,
        output: Option<&str>,
    ) -> (StepSession, GuestAnswer) {
        let output = output.map(str::to_owned);
        let (session, said) = self.run(session, context, |guest, store| {
            let context = context.to_guest(Direction::Backward);
            let said = guest.call_compensate(store, &context, &input.to_owned(), output.as_ref())?;
            Ok(said.map(|()| String::new()))
        });
        let answer = match said {
            Ok(Ok(nothing)) => GuestAnswer::Done(nothing),
            Ok(Err(failure)) => failure.into(),
            Err(error) => retry(&error),
        };
        (session, answer)
    }

    /// Gives the transaction to an instance, calls it, and takes the transaction back.
    fn run(
        self: &Arc<Self>,
        mut session: StepSession,
        context: &CallContext,
        call: impl FnOnce(&Guest, &mut Store<State>) -> Said,
    ) -> (StepSession, Result<Result<String, Failure>, CallError>) {
        // What waits within the host belongs to the runtime, which the writer's thread is no part of.
        let _runtime = self.profile.backends.handle.enter();
        let began = Instant::now();
        let deadline = began + Duration::from_millis(context.deadline_ms.into());
        session.set_deadline(deadline);
        let scope = Scope {
            origin: self.origin(Some(context.saga_id), Some(&context.step)),
            began,
            deadline,
            depth: 0,
        };
        let kept = session.scratch().take();
        let work = Work::of_step(session, context.database.clone(), deadline);

        let mut running = match self.instance(kept, scope, work) {
            Ok(running) => running,
            Err((session, error)) => return (session, Err(error)),
        };
        let said = call(&running.guest, &mut running.store);
        let said = settle(&mut running.store, said);
        let mut session = running.take_session();
        if matches!(said, Ok(Ok(_))) && self.profile.instances == Instances::Group && running.store.data().is_clean() {
            *session.scratch() = Some(Box::new(running));
        }
        (session, said)
    }

    /// The instance that the group keeps, if it is one of this version; a new one otherwise.
    fn instance(
        self: &Arc<Self>,
        kept: Option<Box<dyn std::any::Any + Send>>,
        scope: Scope,
        work: Work,
    ) -> Result<Running, (StepSession, CallError)> {
        if let Some(mut running) = kept.and_then(|kept| kept.downcast::<Running>().ok())
            && Arc::ptr_eq(&running.version, self)
        {
            running.store.set_epoch_deadline(ticks_until(scope.deadline));
            running.store.data_mut().begin(scope, work);
            return Ok(*running);
        }
        let mut store = self.store(scope, work);
        match self.load(&mut store) {
            Ok(guest) => Ok(Running {
                version: self.clone(),
                store,
                guest,
            }),
            Err(error) => {
                let session = store.data_mut().work.end().expect("it was given a session just now");
                Err((session, error))
            }
        }
    }

    fn load(&self, store: &mut Store<State>) -> Result<Guest, CallError> {
        let step = self.roles.step.as_ref().ok_or_else(|| self.missing(interface::STEP))?;
        let loaded = self
            .calls
            .instantiate(&mut *store)
            .and_then(|instance| step.load(&mut *store, &instance));
        settle(store, loaded)
    }

    /// An output is recorded and given to compensations and customers: it has to be what it says.
    pub(super) fn check_json(&self, text: &str) -> Result<(), CallError> {
        let (bytes, limit) = (text.len(), self.profile.limits.output);
        let component = || self.profile.component.to_string();
        if bytes > limit {
            return Err(CallError::Oversized {
                component: component(),
                bytes,
                limit,
            });
        }
        match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => Ok(()),
            Err(error) => Err(CallError::Garbage {
                component: component(),
                detail: error.to_string(),
            }),
        }
    }
}

impl Running {
    fn take_session(&mut self) -> StepSession {
        self.store
            .data_mut()
            .work
            .end()
            .expect("a call has its session until it is taken")
    }
}

/// The longest text that a component's refusal or postponement brings along.
const MAX_DETAIL: usize = 2000;

impl From<Failure> for GuestAnswer {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Rejected(rejection) => Self::Rejected {
                code: cut(rejection.code),
                detail: cut(rejection.detail),
            },
            Failure::Retry(postponed) => Self::Retry {
                detail: cut(postponed.detail),
                after_ms: postponed.after_ms,
            },
        }
    }
}

fn cut(text: String) -> String {
    if text.len() <= MAX_DETAIL {
        text
    } else {
        text.chars().take(MAX_DETAIL / 4).collect()
    }
}

/// An unknown outcome is never a refusal.
fn retry(error: &CallError) -> GuestAnswer {
    GuestAnswer::Retry {
        detail: error.to_string(),
        after_ms: None,
    }
}
