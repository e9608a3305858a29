//! How long a visit took, and how long it was booked for.

use hookwright_plugin_sdk::er7::{Exactness, Place};
use hookwright_plugin_sdk::inbound::{CallDuration, DurationSource, Refusal};
use hookwright_plugin_sdk::log;

use crate::reader::Reader;

/// The contract's longest call: a week.
const SECONDS_MAX: i64 = 7 * 24 * 60 * 60;

/// From PV1-44 to PV1-45, if both are told to the minute at least; else what was booked.
pub(crate) fn of_visit(reader: &Reader<'_>) -> Result<Option<CallDuration>, Refusal> {
    let (start, end) = (reader.moment(Place::field("PV1", 44))?, reader.moment(Place::field("PV1", 45))?);
    if let (Some(start), Some(end)) = (start, end)
        && start.exactness.min(end.exactness) >= Exactness::Minute
    {
        let seconds = (end.timestamp.unix_ms - start.timestamp.unix_ms) / 1000;
        match u32::try_from(seconds) {
            Ok(seconds) if i64::from(seconds) <= SECONDS_MAX => {
                return Ok(Some(CallDuration { seconds, source: DurationSource::Derived }));
            }
            _ => log::warn("PV1-44 and PV1-45 are no start and end of a call; no duration is told"),
        }
    }
    booked(reader)
}

/// What was booked: a figure with its unit, else what lies between the times of the booking. A figure without a unit is
/// not used, since senders mean minutes where the standard says seconds, and neither is a text that is no figure: nobody
/// is turned away for how long an appointment may take.
pub(crate) fn booked(reader: &Reader<'_>) -> Result<Option<CallDuration>, Refusal> {
    let timing = |field| Place::field("TQ1", field);
    let figures = [("SCH", 9, 10), ("AIS", 7, 8), ("AIP", 9, 10), ("AIL", 9, 10), ("AIG", 11, 12)]
        .map(|(name, figure, unit)| (Place::field(name, figure), Place::field(name, unit)));
    let quantities = [6, 13].map(|field| (timing(field), timing(field).component(2)));
    for (figure, unit) in figures.into_iter().chain(quantities) {
        if let Some(duration) = measured(reader, &figure, &unit)? {
            return Ok(Some(duration));
        }
    }
    let interval = reader.text(&Place::field("SCH", 11).component(3))?;
    if let Some(duration) = interval.as_deref().and_then(interval_of).and_then(scheduled) {
        return Ok(Some(duration));
    }
    let spans = [
        (Place::field("TQ1", 7), Place::field("TQ1", 8)),
        (Place::field("SCH", 11).component(4), Place::field("SCH", 11).component(5)),
    ];
    for (start, end) in spans {
        if let (Some(start), Some(end)) = (reader.moment(start)?, reader.moment(end)?)
            && start.exactness.min(end.exactness) >= Exactness::Minute
        {
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of the years 1 to 9999")]
            let seconds = (end.timestamp.unix_ms - start.timestamp.unix_ms) as f64 / 1000.0;
            if let Some(duration) = scheduled(seconds) {
                return Ok(Some(duration));
            }
        }
    }
    Ok(None)
}

/// A figure with the unit that stands beside or behind it.
fn measured(reader: &Reader<'_>, figure: &Place, unit: &Place) -> Result<Option<CallDuration>, Refusal> {
    let Some(text) = reader.text(figure)? else { return Ok(None) };
    let Some((value, own_unit)) = figure_of(&text) else {
        log::warn(&format!("{} is no figure; it is not used", reader.told(figure)));
        return Ok(None);
    };
    let unit = match own_unit {
        Some(unit) => Some(unit),
        None => reader.text(unit)?.as_deref().and_then(seconds_of),
    };
    Ok(unit.and_then(|unit| scheduled(value * unit)))
}

/// Seconds of a duration as timings write it, with the unit before the figure: `M30`.
fn interval_of(text: &str) -> Option<f64> {
    let (unit, figure) = text.split_at_checked(1)?;
    let unit = if matches!(unit, "S" | "M" | "H" | "D") { seconds_of(unit)? } else { return None };
    let is_figure = figure.bytes().all(|byte| byte.is_ascii_digit());
    figure.parse::<f64>().ok().filter(|_| is_figure).map(|figure| figure * unit)
}

/// A figure, and the seconds of its unit if that stands behind it, as in `30 min`.
fn figure_of(text: &str) -> Option<(f64, Option<f64>)> {
    let end = text.find(|it: char| !(it.is_ascii_digit() || it == '.')).unwrap_or(text.len());
    let (figure, unit) = text.split_at(end);
    let value: f64 = figure.parse().ok().filter(|it| (0.0..=1e6).contains(it))?;
    match unit.trim() {
        "" => Some((value, None)),
        unit => Some((value, Some(seconds_of(unit)?))),
    }
}

fn scheduled(seconds: f64) -> Option<CallDuration> {
    #[expect(clippy::cast_precision_loss, reason = "a week")]
    let legal = (0.0..=SECONDS_MAX as f64).contains(&seconds);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to a week")]
    legal.then(|| CallDuration { seconds: seconds.round() as u32, source: DurationSource::Scheduled })
}

/// Seconds in a unit, by its code or name.
fn seconds_of(unit: &str) -> Option<f64> {
    Some(match unit.to_ascii_lowercase().trim_end_matches('.') {
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        // In a unit of time no metres are meant.
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    })
}
