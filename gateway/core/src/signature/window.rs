//! When a request was signed, and whether that is recent enough.

use super::headers::{malformed, single};
use super::{Direction, Flaw, Headers, TimestampUnit, VerifyError};

/// More digits than any time in milliseconds that is not absurd.
const DIGITS_MAX: usize = 15;

/// Reads a header's time: its bytes as they are signed, and unix milliseconds.
pub(super) fn read<'a>(
    headers: &'a (impl Headers + ?Sized),
    name: &str,
    unit: TimestampUnit,
) -> Result<(&'a [u8], i64), VerifyError> {
    let value = single(headers, name)?;
    if value.len() > DIGITS_MAX || !value.iter().all(u8::is_ascii_digit) {
        return Err(malformed(name, Flaw::Timestamp));
    }
    let number = value.iter().fold(0, |sum: i64, digit| sum * 10 + i64::from(digit - b'0'));
    let unix_ms = match unit {
        TimestampUnit::Seconds => number.saturating_mul(1000),
        TimestampUnit::Milliseconds => number,
    };
    Ok((value, unix_ms))
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
