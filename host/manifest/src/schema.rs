//! What a manifest may say, as data: which keys a table has, and of which kind each is.
//!
//! The first stage reads every manifest by it, and a test holds `docs/manifest.md` against it, so
//! neither the parser nor the page can know a key that the other doesn't.

use std::fmt;

/// A table of the manifest.
#[derive(Debug)]
pub struct Section {
    /// What the page calls it: its path, with `NAME` where the author chooses a name.
    pub title: &'static str,
    /// The keys it may have.
    pub keys: &'static [Key],
    /// Keys that somebody may try in good faith, and why they are refused.
    pub refused: &'static [(&'static str, &'static str)],
}

impl Section {
    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// A key of a table.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value looks like.
    pub kind: Kind,
    /// What holds when it is left out.
    pub absent: Absent,
    /// A value for it, as TOML, to be shown to whoever got it wrong.
    pub example: &'static str,
}

/// What holds when a key is left out.
#[derive(Clone, Copy, Debug)]
pub enum Absent {
    /// It can't be left out.
    Required,
    /// This value, as TOML.
    Default(&'static str),
    /// What these words say.
    Means(&'static str),
}

/// What a value looks like. Bounds are written as in the manifest, and are both allowed.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A text that is not empty.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Count(u64, u64),
    /// A number.
    Number(f64, f64),
    /// A size such as `"64MiB"`.
    Size(&'static str, &'static str),
    /// A duration such as `"10s"`.
    Duration(&'static str, &'static str),
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A list of texts, none of them empty or twice.
    Texts,
    /// A text per name, where the names are the author's.
    TextByName,
    /// A text, or a table that says where the secret is, per name.
    SettingByName,
    /// Whatever JSON can say.
    Template,
    /// A table.
    Table(&'static Section),
    /// A list of tables.
    Tables(&'static Section),
    /// A table per name, where the names are the author's.
    TableByName(&'static Section),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Flag => f.write_str("true or false"),
            Self::Count(only, last) if only == last => write!(f, "{only}"),
            Self::Count(least, most) => write!(f, "{least} to {most}"),
            Self::Number(least, most) => write!(f, "number, {least} to {most}"),
            Self::Size(least, most) => write!(f, "size, {least} to {most}"),
            Self::Duration(least, most) => write!(f, "duration, {least} to {most}"),
            Self::Choice(texts) => write!(f, "\"{}\"", texts.join("\" or \"")),
            Self::Texts => f.write_str("list of texts"),
            Self::TextByName => f.write_str("texts by name"),
            Self::SettingByName => f.write_str("settings by name"),
            Self::Template => f.write_str("any value"),
            Self::Table(_) => f.write_str("table"),
            Self::Tables(_) => f.write_str("list of tables"),
            Self::TableByName(_) => f.write_str("tables by name"),
        }
    }
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required => f.write_str("required"),
            Self::Default(value) => write!(f, "`{value}`"),
            Self::Means(words) => f.write_str(words),
        }
    }
}
