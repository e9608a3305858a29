//! Durations and sizes as people write them: `1m30s`, `64KiB`.

use std::time::Duration;

const UNITS_MS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const UNITS_BYTES: [(&str, u64); 7] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

/// Reads one or more whole numbers, each with its unit: `90s`, `1m30s`, `250ms`. A number without a unit is no duration.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (mut rest, mut total_ms) = (text.trim(), 0u64);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = split_number(rest)?;
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let unit = after.get(..end)?.trim();
        let scale = UNITS_MS.iter().find(|(name, _)| *name == unit)?.1;
        total_ms = total_ms.checked_add(number.checked_mul(scale)?)?;
        rest = after.get(end..)?;
    }
    Some(Duration::from_millis(total_ms))
}

/// Reads a whole number of bytes, with or without a unit: `65536`, `64KiB`, `1MB`.
pub fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = split_number(text.trim())?;
    match unit.trim() {
        "" => Some(number),
        unit => number.checked_mul(UNITS_BYTES.iter().find(|(name, _)| *name == unit)?.1),
    }
}

/// Writes a duration in the largest units that say it exactly.
pub fn format_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, scale) in UNITS_MS.iter().rev() {
        let count = rest / scale;
        // A day is written as 24 hours where that is all of it, as schedules are usually told.
        if count > 0 && !(*unit == "d" && rest == 86_400_000) {
            text.push_str(&count.to_string());
            text.push_str(unit);
            rest %= scale;
        }
    }
    text
}

/// Writes a size in the largest binary unit that says it exactly.
pub fn format_size(bytes: u64) -> String {
    let unit = UNITS_BYTES[..4].iter().rev().find(|(_, scale)| bytes >= *scale && bytes.is_multiple_of(*scale));
    match unit {
        Some((name, scale)) if *scale > 1 => format!("{}{name}", bytes / scale),
        _ => bytes.to_string(),
    }
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, ms) in
            [("5s", 5_000), ("1m30s", 90_000), ("250ms", 250), ("24h", 86_400_000), ("1 d", 86_400_000), ("0s", 0)]
        {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "5", "s", "-5s", "1.5s", "5 weeks", "99999999999999999999s", "18446744073709551615d", "5s6"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_numbers_with_or_without_units() {
        for (text, bytes) in [("65536", 65_536), ("64KiB", 65_536), ("1 MB", 1_000_000), ("1GiB", 1 << 30), ("7B", 7)] {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
        }
        for text in ["", "KiB", "1.5MiB", "-1", "1XB", "99999999999GiB"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for ms in [0, 1, 999, 5_000, 90_000, 86_400_000, 90_061_001] {
            let duration = Duration::from_millis(ms);
            assert_eq!(parse_duration(&format_duration(duration)), Some(duration), "{}", format_duration(duration));
        }
        for bytes in [0, 1, 1023, 1024, 1 << 20, 3 << 20] {
            assert_eq!(parse_size(&format_size(bytes)), Some(bytes));
        }
        assert_eq!(format_duration(Duration::from_hours(24)), "24h");
    }
}
