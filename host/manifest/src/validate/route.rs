//! The routes of the public API.

use crate::place::{Findings, Word, suggest};
use crate::route::{Auth, GuessLimit, Route, Target};
use crate::table::RawTable;
use crate::validate::Names;
use crate::validate::path::{self, Paths};

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The routes, in the order of the manifest.
pub fn all(raw: &RawTable, names: &Names<'_>, has_token: bool, found: &mut Findings<'_>) -> Vec<Route> {
    let mut paths = Paths::default();
    raw.tables("routes")
        .map(|raw| route(raw, names, has_token, &mut paths, found))
        .collect()
}

fn route(raw: &RawTable, names: &Names<'_>, has_token: bool, paths: &mut Paths, found: &mut Findings<'_>) -> Route {
    let (methods, path) = raw
        .word("match")
        .map(|word| requests(word, paths, found))
        .unwrap_or_default();
    let target = target(raw, names, found);
    check_target(raw, &target, &methods, found);
    check_operator(raw, has_token, found);
    Route {
        methods,
        path,
        target,
        auth: raw.word("auth").map(|component| Auth {
            component: names.component(component, found),
        }),
        guess_limit: raw.table("guess-limit").map(guess_limit),
        operator: raw.flag("operator"),
        timeout: raw.duration("timeout"),
    }
}

/// The methods and the path of `GET,PUT /path`.
fn requests(matched: Word<'_>, paths: &mut Paths, found: &mut Findings<'_>) -> (Vec<String>, String) {
    let Some((given, path)) = matched.text.split_once(' ') else {
        let message = format!("{:?} is not methods and a path", matched.text);
        found.add(matched.place, message, "write \"GET /path\" or \"GET,PUT /path\"");
        return Default::default();
    };
    let mut methods: Vec<String> = vec![];
    for method in given.split(',') {
        if !METHODS.contains(&method) {
            let suggestion = suggest(&method.to_uppercase(), "methods", METHODS);
            found.add(matched.place, format!("there is no method {method:?}"), suggestion);
        } else if methods.iter().any(|known| known == method) {
            found.add(matched.place, format!("{method} is listed twice"), "keep one");
        } else {
            methods.push(method.to_owned());
        }
    }
    if path::check(
        Word {
            text: path,
            place: matched.place,
        },
        found,
    ) {
        paths.add(&methods, path, matched.place, found);
    }
    (methods, path.to_owned())
}

fn target(raw: &RawTable, names: &Names<'_>, found: &mut Findings<'_>) -> Target {
    let given = ["component", "saga", "results"]
        .iter()
        .filter(|key| raw.is_given(key))
        .count();
    if given != 1 {
        let message = "a route leads to one of component, saga and results";
        let suggestion = if given == 0 {
            "write component = \"NAME\""
        } else {
            "keep one"
        };
        found.add(&raw.place, message, suggestion);
    }
    if let Some(saga) = raw.word("saga") {
        return Target::Start(names.saga(saga, found));
    }
    if let Some(saga) = raw.word("results") {
        return Target::Results(names.saga(saga, found));
    }
    Target::Component(
        raw.word("component")
            .map(|name| names.component(name, found))
            .unwrap_or_default(),
    )
}

/// A saga starts by POST, its events come by GET; a component answers whatever it likes.
fn check_target(raw: &RawTable, target: &Target, methods: &[String], found: &mut Findings<'_>) {
    let (only, what) = match target {
        Target::Component(_) => return,
        Target::Start(_) => ("POST", "a saga is started by POST alone"),
        Target::Results(_) => ("GET", "a saga's events are got by GET alone"),
    };
    if methods.iter().any(|method| method != only) {
        found.add(raw.place_of("match"), what, format!("write \"{only} /path\""));
    }
    if !matches!(target, Target::Results(_)) {
        return;
    }
    if !raw.is_given("auth") {
        let message = "a saga's events are for the principal whose saga it is";
        found.add(
            &raw.place,
            message,
            "write auth = \"NAME\", the component that authenticates",
        );
    }
    if raw.is_given("timeout") {
        let message = "a stream of events ends when the client leaves";
        found.add(raw.place_of("timeout"), message, "leave timeout out");
    }
}

/// The operator's token and a principal's come in the same header.
fn check_operator(raw: &RawTable, has_token: bool, found: &mut Findings<'_>) {
    if !raw.flag("operator") {
        return;
    }
    if raw.is_given("auth") {
        let message = "a request can't carry the operator's token and a principal's at once";
        found.add(raw.place_of("operator"), message, "keep either operator or auth");
    }
    if !has_token {
        let message = "there is no operator's token to ask for";
        found.add(
            raw.place_of("operator"),
            message,
            "write [admin] token = { env = \"SKALD_ADMIN_TOKEN\" }",
        );
    }
}

fn guess_limit(raw: &RawTable) -> GuessLimit {
    GuessLimit {
        failures: raw.count("failures").unwrap_or(GuessLimit::FAILURES),
        address_failures: raw.count("address-failures").unwrap_or(GuessLimit::ADDRESS_FAILURES),
        window: raw.duration("window").unwrap_or(GuessLimit::WINDOW),
        body_field: raw.word("body-field").map(|field| field.text.to_owned()),
    }
}
