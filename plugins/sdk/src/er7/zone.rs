//! Time zones by their IANA names, for stamps without an offset. The database of zones is part of the program.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// A time zone with its history of offsets.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone of this name, such as `America/Chicago`; `None` if the database has no such name.
    pub fn named(name: &str) -> Option<Self> {
        TimeZoneDatabase::bundled().get(name).ok().map(Self)
    }

    /// The moment at which clocks in this zone showed this reading (milliseconds as if it were UTC).
    ///
    /// A reading that was shown twice, when clocks were set back, is taken as the first of the two moments. One that was
    /// never shown, when clocks were set forward, is taken as if they had not been set: 02:30 becomes 03:30. `None` for
    /// readings out of the years -9999 to 9999.
    pub fn unix_ms(&self, clock_ms: i64) -> Option<i64> {
        let reading = Timestamp::from_millisecond(clock_ms).ok()?;
        let reading: DateTime = TimeZone::UTC.to_datetime(reading);
        Some(self.0.to_ambiguous_timestamp(reading).compatible().ok()?.as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::er7::Stamp;

    fn offset_hours(zone: &str, stamp: &str) -> i64 {
        let clock_ms = Stamp::parse(stamp).unwrap().clock_ms;
        (clock_ms - Zone::named(zone).unwrap().unix_ms(clock_ms).unwrap()) / 3_600_000
    }

    #[test]
    fn offsets_follow_the_season() {
        assert_eq!(offset_hours("America/Chicago", "20260104163000"), -6);
        assert_eq!(offset_hours("America/Chicago", "20260704163000"), -5);
        assert_eq!(offset_hours("America/Phoenix", "20260704163000"), -7);
        assert_eq!(offset_hours("Europe/Berlin", "20260704163000"), 2);
        assert_eq!(offset_hours("UTC", "20260704163000"), 0);
        // Long after the last change that the database lists one by one.
        assert_eq!(offset_hours("America/New_York", "20990704120000"), -4);
    }

    #[test]
    fn readings_shown_twice_or_never_are_settled() {
        // Clocks went from 02:00 to 03:00 on 8 March 2026, and from 02:00 back to 01:00 on 1 November 2026.
        assert_eq!(offset_hours("America/Chicago", "20260308015959"), -6);
        assert_eq!(offset_hours("America/Chicago", "20260308023000"), -6);
        assert_eq!(offset_hours("America/Chicago", "20260308030000"), -5);
        assert_eq!(offset_hours("America/Chicago", "20261101005959"), -5);
        assert_eq!(offset_hours("America/Chicago", "20261101013000"), -5);
        assert_eq!(offset_hours("America/Chicago", "20261101020000"), -6);
    }

    #[test]
    fn names_that_are_none_are_refused() {
        for name in ["", "Mars/Olympus", "../etc/localtime", "Chicago", "UTC+5"] {
            assert!(Zone::named(name).is_none(), "{name}");
        }
        assert!(Zone::named("america/chicago").is_some());
    }
}
