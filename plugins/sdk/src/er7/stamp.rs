//! Time stamps: `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][±ZZZZ]`, to the precision that the sender chose.

use crate::calendar::{DAY_MS, days_from_civil, days_in_month};

/// How exact a stamp is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exactness {
    /// Four digits.
    Year,
    /// Six digits.
    Month,
    /// Eight digits.
    Day,
    /// Ten digits.
    Hour,
    /// Twelve digits.
    Minute,
    /// Fourteen digits.
    Second,
    /// Fourteen digits and a fraction.
    Millisecond,
}

/// A stamp as it was written: the clock's reading, and the offset from UTC if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The reading as if the clock showed UTC: milliseconds since 1970-01-01T00:00:00.
    pub clock_ms: i64,
    /// How exact it is; what was left out is taken as the beginning of the span.
    pub exactness: Exactness,
    /// How far the clock is ahead of UTC, in minutes.
    pub offset_minutes: Option<i32>,
}

impl Stamp {
    /// Reads a stamp, blanks around it aside. Whatever the calendar does not have is refused: year 0000, month 13,
    /// 29 February of a common year, hour 24, minute 60, and offsets beyond -12:00 and +14:00, which no zone has. The
    /// second 60 of a leap second counts as 59. Digits beyond milliseconds are cut off. The offset may be `±HH`.
    ///
    /// A whole date in the notation of ISO 8601, which some senders put here, is read as well: `2026-01-04T22:30:00-06:00`,
    /// `20260104T223000`, and `Z` for the offset of UTC. It cannot be mistaken for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(' ');
        Self::plain(text).or_else(|| Self::plain(&without_marks(text)?))
    }

    /// Reads digits, a fraction and an offset.
    fn plain(text: &str) -> Option<Self> {
        let (clock, offset_minutes) = match text.find(['+', '-']) {
            Some(at) => (&text[..at], Some(offset(text.get(at..)?)?)),
            None => (text, None),
        };
        let (digits, fraction) = match clock.split_once('.') {
            Some((digits, fraction)) => (digits, Some(fraction)),
            None => (clock, None),
        };
        let exactness = match (digits.len(), fraction) {
            (4, None) => Exactness::Year,
            (6, None) => Exactness::Month,
            (8, None) => Exactness::Day,
            (10, None) => Exactness::Hour,
            (12, None) => Exactness::Minute,
            (14, None) => Exactness::Second,
            (14, Some(_)) => Exactness::Millisecond,
            _ => return None,
        };
        let year = number(digits, 0, 4, 1, 9999)?;
        let month = number(digits, 4, 2, 1, 12)?;
        let day = number(digits, 6, 2, 1, days_in_month(year, month))?;
        let hour = number(digits, 8, 2, 0, 23)?;
        let minute = number(digits, 10, 2, 0, 59)?;
        let second = number(digits, 12, 2, 0, 60)?.min(59);
        let millis = fraction.map_or(Some(0), milliseconds)?;
        let clock_ms = ((hour * 60 + minute) * 60 + second) * 1000 + millis;
        Some(Self { clock_ms: days_from_civil(year, month, day) * DAY_MS + clock_ms, exactness, offset_minutes })
    }

    /// The moment, if the stamp has an offset: Unix milliseconds.
    pub fn unix_ms(&self) -> Option<i64> {
        self.offset_minutes.map(|minutes| self.clock_ms - i64::from(minutes) * 60_000)
    }

    /// The same, no more exact than this. Senders that always write fourteen digits say in the second component of the
    /// field how many of them count.
    #[must_use]
    pub fn at_most(self, exactness: Exactness) -> Self {
        Self { exactness: self.exactness.min(exactness), ..self }
    }

    /// What that second component says, by HL7's table 0529.
    pub fn exactness_named(name: &str) -> Option<Exactness> {
        Some(match name.trim() {
            "Y" => Exactness::Year,
            "L" => Exactness::Month,
            "D" => Exactness::Day,
            "H" => Exactness::Hour,
            "M" => Exactness::Minute,
            "S" => Exactness::Second,
            _ => return None,
        })
    }
}

/// A stamp in the notation of ISO 8601, or with an offset in that, without its hyphens, colons and letters.
fn without_marks(text: &str) -> Option<String> {
    let is_extended = text.len() >= 10 && text.is_ascii() && text[4..5] == *"-" && text[7..8] == *"-";
    let (mut plain, rest) = if is_extended {
        (format!("{}{}{}", &text[..4], &text[5..7], &text[8..10]), &text[10..])
    } else {
        let (date, rest) = text.split_at_checked(8)?;
        (date.to_owned(), rest)
    };
    let clock = rest.strip_prefix(['T', 't']).or_else(|| rest.strip_prefix(' ').filter(|_| is_extended));
    let rest = clock.unwrap_or(rest);
    // What marks a clock has nothing before its first digits.
    if clock.is_some() && !rest.starts_with(|it: char| it.is_ascii_digit()) {
        return None;
    }
    let (clock_reading, offset) = rest.split_at(rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len()));
    let colons = |it: char| it != ':';
    plain.extend(clock_reading.chars().filter(|it| colons(*it) || (clock.is_none() && !is_extended)));
    match offset {
        "Z" | "z" => plain.push_str("+0000"),
        offset => plain.extend(offset.chars().filter(|it| colons(*it))),
    }
    Some(plain)
}

/// The number in these digits, or its least value if they are left out.
fn number(digits: &str, start: usize, length: usize, least: i64, most: i64) -> Option<i64> {
    if digits.len() == start {
        return Some(least);
    }
    let Some(part) = digits.as_bytes().get(start..start + length) else {
        // What comes before was left out too.
        return (digits.len() < start).then_some(least);
    };
    let value =
        part.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')));
    value.filter(|value| (least..=most).contains(value))
}

fn milliseconds(fraction: &str) -> Option<i64> {
    let digits = fraction.as_bytes();
    let legal = (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let digit = |place: usize| i64::from(digits.get(place).map_or(0, |byte| byte - b'0'));
    legal.then(|| digit(0) * 100 + digit(1) * 10 + digit(2))
}

fn offset(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.as_bytes().get(1..)?;
    if !matches!(digits.len(), 2 | 4) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |place: usize| i32::from(digits.get(place).map_or(0, |byte| byte - b'0'));
    let minutes = sign * ((digit(0) * 10 + digit(1)) * 60 + digit(2) * 10 + digit(3));
    (digit(2) < 6 && (-12 * 60..=14 * 60).contains(&minutes)).then_some(minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unix_ms(text: &str) -> Option<i64> {
        let stamp = Stamp::parse(text)?;
        stamp.unix_ms().or(Some(stamp.clock_ms))
    }

    #[test]
    fn every_precision_is_read() {
        for (text, clock_ms, exactness) in [
            ("2026", 1_767_225_600_000, Exactness::Year),
            ("202601", 1_767_225_600_000, Exactness::Month),
            ("20260104", 1_767_484_800_000, Exactness::Day),
            ("2026010422", 1_767_564_000_000, Exactness::Hour),
            ("202601042230", 1_767_565_800_000, Exactness::Minute),
            ("20260104223005", 1_767_565_805_000, Exactness::Second),
            ("20260104223005.2", 1_767_565_805_200, Exactness::Millisecond),
            ("20260104223005.2509", 1_767_565_805_250, Exactness::Millisecond),
            (" 20260104 ", 1_767_484_800_000, Exactness::Day),
        ] {
            let stamp = Stamp { clock_ms, exactness, offset_minutes: None };
            assert_eq!(Stamp::parse(text), Some(stamp), "{text}");
            assert_eq!(Stamp::parse(&format!("{}-0600", text.trim())).unwrap().exactness, exactness);
        }
    }

    #[test]
    fn offsets_are_taken_off() {
        let expected = unix_ms("20260104223000+0000");
        assert_eq!(expected, Some(1_767_565_800_000));
        for same in [
            "20260104163000-0600",
            "20260105040000+0530",
            "202601050045+0215",
            "20260104223000-0000",
            "20260104163000-06",
        ] {
            assert_eq!(unix_ms(same), expected, "{same}");
        }
        assert_eq!(Stamp::parse("198908181126+0215").unwrap().offset_minutes, Some(135));
        assert_eq!(Stamp::parse("198908181126").unwrap().unix_ms(), None);
    }

    proptest::proptest! {
        #[test]
        fn whatever_stands_there_is_a_time_of_the_calendar_or_none(text in "[0-9TZtz:.+ é-]{0,32}|\\PC{0,16}") {
            if let Some(stamp) = Stamp::parse(&text) {
                let day = Stamp::parse("00010101").unwrap().clock_ms..=Stamp::parse("99991231235959.999").unwrap().clock_ms;
                proptest::prop_assert!(day.contains(&stamp.clock_ms), "{}", text);
            }
        }
    }

    #[test]
    fn the_notation_of_iso_8601_is_understood() {
        for (text, same) in [
            ("2026-01-04", "20260104"),
            ("20260104Z", "20260104+0000"),
            ("2026-01-04T22", "2026010422"),
            ("2026-01-04T22:30", "202601042230"),
            ("2026-01-04 22:30:05", "20260104223005"),
            ("2026-01-04T22:30:05.25Z", "20260104223005.25+0000"),
            ("2026-01-04T22:30:05-06:00", "20260104223005-0600"),
            ("20260104T223005", "20260104223005"),
            ("20260104t2230z", "202601042230+0000"),
            ("20260104223005-06:00", "20260104223005-0600"),
            ("20260104223005Z", "20260104223005+0000"),
        ] {
            assert_eq!(Stamp::parse(text), Stamp::parse(same), "{text}");
            assert!(Stamp::parse(text).is_some(), "{text}");
        }
        // A year with an offset, as HL7 writes it, and no month.
        assert_eq!(Stamp::parse("2026-06").unwrap().exactness, Exactness::Year);
    }

    #[test]
    fn what_the_calendar_does_not_have_is_refused() {
        for bad in [
            "",
            "202",
            "20261",
            "2026010",
            "202601042",
            "20260104223",
            "2026010422305",
            "202601042230055",
            "00000101",
            "20261301",
            "20260001",
            "20260100",
            "20230229",
            "19000229",
            "20260431",
            "2026010424",
            "202601042260",
            "20260104223061",
            "20260104223000.",
            "20260104223000.1234567890",
            "202601042230.5",
            "20260104223000+1500",
            "20260104223000-1201",
            "20260104223000+0060",
            "20260104223000+060",
            "20260104223000+6",
            "20260104223000ZZ",
            "20260104223000Z+0000",
            "2026-1-4",
            "2026-13-04",
            "2026-01-04T",
            "20260104T",
            "2026-01-04T24:00",
            "2026-01-04T22:30:00 -06:00",
            "22:30:00",
            "2026010422:30",
            "04-01-2026",
            "2026-é1-04",
            "2026010a",
            "+0600",
            "20260104+",
            "2026\u{660}104",
            "２０２６",
            "20260104 22",
        ] {
            assert_eq!(Stamp::parse(bad), None, "{bad}");
        }
        assert!(Stamp::parse("20240229").is_some() && Stamp::parse("20000229").is_some());
        assert_eq!(unix_ms("20161231235960"), unix_ms("20161231235959"));
    }

    #[test]
    fn a_second_component_can_take_exactness_away() {
        let stamp = Stamp::parse("20260104000000").unwrap();
        assert_eq!(Stamp::exactness_named("D").map(|it| stamp.at_most(it).exactness), Some(Exactness::Day));
        assert_eq!(stamp.at_most(Exactness::Millisecond).exactness, Exactness::Second);
        assert_eq!(Stamp::exactness_named("X"), None);
    }
}
