//! What a crash costs.

use std::sync::Arc;

use fail::FailScenario;
use skald_saga::State;
use skald_store::fault;

use crate::common::{Say, World, definition};

/// Rule "a pick-up after a crash counts one attempt": nobody can know that the next step had not begun.
#[test]
fn a_crash_between_two_steps_costs_the_next_one_an_attempt() {
    for (attempts, expected, calls) in [(1, State::Compensated, 0), (2, State::Completed, 1)] {
        let _scenario = FailScenario::setup();
        let mut definition = definition(&["RESERVE@product", "ORDER@order"]);
        definition.steps[1].retry.attempts = attempts;
        let definition = Arc::new(definition);
        let world = World::new(&["product", "order"], |_| Say::Done);
        let host = world.open(&[&definition]);
        fail::cfg("order.ask", "1*return(crash)->off").expect("an action");
        let mut count = fault::count();
        let before = count.borrow_and_update().crashes;
        let saga = host.start(&definition);
        host.block_on(count.wait_for(|count| count.crashes > before))
            .expect("it crashes");
        host.kill();

        let host = world.open(&[&definition]);
        assert_eq!(host.outcome(saga), expected, "of {attempts} attempts");
        assert_eq!(world.script.calls("ORDER", false), calls);
        host.assert_ended(saga, &definition);
        host.stop();
    }
}
