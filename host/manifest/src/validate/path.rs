//! The paths of routes, and that no two routes match the same request.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use matchit::{InsertError, Router};

use crate::place::{Findings, Place, Word};

/// What to do about something that is not a path.
const PATH_RULE: &str = "write \"/\" and segments, {id} for any one segment, {*rest} for all that follow";

/// The routes so far.
#[derive(Default)]
pub struct Paths {
    /// The matcher that axum uses, so that what it refuses is refused here and not at the start.
    router: Router<()>,
    /// The line where a path stands first.
    lines: BTreeMap<String, usize>,
    /// The line where a method of a path stands first.
    taken: BTreeMap<(String, String), usize>,
}

impl Paths {
    /// Adds a route.
    pub fn add(&mut self, methods: &[String], path: &str, place: &Place, found: &mut Findings<'_>) {
        if !self.lines.contains_key(path) {
            match self.router.insert(path, ()) {
                Ok(()) => _ = self.lines.insert(path.to_owned(), found.line(place)),
                Err(InsertError::Conflict { with }) => return self.conflict(path, &with, place, found),
                Err(_) => return found.add(place, format!("{path:?} is not a path"), PATH_RULE),
            }
        }
        for method in methods {
            match self.taken.entry((method.clone(), path.to_owned())) {
                Entry::Vacant(free) => _ = free.insert(found.line(place)),
                Entry::Occupied(first) => {
                    let message = format!("line {} is a route for {method} {path} already", first.get());
                    found.add(place, message, "remove one of them");
                }
            }
        }
    }

    fn conflict(&self, path: &str, with: &str, place: &Place, found: &mut Findings<'_>) {
        let line = self.lines.get(with).copied().unwrap_or_default();
        let message = format!("requests for {path:?} can't be told from those for {with:?} (line {line})");
        found.add(place, message, "name the parameters alike, or change one of the paths");
    }
}

/// Whether it is a path, as far as one path by itself can say.
pub fn check(path: Word<'_>, found: &mut Findings<'_>) -> bool {
    let is_plain = path.text.chars().all(|c| c.is_ascii_graphic() && c != '?' && c != '#');
    let is_old_style = |segment: &str| segment.starts_with(':') || segment.starts_with('*');
    let mut segments: Vec<_> = path.text.split('/').collect();
    // axum takes `/:id` and `/*rest` for leftovers of an older version.
    let is_path = path.text.starts_with('/') && is_plain && !segments.iter().copied().any(is_old_style);
    segments.retain(|segment| segment.starts_with('{'));
    let parameters = segments.len();
    segments.sort_unstable();
    segments.dedup();
    if !is_path || segments.len() < parameters {
        found.add(path.place, format!("{:?} is not a path", path.text), PATH_RULE);
        return false;
    }
    true
}
