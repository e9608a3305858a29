//! Times as clinical systems write them: from a year alone to fractions of a second, with an offset from UTC or without.

mod assumed;

use std::fmt;

pub use assumed::Assumed;

use crate::inbound::{Precision, Timestamp};
use crate::timestamp::parse_rfc3339;

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z: the years that the contract allows.
pub(crate) const UNIX_MS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// How much of a date is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coarseness {
    /// Only the year is told.
    Year,
    /// Only the year and the month are told.
    Month,
}

impl Coarseness {
    /// Its word, for an attribute: the contract's precisions begin with the day.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
        }
    }
}

/// A time that was read.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The time: the beginning of the span, where the text names one.
    pub timestamp: Timestamp,
    /// Told if the span is longer than a day. The precision is then `day`, the coarsest that the contract has.
    pub coarser: Option<Coarseness>,
}

/// A fixed offset from UTC, in minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offset(i16);

impl Offset {
    /// Reads `Z`, `-06:00`, `+0530` or `+05`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("z") {
            return Some(Self(0));
        }
        let sign = match text.as_bytes().first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let (hours, minutes) = match (text.get(1..3)?, text.get(3..)?) {
            (hours, "") => (hours, "0"),
            (hours, rest) => (hours, rest.strip_prefix(':').unwrap_or(rest)),
        };
        let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i16>().ok());
        let (hours, minutes) = (number(hours)??, number(minutes)??);
        let complete = text.len() == 3 || text.len() == 5 && !text.contains(':') || text.len() == 6;
        (complete && hours <= 14 && minutes < 60).then_some(Self(sign * (hours * 60 + minutes)))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { '-' } else { '+' };
        let minutes = self.0.abs();
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// Reads `2024`, `2024-05`, `2024-05-17`, or a date with a time of day to the hour, minute, second or any fraction of it.
/// A time without an offset lies in the zone that is to be assumed, and says so.
pub fn parse_iso8601(text: &str, assumed: Assumed) -> Option<Moment> {
    let text = text.trim();
    // What is split below is ASCII throughout.
    if !text.is_ascii() || text.len() > 64 {
        return None;
    }
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let (date, coarser) = match date.len() {
        4 => (format!("{date}-01-01"), Some(Coarseness::Year)),
        7 => (format!("{date}-01"), Some(Coarseness::Month)),
        _ => (date.to_owned(), None),
    };
    let Some(time) = time else {
        let reading = parse_rfc3339(&format!("{date}T00:00:00Z"))?;
        return moment(Timestamp { precision: Precision::Day, ..localized(reading, assumed)? }, coarser);
    };
    if coarser.is_some() {
        return None;
    }
    let (clock, offset) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => (&time[..at], Some(Offset::parse(&time[at..])?)),
        None => (time, None),
    };
    let (clock, precision) = match clock.len() {
        2 => (format!("{clock}:00:00"), Some(Precision::Hour)),
        5 => (format!("{clock}:00"), Some(Precision::Minute)),
        _ => (clock.to_owned(), None),
    };
    let timestamp = parse_rfc3339(&format!("{date}T{clock}{}", offset.unwrap_or_default()))?;
    let timestamp = if offset.is_some() { timestamp } else { localized(timestamp, assumed)? };
    moment(Timestamp { precision: precision.unwrap_or(timestamp.precision), ..timestamp }, None)
}

/// The moment at which clocks in the assumed zone showed what was read as if it were UTC.
fn localized(reading: Timestamp, assumed: Assumed) -> Option<Timestamp> {
    let unix_ms = assumed.unix_ms(reading.unix_ms)?;
    Some(Timestamp { unix_ms, zone_assumed: true, ..reading })
}

fn moment(timestamp: Timestamp, coarser: Option<Coarseness>) -> Option<Moment> {
    UNIX_MS.contains(&timestamp.unix_ms).then_some(Moment { timestamp, coarser })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(i64, Precision, bool, Option<Coarseness>)> {
        let moment = parse_iso8601(text, Assumed::parse("-06:00").unwrap())?;
        let at = moment.timestamp;
        Some((at.unix_ms, at.precision, at.zone_assumed, moment.coarser))
    }

    fn unix_ms(text: &str) -> i64 {
        parse_rfc3339(text).unwrap().unix_ms
    }

    #[test]
    fn dates_begin_their_span_in_the_assumed_zone() {
        let begins = |text, day: &str, coarser| {
            assert_eq!(
                read(text),
                Some((unix_ms(&format!("{day}T06:00:00Z")), Precision::Day, true, coarser)),
                "{text}"
            );
        };
        begins("2024", "2024-01-01", Some(Coarseness::Year));
        begins("2024-05", "2024-05-01", Some(Coarseness::Month));
        begins("2024-02-29", "2024-02-29", None);
    }

    #[test]
    fn every_precision_of_the_clock_is_kept() {
        let at = unix_ms("2026-01-04T22:30:00Z");
        assert_eq!(read("2026-01-04T16-06:00"), Some((at - 30 * 60_000, Precision::Hour, false, None)));
        assert_eq!(read("2026-01-04T16:30-06:00"), Some((at, Precision::Minute, false, None)));
        assert_eq!(read("2026-01-04 22:30:00Z"), Some((at, Precision::Second, false, None)));
        assert_eq!(read("2026-01-04T16:30:00"), Some((at, Precision::Second, true, None)));
        let fraction = read("2020-05-29T11:44:13.1882432-05:00");
        assert_eq!(fraction, Some((unix_ms("2020-05-29T16:44:13.188Z"), Precision::Millisecond, false, None)));
    }

    #[test]
    fn offsets_may_lack_the_colon_or_the_minutes() {
        for text in ["2026-01-04T16:30:00-0600", "2026-01-04T16:30:00-06", "2026-01-05T04:00:00+05:30"] {
            assert_eq!(read(text).map(|it| it.0), Some(unix_ms("2026-01-04T22:30:00Z")), "{text}");
        }
    }

    #[test]
    fn the_zone_that_was_assumed_is_told() {
        let assumed = Assumed::default();
        let note = |text| assumed.note(&parse_iso8601(text, assumed).unwrap().timestamp);
        assert_eq!(note("2026-01-04"), Some(("zone".to_owned(), "+00:00".to_owned())));
        assert_eq!(note("2026-01-04T16:30:00Z"), None);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            "",
            "yesterday",
            "20",
            "2024-13",
            "2024-00-10",
            "2023-02-29",
            "0000",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-12:00",
            "2024-05T10:00:00Z",
            "2024-05-17T",
            "2024-05-17T25:00:00Z",
            "2024-05-17T10:60Z",
            "2024-05-17T10:00:00+1",
            "2024-05-17T10:00:00+0:30",
            "2024-05-17T10:00:00+99:00",
            "2024-05-17T10:00:00.Z",
            "2024-05-17T10:00:00Zulu",
            "２０２４",
            "2024-05-17T10:00:00Z2024-05-17T10:00:00Z2024-05-17T10:00:00Z2024-05-17T10:00:00Z",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn offsets_are_told_apart_from_nonsense() {
        assert_eq!(Offset::parse("z"), Some(Offset(0)));
        assert_eq!(Offset::parse("-0330"), Some(Offset(-210)));
        for bad in ["", "+", "+5", "+05:", "+05:3", "+053", "05:30", "+15:00", "+05:60", "+0a:00", "UTC", "+05:30:00"] {
            assert_eq!(Offset::parse(bad), None, "{bad}");
        }
    }
}
