//! Sizes and durations as people write them: a whole number and a unit.

use std::time::Duration;

const SIZES: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

const DURATIONS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// `64MiB` in bytes.
pub fn size(text: &str) -> Option<usize> {
    usize::try_from(measure(text, &SIZES)?).ok()
}

/// `50ms`, `10m`.
pub fn duration(text: &str) -> Option<Duration> {
    measure(text, &DURATIONS).map(Duration::from_millis)
}

fn measure(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_and_a_unit_is_a_measure() {
        assert_eq!(size("64MiB"), Some(64 << 20));
        assert_eq!(size("0B"), Some(0));
        assert_eq!(duration("50ms"), Some(Duration::from_millis(50)));
        assert_eq!(duration("30d"), Some(Duration::from_hours(30 * 24)));
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "5",
            "s",
            "-5s",
            "1.5s",
            "5 s",
            "5S",
            "5min",
            "1h30m",
            "99999999999999999999s",
        ] {
            assert_eq!(duration(text), None, "{text:?}");
        }
        for text in ["64MB", "64mib", "64Mi", "18446744073709551615GiB", "１B"] {
            assert_eq!(size(text), None, "{text:?}");
        }
    }
}
