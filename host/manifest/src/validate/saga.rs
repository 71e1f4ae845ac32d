//! Sagas: their steps refer to components and databases, and draw on the steps before them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;
use skald_saga::mapping::Mapping;
use skald_saga::{Definition, Exhausted, Retry, Step};

use crate::component::Component;
use crate::place::{Findings, Word, suggest};
use crate::saga::{Saga, Stream};
use crate::table::RawTable;
use crate::validate::retry::{compensation, milliseconds, policy};
use crate::validate::{Names, refer};
use crate::words::{STEP_RULE, is_step_name};

/// More steps than anybody has needed, and few enough that a saga's history stays on a page.
const MOST_STEPS: usize = 64;

/// The deadline of a step that has none of its own, the same as a request's.
const STEP_DEADLINE_MS: u32 = 5_000;

/// The sagas by name.
pub fn all(
    raw: &RawTable,
    names: &Names<'_>,
    components: &BTreeMap<String, Component>,
    found: &mut Findings<'_>,
) -> BTreeMap<String, Saga> {
    let sagas = raw.tables_by_name("sagas");
    let saga = |(name, raw): (Word<'_>, &RawTable)| {
        let definition = Arc::new(definition(name, raw, names, components, found));
        let admit = raw.word("admit").map(|component| names.component(component, found));
        (
            name.text.to_owned(),
            Saga {
                definition,
                admit,
                stream: Stream::Principal,
            },
        )
    };
    sagas.map(saga).collect()
}

fn definition(
    name: Word<'_>,
    raw: &RawTable,
    names: &Names<'_>,
    components: &BTreeMap<String, Component>,
    found: &mut Findings<'_>,
) -> Definition {
    let retry = policy(raw.table("retry"), &Retry::default(), found);
    let on_exhausted = exhausted(raw).unwrap_or_default();
    let mut steps: Vec<Step> = vec![];
    for step in raw.tables("steps") {
        let earlier: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
        let step = Step {
            name: step.text("name"),
            component: step
                .word("component")
                .map(|name| names.component(name, found))
                .unwrap_or_default(),
            database: database(step, names, components, found),
            retry: policy(step.table("retry"), &retry, found),
            on_exhausted: exhausted(step).unwrap_or(on_exhausted),
            deadline_ms: deadline(step),
            external_effects: step.flag("external-effects"),
            input: input(step, &earlier, found),
        };
        steps.push(step);
    }
    check_steps(raw, steps.len(), found);
    Definition {
        name: name.text.to_owned(),
        steps,
        deadline_ms: raw.duration("deadline").map(milliseconds),
        compensation: policy(raw.table("compensation"), &compensation(), found),
    }
}

/// Their number and their names.
fn check_steps(raw: &RawTable, count: usize, found: &mut Findings<'_>) {
    if count > MOST_STEPS {
        let message = format!("{count} steps are more than a saga may have");
        found.add(raw.place_of("steps"), message, format!("write at most {MOST_STEPS}"));
    }
    let mut lines = BTreeMap::new();
    for name in raw.tables("steps").filter_map(|step| step.word("name")) {
        if !is_step_name(name.text) {
            found.add(
                name.place,
                format!("{:?} is not the name of a step", name.text),
                STEP_RULE,
            );
        }
        let line = found.line(name.place);
        if let Some(first) = lines.insert(name.text, line) {
            let message = format!("there is another step {:?} (line {first})", name.text);
            found.add(name.place, message, "give each step of a saga its own name");
        }
    }
}

/// The step's fence and the component's writes commit together, so the step's database has to be
/// one that the component may open.
fn database(
    step: &RawTable,
    names: &Names<'_>,
    components: &BTreeMap<String, Component>,
    found: &mut Findings<'_>,
) -> String {
    let Some(label) = step.word("database") else {
        return String::new();
    };
    let known = names.databases.contains(&label.text);
    let owner = step
        .word("component")
        .map(|component| component.text)
        .unwrap_or_default();
    if let Some(component) = components.get(owner).filter(|_| known)
        && !component.databases.iter().any(|granted| granted == label.text)
    {
        let message = format!("component {owner:?} is not granted the database {:?}", label.text);
        found.add(label.place, message, format!("list it in components.{owner}.databases"));
    }
    refer(label, "database", &names.databases, found)
}

fn exhausted(raw: &RawTable) -> Option<Exhausted> {
    raw.word("on-exhausted").map(|word| match word.text {
        "stick" => Exhausted::Stick,
        _ => Exhausted::Abort,
    })
}

fn deadline(step: &RawTable) -> u32 {
    let own = step.duration("deadline").map(milliseconds);
    own.map_or(STEP_DEADLINE_MS, |own| {
        u32::try_from(own).expect("the schema bounds it by an hour")
    })
}

fn input(step: &RawTable, earlier: &[&str], found: &mut Findings<'_>) -> Mapping {
    let Some((template, paths)) = step.template("input") else {
        return Mapping::Whole;
    };
    for (place, path) in paths {
        if Mapping::Template(Json::String(path.clone()))
            .unknown_paths(earlier)
            .is_empty()
        {
            continue;
        }
        let known = match path.strip_prefix("$outputs.") {
            Some(_) if earlier.is_empty() => "there is no earlier step whose outputs it could take".to_owned(),
            Some(rest) => suggest(
                rest.split('.').next().unwrap_or_default(),
                "earlier steps",
                earlier.iter().copied(),
            ),
            None => "write $input…, $outputs.STEP…, $saga_id or $principal; $$ stands for a dollar".to_owned(),
        };
        found.add(place, format!("{path:?} names nothing"), known);
    }
    Mapping::Template(template.clone())
}
