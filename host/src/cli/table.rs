//! Tables for people: aligned columns, short digests, ages in words.

/// A table under its headings.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty one.
    pub fn new(headings: &[&str]) -> Self {
        Self {
            rows: vec![headings.iter().map(|heading| heading.to_uppercase()).collect()],
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| one_line(&cell)).collect());
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.rows[0].len();
        let width = |column: usize| {
            self.rows
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// What a component or a customer wrote must not draw on the operator's terminal.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The first twelve digits: enough for people to tell versions apart.
pub(super) fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

/// A dash where there is nothing.
pub(super) fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}

/// How long ago a moment was, in its two largest units.
pub(super) fn ago(at_ms: i64) -> String {
    words(skald_store::clock::now_ms() - at_ms)
}

/// A time in words: `850ms`, `42s`, `3m 5s`, `2h 10m`, `4d 3h`.
pub(super) fn words(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match seconds {
        0 => format!("{}ms", ms.max(0)),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// A number of bytes in words.
pub(super) fn bytes(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let power = (0..units.len() - 1)
        .find(|power| bytes >> (10 * power) < 1024)
        .unwrap_or(units.len() - 1);
    format!("{} {}", bytes >> (10 * power), units[power])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_controls_do_not_pass() {
        let mut table = Table::new(&["id", "state"]);
        assert!(table.is_empty());
        table.row(["1".to_owned(), "run\u{1b}[2Jning".to_owned()]);
        table.row(["12345".to_owned(), "-".to_owned()]);
        assert_eq!(table.to_string(), "ID     STATE\n1      run [2Jning\n12345  -\n");
    }

    #[test]
    fn times_and_sizes_are_told_in_words() {
        for (ms, told) in [
            (-5, "0ms"),
            (850, "850ms"),
            (42_000, "42s"),
            (185_000, "3m 5s"),
            (7_800_000, "2h 10m"),
            (356_400_000, "4d 3h"),
        ] {
            assert_eq!(words(ms), told);
        }
        for (count, told) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (67_108_864, "64 MiB"),
            (u64::MAX, "16777215 TiB"),
        ] {
            assert_eq!(bytes(count), told);
        }
    }
}
