//! The scene that most laws are tried in: a saga of three steps, each in a database of its own.

use std::sync::Arc;

use skald_orchestrator::OperateError;
use skald_saga::{Definition, SagaId, State};
use skald_store::journal::Operation;

use crate::common::script::Gate;
use crate::common::{Host, Say, Seen, World, definition};

/// The databases of the steps, in their order.
pub const DATABASES: [&str; 3] = ["product", "order", "payment"];

/// The steps.
pub const STEPS: [&str; 3] = ["RESERVE", "ORDER", "PAY"];

/// The saga.
pub fn three() -> Definition {
    definition(&["RESERVE@product", "ORDER@order", "PAY@payment"])
}

/// A world for it.
pub fn world(plan: impl Fn(&Seen) -> Say + Send + Sync + 'static) -> World {
    World::new(&DATABASES, plan)
}

/// The plan in which this step says that, if that is so, and everything else goes well.
pub fn only(step: &'static str, say: Say, so: bool) -> impl Fn(&Seen) -> Say + Send + Sync + 'static {
    move |seen| {
        if so && seen.step == step && !seen.back {
            say
        } else {
            Say::Done
        }
    }
}

/// A host with a saga whose call of this step, or of its compensation, stands at a gate.
pub fn held(world: &World, definition: &Arc<Definition>, step: &str, back: bool) -> (Host, SagaId, Gate) {
    let gate = world.script.gate(step, back, 0);
    let host = world.open(&[definition]);
    let saga = host.start(definition);
    gate.reached();
    (host, saga, gate)
}

/// Does something to a saga as an operator.
pub fn operate(host: &Host, saga: SagaId, operation: Operation) -> Result<State, OperateError> {
    host.block_on(host.orchestrator.operate(saga, operation, "me", "a test"))
}

/// Cancels a saga that runs.
pub fn cancel(host: &Host, saga: SagaId) {
    operate(host, saga, Operation::Cancel).expect("it runs");
}
