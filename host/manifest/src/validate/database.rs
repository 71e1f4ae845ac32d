//! The journal and the databases of the services: each in a file of its own.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::manifest::{Database, DatabaseUrl, Journal};
use crate::place::{Findings, Word};
use crate::table::RawTable;

/// The journal, and the databases by label.
pub fn all(raw: &RawTable, found: &mut Findings<'_>) -> (Journal, BTreeMap<String, Database>) {
    let mut files = Files::default();
    let journal = raw.table("journal");
    let duration = |key| journal.and_then(|journal| journal.duration(key));
    let journal = Journal {
        url: files.take(journal.and_then(|journal| journal.word("url")), "journal", found),
        retention: duration("retention").unwrap_or(Journal::RETENTION),
        key_window: duration("key-window").unwrap_or(Journal::KEY_WINDOW),
    };
    let mut databases = BTreeMap::new();
    for (label, database) in raw.tables_by_name("databases") {
        let url = files.take(database.word("url"), label.text, found);
        databases.insert(label.text.to_owned(), Database { url });
    }
    (journal, databases)
}

/// The files that are taken: where they were first named, and the line.
#[derive(Default)]
struct Files(BTreeMap<PathBuf, (String, usize)>);

impl Files {
    fn take(&mut self, url: Option<Word<'_>>, label: &str, found: &mut Findings<'_>) -> DatabaseUrl {
        let Some(url) = url else {
            return DatabaseUrl::Sqlite(PathBuf::new());
        };
        let Some(path) = sqlite(url, label, found) else {
            return DatabaseUrl::Sqlite(PathBuf::new());
        };
        let line = found.line(url.place);
        if let Some((other, line)) = self.0.get(&plain(path)) {
            let message = format!("{other} (line {line}) is in the same file");
            found.add(
                url.place,
                message,
                format!("give each a file of its own, such as \"sqlite:{label}.db\""),
            );
        } else {
            self.0.insert(plain(path), (url.place.path.clone(), line));
        }
        DatabaseUrl::Sqlite(path.to_owned())
    }
}

/// The path of a `sqlite:` URL. A fault never repeats the URL: others carry passwords.
fn sqlite<'u>(url: Word<'u>, label: &str, found: &mut Findings<'_>) -> Option<&'u Path> {
    let instead = format!("write \"sqlite:{label}.db\"");
    let (scheme, rest) = url.text.split_once(':').unwrap_or(("", url.text));
    match scheme {
        "sqlite" if rest.starts_with(":memory") => {
            found.add(
                url.place,
                "a database in memory would be lost with the process",
                instead,
            );
        }
        "sqlite" if rest.starts_with("//") || rest.contains('?') || rest.is_empty() => {
            found.add(url.place, "after sqlite: there is a path and nothing else", instead);
        }
        "sqlite" => return Some(Path::new(rest)),
        "postgres" | "postgresql" | "mysql" | "mariadb" => {
            found.add(
                url.place,
                format!("this version runs on SQLite only, not on {scheme}"),
                instead,
            );
        }
        _ => found.add(url.place, "this is not the URL of a database", instead),
    }
    None
}

/// The path without `.` and `..`, so that one file has one name. Links aren't followed: the file
/// may not exist yet.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => _ = plain.pop(),
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_name() {
        for (path, name) in [
            ("a.db", "a.db"),
            ("./x/../a.db", "a.db"),
            ("../a.db", "../a.db"),
            ("/x//./a.db", "/x/a.db"),
        ] {
            assert_eq!(plain(Path::new(path)), Path::new(name));
        }
    }
}
