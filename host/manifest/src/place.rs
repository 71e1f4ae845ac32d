//! Where something stands in the manifest, and the list of what was found wrong there.

use crate::fault::{Fault, Faults};

/// Where a key or a value stands.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The offset of its first byte.
    pub offset: usize,
    /// The key's path, such as `routes[3].auth`.
    pub path: String,
}

impl Place {
    /// The place of a key within this table.
    pub fn key(&self, name: &str, offset: usize) -> Self {
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let quoted = if !name.is_empty() && name.chars().all(bare) {
            name.to_owned()
        } else {
            format!("{name:?}")
        };
        let path = if self.path.is_empty() {
            quoted
        } else {
            format!("{}.{quoted}", self.path)
        };
        Self { offset, path }
    }

    /// The place of an item within this list.
    pub fn item(&self, index: usize, offset: usize) -> Self {
        Self {
            offset,
            path: format!("{}[{index}]", self.path),
        }
    }
}

/// A text of the manifest and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Word<'a> {
    /// The text.
    pub text: &'a str,
    /// Where it stands.
    pub place: &'a Place,
}

/// What has been found wrong so far.
pub struct Findings<'t> {
    text: &'t str,
    faults: Vec<Fault>,
}

impl<'t> Findings<'t> {
    /// Nothing yet, in this text.
    pub fn new(text: &'t str) -> Self {
        Self { text, faults: vec![] }
    }

    /// Adds a fault and what to do about it.
    pub fn add(&mut self, place: &Place, message: impl Into<String>, suggestion: impl Into<String>) {
        self.push(place, message.into(), Some(suggestion.into()));
    }

    /// Adds a fault that says by itself what to do.
    pub fn add_plain(&mut self, place: &Place, message: impl Into<String>) {
        self.push(place, message.into(), None);
    }

    fn push(&mut self, place: &Place, message: String, suggestion: Option<String>) {
        let (line, column) = self.position(place.offset);
        self.faults.push(Fault {
            line,
            column,
            path: place.path.clone(),
            message,
            suggestion,
        });
    }

    /// The line of a place, counted from 1.
    pub fn line(&self, place: &Place) -> usize {
        self.position(place.offset).0
    }

    fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..self.text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        )
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// All that was found, in the order of the text.
    pub fn into_faults(mut self) -> Faults {
        self.faults.sort_by_key(|fault| (fault.line, fault.column));
        Faults { faults: self.faults }
    }
}

/// What was probably meant, or else what could have been.
pub fn suggest<'a>(word: &str, kind: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<_> = known.into_iter().collect();
    match nearest(word, &known) {
        Some(name) => format!("did you mean {name:?}?"),
        None if known.is_empty() => format!("there are no {kind} here"),
        None => format!("the {kind} here are {}", known.join(", ")),
    }
}

/// The closest of the known names, if any is close enough to be a slip of the keyboard.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let slips = (word.chars().count() / 3).max(1);
    let distance = |name: &str| strsim::damerau_levenshtein(word, name);
    known
        .iter()
        .copied()
        .filter(|name| distance(name) <= slips)
        .min_by_key(|name| distance(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_newlines() {
        let text = "ä = 1\nöx = 2\n";
        let found = Findings::new(text);
        let offset = text.find('x').expect("it is there");
        assert_eq!(found.position(offset), (2, 2));
        assert_eq!(found.position(text.len() + 9), (3, 1));
    }

    #[test]
    fn a_path_quotes_what_toml_quotes() {
        let calls = Place::default().key("components", 0).key("order", 0).key("calls", 0);
        assert_eq!(
            calls.key("shop:product/catalog", 0).path,
            r#"components.order.calls."shop:product/catalog""#
        );
        assert_eq!(calls.item(2, 0).key("kid", 0).path, "components.order.calls[2].kid");
    }

    #[test]
    fn a_suggestion_is_a_near_name_or_all_names() {
        assert_eq!(
            suggest("prodct", "components", ["product", "order"]),
            r#"did you mean "product"?"#
        );
        assert_eq!(
            suggest("stock", "components", ["product", "order"]),
            "the components here are product, order"
        );
        assert_eq!(suggest("stock", "components", []), "there are no components here");
    }
}
