//! How the orchestrator's calls reach components: by name for a step, by digest for a compensation.

use std::sync::Arc;

use skald_orchestrator::{Call, Components};
use skald_saga::Digest;
use skald_store::fence::{GuestAnswer, StepSession};

use crate::invoke::{CallContext, Principal};
use crate::registry::Registry;

/// The components of a registry, as steps. `databases` tells the label of each step's database.
pub struct Steps(pub Arc<Registry>);

impl Components for Steps {
    fn step(&self, call: &Call, session: StepSession) -> (StepSession, GuestAnswer, Digest) {
        match self.0.active(&call.component) {
            Some(version) => {
                let digest = version.digest();
                let (session, answer) = version.step(session, &context(call), &call.input);
                (session, answer, digest)
            }
            None => (session, missing(&call.component, None), Digest([0; 32])),
        }
    }

    fn compensate(
        &self,
        call: &Call,
        session: StepSession,
        digest: Option<Digest>,
        output: Option<&str>,
    ) -> (StepSession, GuestAnswer) {
        let version = match digest {
            Some(digest) => self.0.version(&call.component, &digest),
            None => self.0.active(&call.component),
        };
        match version {
            Some(version) => version.compensate(session, &context(call), &call.input, output),
            None => (session, missing(&call.component, digest)),
        }
    }

    fn is_slow(&self, component: &str) -> bool {
        self.0.active(component).is_some_and(|version| version.is_slow())
    }
}

/// Rule "artifact missing → retry, then stuck; never another version".
fn missing(component: &str, digest: Option<Digest>) -> GuestAnswer {
    let version = digest.map_or_else(String::new, |digest| format!(" in version {}", digest.short()));
    GuestAnswer::Retry {
        detail: format!("component {component} is not loaded{version}"),
        after_ms: None,
    }
}

fn context(call: &Call) -> CallContext {
    CallContext {
        saga_id: call.saga.0,
        saga: call.definition.clone(),
        step: call.step.clone(),
        database: call.database.clone(),
        attempt: call.attempt,
        deadline_ms: call.deadline_ms,
        principal: call.principal.as_deref().and_then(principal).map(Arc::new),
    }
}

/// The principal of a saga, as the journal keeps it.
fn principal(text: &str) -> Option<Principal> {
    serde_json::from_str(text)
        .inspect_err(|error| tracing::error!(%error, "a saga's principal can't be read"))
        .ok()
}
