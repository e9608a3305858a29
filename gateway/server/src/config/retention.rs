//! How long records of each kind are kept.

use super::quantity::{format_duration, parse_duration};
use super::reader::{Reader, found, quoted};
use hookwright_store::RecordKind;
use std::time::Duration;

/// Says that nothing of a kind is ever removed.
const FOREVER: &str = "forever";
const DAY: Duration = Duration::from_hours(24);
const KEEP_MAX: Duration = Duration::from_hours(24 * 36_500);
/// Events are kept for as long as an idempotency key may be: the answer to a repeat names them.
const EVENTS_MIN: Duration = Duration::from_hours(24 * 2);
/// Messages are kept for as long as a repeat of them may be recognised.
const MESSAGES_MIN: Duration = Duration::from_hours(24 * 14);

/// How long records of each kind are kept; `None` keeps them for ever.
#[derive(Clone, Copy, Debug)]
pub struct RetentionConfig {
    /// Events, with their deliveries and attempts.
    pub events: Option<Duration>,
    /// Attempts of deliveries that ended.
    pub attempts: Option<Duration>,
    /// Partners' messages that came to an end.
    pub messages: Option<Duration>,
    /// Those that did not.
    pub unfinished_messages: Option<Duration>,
    /// The audit.
    pub audit: Option<Duration>,
}

impl RetentionConfig {
    /// How long a kind is kept.
    pub const fn of(&self, kind: RecordKind) -> Option<Duration> {
        match kind {
            RecordKind::Events => self.events,
            RecordKind::Attempts => self.attempts,
            RecordKind::Messages => self.messages,
            RecordKind::UnfinishedMessages => self.unfinished_messages,
            RecordKind::Audit => self.audit,
        }
    }
}

/// What a time is called where it may be none: the setting's own text.
pub fn format_keep(keep: Option<Duration>) -> String {
    keep.map_or_else(|| FOREVER.to_owned(), format_duration)
}

/// Reads the five settings.
pub(super) fn read(reader: &mut Reader<'_>) -> RetentionConfig {
    RetentionConfig {
        events: keep(reader, "retention.events", 30 * DAY, EVENTS_MIN),
        attempts: keep(reader, "retention.attempts", 30 * DAY, Duration::from_hours(1)),
        messages: keep(reader, "retention.messages", 30 * DAY, MESSAGES_MIN),
        unfinished_messages: keep(reader, "retention.unfinished_messages", 365 * DAY, MESSAGES_MIN),
        audit: keep(reader, "retention.audit", 2_555 * DAY, DAY),
    }
}

fn keep(reader: &mut Reader<'_>, path: &'static str, default: Duration, min: Duration) -> Option<Duration> {
    let expected = || {
        let (min, max) = (format_duration(min), format_duration(KEEP_MAX));
        format!("expected forever, or a duration from {min} to {max} such as 30d")
    };
    reader.parsed(
        path,
        Some(default),
        |keep| quoted(&format_keep(*keep)),
        |text| {
            if text.trim() == FOREVER {
                return Ok(None);
            }
            let keep = parse_duration(text).filter(|keep| (min..=KEEP_MAX).contains(keep));
            keep.map(Some).ok_or_else(|| format!("{}, found {}", expected(), found(text)))
        },
    )
}

#[cfg(test)]
mod tests {
    use crate::config::Loaded;
    use crate::config::raw::Raw;
    use std::time::Duration;

    fn with(path: &str, text: &str) -> Result<Loaded, String> {
        let mut raw = Raw::default();
        raw.flag("--set", path, text);
        Loaded::check(raw).map_err(|error| error.to_string())
    }

    #[test]
    fn it_is_finite_unless_somebody_says_for_ever() {
        let usual = Loaded::check(Raw::default()).unwrap().config.retention;
        assert_eq!(usual.events, Some(Duration::from_hours(24 * 30)));
        assert_eq!(usual.audit, Some(Duration::from_hours(24 * 2_555)));
        assert_eq!(with("retention.audit", "forever").unwrap().config.retention.audit, None);
    }

    #[test]
    fn what_something_else_relies_on_cannot_be_too_short() {
        for (path, least, too_short) in [
            ("retention.events", "2d", "47h"),
            ("retention.messages", "14d", "13d"),
            ("retention.unfinished_messages", "14d", "0s"),
            ("retention.attempts", "1h", "59m"),
            ("retention.audit", "24h", "23h"),
        ] {
            with(path, least).unwrap();
            let error = with(path, too_short).unwrap_err();
            assert!(error.contains(path), "{error}");
        }
        for nothing in ["0", "never", "", "30"] {
            with("retention.events", nothing).unwrap_err();
        }
    }
}
