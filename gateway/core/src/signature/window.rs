//! When a request was signed, and whether that is recent enough.

use jiff::fmt::rfc2822::DateTimeParser;
use serde::{Deserialize, Serialize};

use super::{Direction, Flaw, VerifyError};
use crate::timestamp::{format_ms, parse_rfc3339};

/// More digits than any time in milliseconds that is not absurd.
const DIGITS_MAX: usize = 15;
/// Longer than any date in words.
const DATE_MAX: usize = 64;
static HTTP_DATE: DateTimeParser = DateTimeParser::new();

/// What a timestamp counts, or how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimestampUnit {
    /// Seconds since 1970-01-01T00:00:00Z.
    #[default]
    Seconds,
    /// Milliseconds since then.
    Milliseconds,
    /// RFC 3339, with an offset.
    Rfc3339,
    /// As HTTP writes dates (RFC 9110 §5.6.7).
    HttpDate,
}

impl TimestampUnit {
    /// Each with its word.
    pub const WORDS: [(&'static str, Self); 4] = [
        ("seconds", Self::Seconds),
        ("milliseconds", Self::Milliseconds),
        ("rfc3339", Self::Rfc3339),
        ("http_date", Self::HttpDate),
    ];

    /// A time in unix seconds, as a sender writes it.
    pub fn write(self, unix_secs: i64) -> String {
        match self {
            Self::Seconds => unix_secs.to_string(),
            Self::Milliseconds => unix_secs.saturating_mul(1000).to_string(),
            Self::Rfc3339 => format_ms(unix_secs.saturating_mul(1000)),
            Self::HttpDate => {
                let timestamp = jiff::Timestamp::from_second(unix_secs).unwrap_or_default();
                jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp).unwrap_or_default()
            }
        }
    }
}

/// Reads a time as unix milliseconds.
pub(super) fn read(value: &[u8], unit: TimestampUnit) -> Result<i64, Flaw> {
    match unit {
        TimestampUnit::Seconds => number(value).map(|seconds| seconds.saturating_mul(1000)),
        TimestampUnit::Milliseconds => number(value),
        TimestampUnit::Rfc3339 => text(value).and_then(|text| parse_rfc3339(text).ok()).ok_or(Flaw::Date),
        TimestampUnit::HttpDate => {
            let parsed = text(value).and_then(|text| HTTP_DATE.parse_timestamp(text).ok());
            parsed.map(jiff::Timestamp::as_millisecond).ok_or(Flaw::Date)
        }
    }
}

fn number(value: &[u8]) -> Result<i64, Flaw> {
    if value.is_empty() || value.len() > DIGITS_MAX || !value.iter().all(u8::is_ascii_digit) {
        return Err(Flaw::Timestamp);
    }
    Ok(value.iter().fold(0, |sum: i64, digit| sum * 10 + i64::from(digit - b'0')))
}

fn text(value: &[u8]) -> Option<&str> {
    str::from_utf8(value).ok().filter(|text| text.len() <= DATE_MAX)
}

/// Refuses what was signed further than the tolerance from now, on either side.
pub(super) fn check(signed_at_ms: i64, now_secs: i64, tolerance_seconds: u32) -> Result<(), VerifyError> {
    let apart_ms = signed_at_ms.saturating_sub(now_secs.saturating_mul(1000));
    let allowed_ms = i64::from(tolerance_seconds) * 1000;
    let direction = match apart_ms {
        _ if apart_ms > allowed_ms => Direction::Future,
        _ if apart_ms < -allowed_ms => Direction::Past,
        _ => return Ok(()),
    };
    Err(VerifyError::TimestampOutOfTolerance { direction, tolerance_seconds })
}
