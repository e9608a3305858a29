//! Unix milliseconds to RFC 3339 and back: the one form of time on every wire the gateway speaks.

use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::Offset;

/// 1900-01-01T00:00:00Z. Nothing a partner reports happened earlier; what says so is a mistake, such as year 0000.
const EARLIEST_MS: i64 = -2_208_988_800_000;
/// 2200-01-01T00:00:00Z, exclusive.
const LATEST_MS: i64 = 7_258_118_400_000;
/// Longer than any RFC 3339 text with a useful fraction.
const TEXT_MAX: usize = 64;

/// Why a text is not a time. It never repeats the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTimestamp {
    /// Not of RFC 3339's form.
    #[error("expected an RFC 3339 time with an offset, such as 2026-01-04T22:30:00Z")]
    Form,
    /// Of that form, but no such day, time of day or offset exists.
    #[error("no such date or time of day exists")]
    Impossible,
    /// A real time, but outside the years 1900 to 2199.
    #[error("the year is not between 1900 and 2199")]
    Absurd,
}

/// Writes unix milliseconds as `2026-01-04T22:30:00Z`, with `.123` only when the milliseconds are not zero.
///
/// Times beyond the years that `jiff` knows (±9999) are written as the nearest one it does.
pub fn format_ms(unix_ms: i64) -> String {
    let nearest = if unix_ms < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    let timestamp = jiff::Timestamp::from_millisecond(unix_ms).unwrap_or(nearest);
    let digits = if unix_ms % 1000 == 0 { 0 } else { 3 };
    DateTimePrinter::new().precision(Some(digits)).timestamp_to_string(&timestamp)
}

/// Reads an RFC 3339 time as unix milliseconds; digits beyond milliseconds are cut off, and a leap second is the second before it.
pub fn parse_rfc3339(text: &str) -> Result<i64, BadTimestamp> {
    let bytes = text.as_bytes();
    if bytes.len() > TEXT_MAX {
        return Err(BadTimestamp::Form);
    }
    let (moment, rest) = bytes.split_at_checked(19).ok_or(BadTimestamp::Form)?;
    let separators = [(4, b"-" as &[u8]), (7, b"-"), (10, b"Tt "), (13, b":"), (16, b":")];
    if !separators.iter().all(|(at, allowed)| allowed.contains(&moment[*at])) {
        return Err(BadTimestamp::Form);
    }
    let year = number(&moment[0..4])?;
    let [month, day] = [small(&moment[5..7])?, small(&moment[8..10])?];
    let [hour, minute, second] = [small(&moment[11..13])?, small(&moment[14..16])?, small(&moment[17..19])?];
    // RFC 3339 allows second 60 for a leap second, which unix time does not have.
    let second = if second == 60 { 59 } else { second };
    let (milliseconds, rest) = fraction(rest)?;
    let offset_minutes = offset(rest)?;
    let local = DateTime::new(year, month, day, hour, minute, second, 0).map_err(|_| BadTimestamp::Impossible)?;
    let utc = Offset::UTC.to_timestamp(local).map_err(|_| BadTimestamp::Absurd)?;
    let unix_ms = utc.as_millisecond() + milliseconds - offset_minutes * 60_000;
    if (EARLIEST_MS..LATEST_MS).contains(&unix_ms) { Ok(unix_ms) } else { Err(BadTimestamp::Absurd) }
}

fn number(digits: &[u8]) -> Result<i16, BadTimestamp> {
    digits.iter().try_fold(0, |sum, digit| match digit {
        b'0'..=b'9' => Ok(sum * 10 + i16::from(digit - b'0')),
        _ => Err(BadTimestamp::Form),
    })
}

fn small(digits: &[u8]) -> Result<i8, BadTimestamp> {
    i8::try_from(number(digits)?).map_err(|_| BadTimestamp::Form)
}

fn fraction(rest: &[u8]) -> Result<(i64, &[u8]), BadTimestamp> {
    let Some(rest) = rest.strip_prefix(b".") else { return Ok((0, rest)) };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return Err(BadTimestamp::Form);
    }
    let place = |at: usize| if at < digits { i64::from(rest[at] - b'0') } else { 0 };
    Ok((place(0) * 100 + place(1) * 10 + place(2), &rest[digits..]))
}

/// The offset in minutes east of UTC.
fn offset(text: &[u8]) -> Result<i64, BadTimestamp> {
    let (sign, text) = match text {
        b"Z" | b"z" => return Ok(0),
        [b'+', text @ ..] => (1, text),
        [b'-', text @ ..] => (-1, text),
        _ => return Err(BadTimestamp::Form),
    };
    if text.len() != 5 || text[2] != b':' {
        return Err(BadTimestamp::Form);
    }
    let (hours, minutes) = (number(&text[0..2])?, number(&text[3..5])?);
    if hours > 23 || minutes > 59 {
        return Err(BadTimestamp::Impossible);
    }
    Ok(sign * i64::from(hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_is_written_without_a_fraction_when_it_has_none() {
        assert_eq!(format_ms(1_767_565_800_000), "2026-01-04T22:30:00Z");
        assert_eq!(format_ms(1_767_565_800_500), "2026-01-04T22:30:00.500Z");
        assert_eq!(format_ms(1_767_565_800_001), "2026-01-04T22:30:00.001Z");
        assert_eq!(format_ms(0), "1970-01-01T00:00:00Z");
        assert_eq!(format_ms(-1), "1969-12-31T23:59:59.999Z");
        assert!(format_ms(i64::MAX).starts_with("9999-12-30"));
        assert!(format_ms(i64::MIN).starts_with('-'));
    }

    #[test]
    fn rfc_3339_is_read_in_every_form_it_allows() {
        for (text, unix_ms) in [
            ("2026-01-04T22:30:00Z", 1_767_565_800_000),
            ("2026-01-04t22:30:00z", 1_767_565_800_000),
            ("2026-01-04 22:30:00Z", 1_767_565_800_000),
            ("2026-01-04T16:30:00-06:00", 1_767_565_800_000),
            ("2026-01-05T04:00:00+05:30", 1_767_565_800_000),
            ("2026-01-04T22:30:00-00:00", 1_767_565_800_000),
            ("2026-01-04T22:30:00.5Z", 1_767_565_800_500),
            ("2026-01-04T22:30:00.1239999999Z", 1_767_565_800_123),
            ("2016-12-31T23:59:60Z", 1_483_228_799_000),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000),
            ("1900-01-01T00:00:00Z", -2_208_988_800_000),
        ] {
            assert_eq!(parse_rfc3339(text), Ok(unix_ms), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        use BadTimestamp::{Absurd, Form, Impossible};
        for (text, fault) in [
            ("", Form),
            ("2026-01-04", Form),
            ("2026-01-04T22:30:00", Form),
            ("2026-01-04T22:30Z", Form),
            ("20260104T223000Z", Form),
            ("2026-01-04T22:30:00.Z", Form),
            ("2026-01-04T22:30:00+0530", Form),
            ("2026-01-04T22:30:00+05", Form),
            ("2026-01-04T22:30:00Z ", Form),
            ("2026-01-04T22:30:00Z[UTC]", Form),
            ("2026-01-04T22:30:00,5Z", Form),
            ("２026-01-04T22:30:00Z", Form),
            ("+026-01-04T22:30:00Z", Form),
            ("2026-13-04T22:30:00Z", Impossible),
            ("2026-00-04T22:30:00Z", Impossible),
            ("2023-02-29T22:30:00Z", Impossible),
            ("2026-01-04T24:00:00Z", Impossible),
            ("2026-01-04T22:60:00Z", Impossible),
            ("2026-01-04T22:30:61Z", Impossible),
            ("2026-01-04T22:30:00+24:00", Impossible),
            ("2026-01-04T22:30:00+05:60", Impossible),
            ("0000-01-01T00:00:00Z", Absurd),
            ("1899-12-31T23:59:59Z", Absurd),
            ("2200-01-01T00:00:00Z", Absurd),
            ("9999-12-31T23:59:59Z", Absurd),
        ] {
            assert_eq!(parse_rfc3339(text), Err(fault), "{text}");
        }
        assert_eq!(parse_rfc3339(&format!("2026-01-04T22:30:00.{}Z", "1".repeat(100))), Err(Form));
    }

    proptest! {
        #[test]
        fn every_time_survives_its_text(unix_ms in EARLIEST_MS..LATEST_MS) {
            prop_assert_eq!(parse_rfc3339(&format_ms(unix_ms)), Ok(unix_ms));
        }

        #[test]
        fn no_text_panics(text in "[0-9TZ:+\\-. é]{0,40}", unix_ms: i64) {
            let _ = parse_rfc3339(&text);
            let _ = format_ms(unix_ms);
        }
    }
}
