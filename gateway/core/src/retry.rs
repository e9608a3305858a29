//! When a delivery that failed is tried again, and what an answer's status means for it.

use std::time::Duration;

use jiff::fmt::strtime;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

/// The longest that a `Retry-After` can postpone an attempt.
pub const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);
/// The longest single delay a schedule may hold.
pub const DELAY_MAX: Duration = Duration::from_hours(7 * 24);
/// The most delays a schedule may hold.
pub const DELAYS_MAX: usize = 64;

const DEFAULT_SECONDS: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// Longer than any form of date that HTTP knows.
const HEADER_MAX: usize = 64;

/// What a subscription wants done about a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryPolicy {
    /// One attempt and no more.
    None,
    /// More attempts, ever further apart, by the schedule.
    #[default]
    Exponential,
}

/// What the status of an answer means for the delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// 2xx: the subscriber has it.
    Delivered,
    /// Any other status: try again. 3xx is here too, since a redirect is never followed.
    Retry,
    /// 410: the subscriber wants no more; the subscription is disabled.
    Gone,
    /// 429 or 503: try again, and slow the subscription down.
    Throttled,
}

/// Why a list of delays is not a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSchedule {
    /// No delays, or more than [`DELAYS_MAX`].
    #[error("a schedule holds 1 to {DELAYS_MAX} delays, found {found}")]
    Count {
        /// How many there are.
        found: usize,
    },
    /// A delay of zero, or beyond [`DELAY_MAX`].
    #[error("delay {position} is not between 1 ms and 7 days")]
    Delay {
        /// Which one, from 1.
        position: usize,
    },
}

/// How long to wait after the first, second, … failed attempt; the last delay repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Vec<Duration>);

impl Schedule {
    /// Checks and takes the delays.
    pub fn try_new(delays: Vec<Duration>) -> Result<Self, BadSchedule> {
        if delays.is_empty() || delays.len() > DELAYS_MAX {
            return Err(BadSchedule::Count { found: delays.len() });
        }
        let bad = |delay: &Duration| *delay < Duration::from_millis(1) || *delay > DELAY_MAX;
        match delays.iter().position(bad) {
            Some(at) => Err(BadSchedule::Delay { position: at + 1 }),
            None => Ok(Self(delays)),
        }
    }

    /// The delay after this many failed attempts.
    pub fn delay_after(&self, attempts_made: u32) -> Duration {
        let at = usize::try_from(attempts_made.saturating_sub(1)).unwrap_or(usize::MAX);
        self.0.get(at).or(self.0.last()).copied().unwrap_or(DELAY_MAX)
    }

    /// The delays, first to last.
    pub fn delays(&self) -> &[Duration] {
        &self.0
    }
}

/// That of Standard Webhooks 1.0.0, without its immediate first retry.
impl Default for Schedule {
    fn default() -> Self {
        Self(DEFAULT_SECONDS.map(Duration::from_secs).to_vec())
    }
}

/// When the next attempt is due, in unix milliseconds; `None` when there is none because the policy or the budget says so.
///
/// `attempts_made` counts the one that just failed, and at most `max_retries + 1` are made. `jitter_unit` is a random number from 0
/// to 1 that moves the delay by up to 20 % either way, so that a crowd of deliveries that failed together does not return together.
/// A `retry_after_ms` (as [`parse_retry_after`] gives it) postpones the attempt, and never brings it forward.
pub fn next_attempt(
    policy: RetryPolicy,
    max_retries: u32,
    attempts_made: u32,
    schedule: &Schedule,
    now_ms: i64,
    jitter_unit: f64,
    retry_after_ms: Option<i64>,
) -> Option<i64> {
    if u64::from(attempts_made) >= attempts_max(policy, max_retries) {
        return None;
    }
    let jitter = if jitter_unit.is_finite() { jitter_unit.clamp(0.0, 1.0) } else { 0.5 };
    let delay = schedule.delay_after(attempts_made).mul_f64(0.8 + 0.4 * jitter);
    let asked = retry_after_ms.unwrap_or(0).min(milliseconds(RETRY_AFTER_MAX));
    Some(now_ms.saturating_add(milliseconds(delay).max(asked)))
}

/// What a response's status means.
pub const fn classify(status: u16) -> Verdict {
    match status {
        200..=299 => Verdict::Delivered,
        410 => Verdict::Gone,
        429 | 503 => Verdict::Throttled,
        _ => Verdict::Retry,
    }
}

/// Why a status cannot be one after which a delivery is not tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPermanentStatus {
    /// Not the status of an answer that refuses: below 300, or no status at all.
    #[error("must be a status from 300 to 599: what is below is no refusal")]
    Range,
    /// 429 or 503.
    #[error(
        "429 and 503 say that the subscriber is busy now, not that it will never take the delivery; they slow it down instead"
    )]
    Busy,
}

/// Checks a status after which a delivery is not to be tried again.
pub const fn check_permanent_status(status: u16) -> Result<(), BadPermanentStatus> {
    match status {
        429 | 503 => Err(BadPermanentStatus::Busy),
        300..=599 => Ok(()),
        _ => Err(BadPermanentStatus::Range),
    }
}

/// How many attempts one budget holds.
pub fn attempts_max(policy: RetryPolicy, max_retries: u32) -> u64 {
    match policy {
        RetryPolicy::None => 1,
        RetryPolicy::Exponential => u64::from(max_retries) + 1,
    }
}

/// How many milliseconds a `Retry-After` value asks to wait: seconds or any of HTTP's three date forms (RFC 9110 §10.2.3, §5.6.7).
///
/// `None` for what is neither and for a date that has passed; at most 24 hours.
pub fn parse_retry_after(value: &str, now_ms: i64) -> Option<i64> {
    let value = value.trim_matches([' ', '\t']);
    if value.is_empty() || value.len() > HEADER_MAX {
        return None;
    }
    let longest = milliseconds(RETRY_AFTER_MAX);
    if value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than an i64 holds is still a number of seconds, and more than a day of them.
        let seconds: i64 = value.parse().unwrap_or(i64::MAX);
        return Some(seconds.saturating_mul(1000).min(longest));
    }
    let wait = parse_http_date(value)?.saturating_sub(now_ms);
    (wait > 0).then_some(wait.min(longest))
}

fn parse_http_date(value: &str) -> Option<i64> {
    const FORMS: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let local = FORMS.iter().find_map(|form| strtime::parse(form, value).ok()?.to_datetime().ok())?;
    Some(Offset::UTC.to_timestamp(local).ok()?.as_millisecond())
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
