//! RFC 3339, both ways.

use crate::calendar::{DAY_MS, civil_from_days, days_from_civil, days_in_month};
use crate::inbound::{Precision, Timestamp};

/// Reads a time with an offset, such as `2026-01-04T22:30:00Z` or `2026-01-04T16:30:00.250-06:00`. A space may stand
/// for the `T`. Digits beyond milliseconds are cut off; the second 60 of a leap second counts as 59.
pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let mut rest = text.as_bytes();
    let year = number(&mut rest, 4)?;
    literal(&mut rest, b"-")?;
    let month = number(&mut rest, 2)?;
    literal(&mut rest, b"-")?;
    let day = number(&mut rest, 2)?;
    literal(&mut rest, b"Tt ")?;
    let hour = number(&mut rest, 2)?;
    literal(&mut rest, b":")?;
    let minute = number(&mut rest, 2)?;
    literal(&mut rest, b":")?;
    let second = number(&mut rest, 2)?;
    let fraction_ms = fraction(&mut rest)?;
    let offset_minutes = offset(&mut rest)?;
    let legal = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !legal || !rest.is_empty() {
        return None;
    }
    let minutes = hour * 60 + minute - offset_minutes;
    let clock_ms = (minutes * 60 + second.min(59)) * 1000 + fraction_ms.unwrap_or(0);
    let precision = if fraction_ms.is_some() { Precision::Millisecond } else { Precision::Second };
    let unix_ms = days_from_civil(year, month, day) * DAY_MS + clock_ms;
    Some(Timestamp { unix_ms, precision, zone_assumed: false })
}

/// Writes a time in UTC; the milliseconds are left out if there are none.
pub fn to_rfc3339(unix_ms: i64) -> String {
    let (year, month, day) = civil_from_days(unix_ms.div_euclid(DAY_MS));
    let clock_ms = unix_ms.rem_euclid(DAY_MS);
    let (seconds, millis) = (clock_ms / 1000, clock_ms % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = if millis == 0 { String::new() } else { format!(".{millis:03}") };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Takes a number of exactly so many digits.
fn number(rest: &mut &[u8], digits: usize) -> Option<i64> {
    let (head, tail) = rest.split_at_checked(digits)?;
    *rest = tail;
    head.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

/// Takes one of these characters.
fn literal(rest: &mut &[u8], allowed: &[u8]) -> Option<u8> {
    let (first, tail) = rest.split_first()?;
    *rest = tail;
    allowed.contains(first).then_some(*first)
}

/// Takes a fraction of a second: its milliseconds, or `Some(None)` if there is none.
#[expect(clippy::option_option, reason = "the outer one says whether the text is legal, the inner one what it holds")]
fn fraction(rest: &mut &[u8]) -> Option<Option<i64>> {
    let Some(tail) = rest.strip_prefix(b".") else { return Some(None) };
    let digits = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let millis = (0..3).fold(0, |value, at| value * 10 + if at < digits { i64::from(tail[at] - b'0') } else { 0 });
    *rest = &tail[digits..];
    Some(Some(millis))
}

/// Takes an offset from UTC, in minutes.
fn offset(rest: &mut &[u8]) -> Option<i64> {
    let sign = match literal(rest, b"Zz+-")? {
        b'+' => 1,
        b'-' => -1,
        _ => return Some(0),
    };
    let hours = number(rest, 2)?;
    literal(rest, b":")?;
    let minutes = number(rest, 2)?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unix_ms(text: &str) -> Option<i64> {
        parse_rfc3339(text).map(|at| at.unix_ms)
    }

    #[test]
    fn offsets_are_taken_off() {
        let expected = unix_ms("2026-01-04T22:30:00Z");
        assert_eq!(expected, Some(1_767_565_800_000));
        for same in ["2026-01-04T16:30:00-06:00", "2026-01-05T04:00:00+05:30", "2026-01-04t22:30:00z"] {
            assert_eq!(unix_ms(same), expected, "{same}");
        }
    }

    #[test]
    fn fractions_show_in_the_precision() {
        let at = parse_rfc3339("1969-12-31T23:59:59.123456Z").unwrap();
        assert_eq!((at.unix_ms, at.precision), (-877, Precision::Millisecond));
        assert_eq!(unix_ms("1970-01-01T00:00:00.5Z"), Some(500));
        assert_eq!(parse_rfc3339("1970-01-01T00:00:00Z").unwrap().precision, Precision::Second);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            "",
            "yesterday",
            "2026-01-04",
            "2026-01-04T22:30:00",
            "2026-01-04T22:30Z",
            "2026-13-04T22:30:00Z",
            "2026-02-29T22:30:00Z",
            "2026-01-04T24:00:00Z",
            "2026-01-04T22:60:00Z",
            "2026-01-04T22:30:61Z",
            "2026-01-04T22:30:00.Z",
            "2026-01-04T22:30:00+0600",
            "2026-01-04T22:30:00+24:00",
            "2026-01-04T22:30:00Zulu",
            "+026-01-04T22:30:00Z",
            "2026-01-04T22:30:0\u{660}Z",
        ] {
            assert_eq!(unix_ms(bad), None, "{bad}");
        }
    }

    #[test]
    fn agrees_with_jiff_through_the_centuries() {
        // Steps of an odd length, from the year 1 to 9999, meet every month, leap days and all times of day.
        let mut at = -62_135_596_800_000_i64;
        while at < 253_402_300_800_000 - DAY_MS {
            let text = to_rfc3339(at);
            let expected = jiff::Timestamp::from_millisecond(at).unwrap();
            assert_eq!(text.parse::<jiff::Timestamp>().unwrap(), expected);
            assert_eq!(unix_ms(&text), Some(at), "{text}");
            at += 17 * DAY_MS + 12_345_678;
        }
    }
}
