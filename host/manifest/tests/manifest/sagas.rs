//! Sagas and their steps.

use crate::base::{faults, saga, step, with};

#[test]
fn a_step_is_named_once() {
    faults(
        &with(r#""TWO""#, r#""ONE""#),
        &[
            r#"33:8: sagas.buy.steps[1].name: there is another step "ONE" (line 28); give each step of a saga its own name"#,
        ],
    );
}

#[test]
fn a_step_runs_in_a_component_on_its_database() {
    faults(
        &with(
            "name = \"TWO\"\ncomponent = \"alpha\"",
            "name = \"TWO\"\ncomponent = \"alhpa\"",
        ),
        &[r#"34:13: sagas.buy.steps[1].component: there is no component "alhpa"; did you mean "alpha"?"#],
    );
    faults(
        &with(
            "name = \"TWO\"\ncomponent = \"alpha\"",
            "name = \"TWO\"\ncomponent = \"beta\"",
        ),
        &[
            r#"35:12: sagas.buy.steps[1].database: component "beta" is not granted the database "left"; list it in components.beta.databases"#,
        ],
    );
    faults(
        &with(
            "name = \"TWO\"\ncomponent = \"alpha\"\ndatabase = \"left\"",
            "name = \"TWO\"\ncomponent = \"alpha\"\ndatabase = \"right\"",
        ),
        &[
            r#"35:12: sagas.buy.steps[1].database: component "alpha" is not granted the database "right"; list it in components.alpha.databases"#,
        ],
    );
    faults(
        &with(
            "name = \"TWO\"\ncomponent = \"alpha\"\ndatabase = \"left\"",
            "name = \"TWO\"\ncomponent = \"alpha\"\ndatabase = \"lefft\"",
        ),
        &[r#"35:12: sagas.buy.steps[1].database: there is no database "lefft"; did you mean "left"?"#],
    );
    faults(
        &with(r#"admit = "alpha""#, r#"admit = "gamma""#),
        &[r#"25:9: sagas.buy.admit: there is no component "gamma"; the components here are alpha, beta"#],
    );
}

#[test]
fn an_input_is_made_of_what_there_is_by_then() {
    faults(
        &step("input = { a = '$outputs.OEN.total', b = ['$input.x', '$order', '$outputs.TWO'] }"),
        &[
            r#"36:15: sagas.buy.steps[1].input.a: "$outputs.OEN.total" names nothing; did you mean "ONE"?"#,
            r#"36:54: sagas.buy.steps[1].input.b[1]: "$order" names nothing; write $input…, $outputs.STEP…, $saga_id or $principal; $$ stands for a dollar"#,
            r#"36:64: sagas.buy.steps[1].input.b[2]: "$outputs.TWO" names nothing; the earlier steps here are ONE"#,
        ],
    );
    faults(
        &with(r#"name = "ONE""#, "name = \"ONE\"\ninput = \"$outputs.TWO\""),
        &[
            r#"29:9: sagas.buy.steps[0].input: "$outputs.TWO" names nothing; there is no earlier step whose outputs it could take"#,
        ],
    );
    faults(
        &step("input = '$saga_id.x'"),
        &[
            r#"36:9: sagas.buy.steps[1].input: "$saga_id.x" names nothing; write $input…, $outputs.STEP…, $saga_id or $principal; $$ stands for a dollar"#,
        ],
    );
}

#[test]
fn the_first_pause_is_not_the_longest() {
    faults(
        &saga("retry = { initial = '10s' }"),
        &[
            "26:21: sagas.buy.retry.initial: the first pause (10000ms) is longer than the longest (5000ms); lower initial or raise max",
        ],
    );
    faults(
        &saga("compensation = { max = '10ms' }"),
        &[
            "26:24: sagas.buy.compensation.max: the first pause (50ms) is longer than the longest (10ms); lower initial or raise max",
        ],
    );
    faults(
        &step("retry = { initial = '2s', max = '1s' }"),
        &[
            "36:21: sagas.buy.steps[1].retry.initial: the first pause (2000ms) is longer than the longest (1000ms); lower initial or raise max",
        ],
    );
}
