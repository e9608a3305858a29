//! The zone that stands in where a partner tells none.

use super::Offset;
#[cfg(feature = "zones")]
use crate::er7::Zone;
use crate::inbound::Timestamp;

/// The zone that is assumed for times without an offset: one offset from UTC, or with the feature `zones` a time zone by
/// its IANA name, whose clocks are set forward and back. UTC unless another is told.
#[derive(Clone, Copy, Debug)]
pub struct Assumed(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    Offset(Offset),
    #[cfg(feature = "zones")]
    Zone(&'static str, Zone),
}

impl Assumed {
    /// What [`Assumed::parse`] takes, in the words of a refusal.
    #[cfg(feature = "zones")]
    pub const EXPECTED: &str = "an offset from UTC, such as -06:00, or the IANA name of a time zone";
    /// What [`Assumed::parse`] takes, in the words of a refusal.
    #[cfg(not(feature = "zones"))]
    pub const EXPECTED: &str = "an offset from UTC, such as -06:00";

    /// Reads `Z`, `-06:00`, `+0530` or `+05`; with the feature `zones` also `America/Chicago`.
    pub fn parse(text: &str) -> Option<Self> {
        let offset = Offset::parse(text).map(Kind::Offset);
        #[cfg(feature = "zones")]
        let offset = offset.or_else(|| Zone::found(text).map(|(name, zone)| Kind::Zone(name, zone)));
        offset.map(Self)
    }

    /// The attribute that tells which zone was assumed, if one was.
    pub fn note(&self, at: &Timestamp) -> Option<(String, String)> {
        let name = match self.0 {
            Kind::Offset(offset) => offset.to_string(),
            #[cfg(feature = "zones")]
            Kind::Zone(name, _) => name.to_owned(),
        };
        at.zone_assumed.then(|| ("zone".to_owned(), name))
    }

    /// The moment at which clocks here showed this reading (milliseconds as if it were UTC).
    pub(super) fn unix_ms(self, clock_ms: i64) -> Option<i64> {
        match self.0 {
            Kind::Offset(offset) => clock_ms.checked_sub(i64::from(offset.0) * 60_000),
            #[cfg(feature = "zones")]
            Kind::Zone(_, zone) => zone.unix_ms(clock_ms),
        }
    }
}

impl From<Offset> for Assumed {
    fn from(offset: Offset) -> Self {
        Self(Kind::Offset(offset))
    }
}

impl Default for Assumed {
    fn default() -> Self {
        Offset::default().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso8601::parse_iso8601;

    #[test]
    fn offsets_are_zones_that_never_change() {
        let assumed = Assumed::parse("-0330").unwrap();
        let at = parse_iso8601("2026-07-04T16:30:00", assumed).unwrap().timestamp;
        assert_eq!(at.unix_ms, parse_iso8601("2026-07-04T20:00:00Z", assumed).unwrap().timestamp.unix_ms);
        assert_eq!(assumed.note(&at), Some(("zone".to_owned(), "-03:30".to_owned())));
        for bad in ["", "Chicago", "America/Nowhere", "+15:00", "../UTC"] {
            assert!(Assumed::parse(bad).is_none(), "{bad}");
        }
    }

    #[cfg(feature = "zones")]
    #[test]
    fn clocks_of_a_zone_are_set_forward_and_back() {
        let assumed = Assumed::parse("america/chicago").unwrap();
        let read = |text| parse_iso8601(text, assumed).map(|it| it.timestamp.unix_ms);
        for (local, universal) in [
            ("2026-01-04T16:30:00", "2026-01-04T22:30:00Z"),
            ("2026-07-04T16:30", "2026-07-04T21:30:00Z"),
            ("2026-07-04", "2026-07-04T05:00:00Z"),
            // Never shown, and shown twice.
            ("2026-03-08T02:30:00", "2026-03-08T08:30:00Z"),
            ("2026-11-01T01:30:00", "2026-11-01T06:30:00Z"),
            ("2026-11-01T01:30:00-06:00", "2026-11-01T07:30:00Z"),
        ] {
            assert_eq!(read(local), read(universal), "{local}");
        }
        let at = parse_iso8601("2026-07-04", assumed).unwrap().timestamp;
        assert_eq!(assumed.note(&at), Some(("zone".to_owned(), "America/Chicago".to_owned())));
        assert_eq!((read("0000-01-01"), read("0001-01-01").is_some()), (None, true));
    }
}
