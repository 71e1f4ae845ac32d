//! The schema against `docs/manifest.md` and against the types: what the page, the parser and the
//! documented defaults say is the same.

use std::fmt::Write;

use crate::keys::{MANIFEST, SECRET};
use crate::parse;
use crate::schema::{Absent, Kind, Section};
use crate::unit;

const PAGE: &str = include_str!("../../../docs/manifest.md");

/// All tables, each once.
fn sections() -> Vec<&'static Section> {
    let mut sections = vec![&MANIFEST, &SECRET];
    let mut next = 0;
    while let Some(section) = sections.get(next).copied() {
        for key in section.keys {
            if let Kind::Table(inner) | Kind::Tables(inner) | Kind::TableByName(inner) = key.kind
                && !sections.iter().any(|known| known.title == inner.title)
            {
                sections.push(inner);
            }
        }
        next += 1;
    }
    sections
}

/// The rows of the page's tables, each after its heading.
fn page_rows() -> Vec<[&'static str; 4]> {
    let mut heading = "";
    let mut rows = vec![];
    for line in PAGE.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            heading = title.trim_matches('`');
        } else if let Some(row) = line.strip_prefix("| `") {
            let cells: Vec<_> = row.trim_end_matches(" |").splitn(4, " | ").collect();
            let [key, kind, absent, meaning] = cells[..] else {
                panic!("{line} has four cells")
            };
            assert!(meaning.ends_with('.'), "{line} ends with what the key means");
            rows.push([heading, key.trim_end_matches('`'), kind, absent]);
        }
    }
    rows
}

#[test]
fn the_page_names_every_key_and_no_other() {
    let page = page_rows();
    let mut known = 0;
    for section in sections() {
        for key in section.keys {
            let row = [section.title, key.name, &key.kind.to_string(), &key.absent.to_string()];
            assert!(page.contains(&row), "docs/manifest.md has no row {row:?}");
            known += 1;
        }
    }
    assert_eq!(
        page.len(),
        known,
        "docs/manifest.md has no row twice, and none that the parser doesn't know"
    );
}

#[test]
fn the_examples_of_the_page_are_a_manifest() {
    let blocks = PAGE
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default());
    let text: String = blocks.collect();
    let manifest = parse(&text).unwrap_or_else(|faults| panic!("{}\n{text}", faults.in_file("docs/manifest.md")));
    assert_eq!((manifest.name.as_str(), manifest.routes.len()), ("bookshop", 5));
}

#[test]
fn every_bound_and_every_example_can_be_read() {
    for key in sections().iter().flat_map(|section| section.keys) {
        match key.kind {
            Kind::Size(least, most) => assert!(unit::size(least) < unit::size(most), "{key:?}"),
            Kind::Duration(least, most) => assert!(unit::duration(least) < unit::duration(most), "{key:?}"),
            Kind::Count(least, most) => assert!(least <= most && u32::try_from(most).is_ok(), "{key:?}"),
            _ => {}
        }
        let example = format!("{} = {}", key.name, key.example);
        assert!(
            key.example.is_empty() || toml::de::DeTable::parse(&example).is_ok(),
            "{example}"
        );
    }
}

/// A manifest with a mark in every table that has keys with defaults.
const MARKED: &str = r#"
manifest = 1
name = "marked"
[journal]
url = "sqlite:journal.db"
#= journal
[databases.one]
url = "sqlite:one.db"
[[keyrings.ring.keys]]
kid = "1"
file = "one.key"
#= keyrings.NAME.keys[]
[filters.one]
database = "one"
fill = "SELECT 1"
#= filters.NAME
[components.one]
artifact = "one.wasm"
#= components.NAME
[components.one.limits]
#= components.NAME.limits
[components.two]
artifact = "two.wasm"
databases = ["one"]
[sagas.one]
#= sagas.NAME
[sagas.one.retry]
#= sagas.NAME.retry
[sagas.one.compensation]
#= sagas.NAME.compensation
[[sagas.one.steps]]
name = "ONE"
component = "two"
database = "one"
#= sagas.NAME.steps[]
[[routes]]
match = "GET /"
component = "one"
#= routes[]
[routes.guess-limit]
#= routes[].guess-limit
[server]
#= server
[server.cors]
#= server.cors
[orchestrator]
#= orchestrator
"#;

#[test]
fn a_default_is_what_holds_when_the_key_is_left_out() {
    let mut text = MARKED.to_owned();
    for section in sections() {
        let mut defaults = String::new();
        for key in section.keys {
            if let Absent::Default(value) = key.absent {
                writeln!(defaults, "{} = {value}", key.name).expect("a text takes all");
            }
        }
        let mark = format!("#= {}\n", section.title);
        assert!(
            defaults.is_empty() || text.contains(&mark),
            "{} is marked",
            section.title
        );
        text = text.replace(&mark, &defaults);
    }
    assert!(!text.contains("#="), "{text}");
    let explicit = parse(&text).unwrap_or_else(|faults| panic!("{faults}\n{text}"));
    assert_eq!(parse(MARKED), Ok(explicit));
}
