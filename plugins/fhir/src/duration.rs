//! How long an encounter took, and how long an appointment is booked for. The two are never mixed.

use hookwright_plugin_sdk::inbound::{CallDuration, DurationSource, Precision};
use hookwright_plugin_sdk::iso8601::Assumed;
use hookwright_plugin_sdk::json::{Mismatch, Node};

/// The contract's bound: a week.
const SECONDS_MAX: f64 = 7.0 * 24.0 * 60.0 * 60.0;

/// What the encounter itself tells: its length, or else what lies between its start and its end. What does not make sense
/// is left out and noted among the attributes.
pub(crate) fn of_encounter(
    length: &Node<'_>,
    period: &Node<'_>,
    zone: Assumed,
    attributes: &mut Vec<(String, String)>,
) -> Option<CallDuration> {
    if length.value().is_some() {
        match seconds(length) {
            Some(seconds) => return Some(CallDuration { seconds, source: DurationSource::Actual }),
            None => attributes.push(("length".to_owned(), "unusable".to_owned())),
        }
    }
    let (start, end) = (period.get("start").moment(zone).ok()?, period.get("end").moment(zone).ok()?);
    let (start, end) = (start.timestamp, end.timestamp);
    let exact = |precision| !matches!(precision, Precision::Day | Precision::Hour);
    if !exact(start.precision) || !exact(end.precision) || start.zone_assumed != end.zone_assumed {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "differences of times in the years 1 to 9999")]
    let between = (end.unix_ms - start.unix_ms) as f64 / 1000.0;
    // Systems that know only one moment write it twice.
    let seconds = whole(between).filter(|seconds| *seconds > 0);
    if seconds.is_none() {
        attributes.push(("period".to_owned(), "unusable".to_owned()));
    }
    seconds.map(|seconds| CallDuration { seconds, source: DurationSource::Derived })
}

/// What an appointment is booked for: its minutes, or else what lies between its start and its end.
pub(crate) fn of_appointment(appointment: &Node<'_>, zone: Assumed) -> Result<Option<CallDuration>, Mismatch> {
    let source = DurationSource::Scheduled;
    if let Some(minutes) = appointment.get("minutesDuration").optional() {
        let minutes = minutes.number(0.0..=SECONDS_MAX / 60.0, "minutes from 0 to 10080")?;
        return Ok(whole(minutes * 60.0).map(|seconds| CallDuration { seconds, source }));
    }
    let mut unnoted = Vec::new();
    let between = of_encounter(&appointment.get("minutesDuration"), appointment, zone, &mut unnoted);
    Ok(between.map(|duration| CallDuration { source, ..duration }))
}

/// A Duration in seconds. Its unit is a code of UCUM, or a word.
fn seconds(length: &Node<'_>) -> Option<u32> {
    // Less than an hour is no length.
    if length.get("comparator").value().is_some() {
        return None;
    }
    let value = length.get("value").number(0.0..=SECONDS_MAX, "a length").ok()?;
    let unit = length.get("code").as_text().or_else(|| length.get("unit").as_text())?;
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "ms" | "millisecond" | "milliseconds" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    };
    whole(value * factor)
}

fn whole(seconds: f64) -> Option<u32> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to a week")]
    (0.0..=SECONDS_MAX).contains(&seconds).then(|| seconds.round() as u32)
}
