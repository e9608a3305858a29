//! How a zone goes on after its last recorded change, in the notation of POSIX: `CST6CDT,M3.2.0,M11.1.0`.

use crate::calendar::{civil_from_days, days_from_civil};

const DAY_SECONDS: i64 = 24 * 60 * 60;
const HOUR_SECONDS: i64 = 60 * 60;

/// One offset, or two that take turns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// Seconds ahead of UTC.
    standard: i64,
    daylight: Option<Daylight>,
}

#[derive(Clone, Copy, Debug)]
struct Daylight {
    offset: i64,
    begins: Change,
    ends: Change,
}

/// A day of every year and a time of it, on the clock that was in force before.
#[derive(Clone, Copy, Debug)]
struct Change {
    day: Day,
    seconds: i64,
}

#[derive(Clone, Copy, Debug)]
enum Day {
    /// The nth of a weekday in a month; the fifth is the last. Sunday is 0.
    Weekday { month: i64, nth: i64, weekday: i64 },
    /// From 1 to 365; 29 February has no number.
    Numbered(i64),
    /// Days after the first of January.
    After(i64),
}

impl Rule {
    /// `None` if the text is no such rule.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let mut rest = text;
        name(&mut rest)?;
        // POSIX counts westward.
        let standard = -time(&mut rest)?;
        if rest.is_empty() {
            return Some(Self { standard, daylight: None });
        }
        name(&mut rest)?;
        let offset = if rest.first() == Some(&b',') { standard + HOUR_SECONDS } else { -time(&mut rest)? };
        let begins = change(&mut rest)?;
        let ends = change(&mut rest)?;
        rest.is_empty().then_some(Self { standard, daylight: Some(Daylight { offset, begins, ends }) })
    }

    /// Seconds ahead of UTC at this moment.
    pub(super) fn offset_at(&self, unix: i64) -> i64 {
        let Some(daylight) = &self.daylight else { return self.standard };
        let (year, ..) = civil_from_days((unix + self.standard).div_euclid(DAY_SECONDS));
        let begins = daylight.begins.in_year(year) - self.standard;
        let ends = daylight.ends.in_year(year) - daylight.offset;
        // South of the equator it ends before it begins.
        let is_daylight = if begins < ends { begins <= unix && unix < ends } else { !(ends <= unix && unix < begins) };
        if is_daylight { daylight.offset } else { self.standard }
    }
}

impl Change {
    /// The clock's reading, as if it were UTC.
    fn in_year(self, year: i64) -> i64 {
        let day = match self.day {
            Day::Weekday { month, nth, weekday } => {
                let first = days_from_civil(year, month, 1);
                // 1970-01-01 was a Thursday.
                let day = first + (weekday - (first + 4)).rem_euclid(7) + (nth - 1) * 7;
                let next_month =
                    if month == 12 { days_from_civil(year + 1, 1, 1) } else { days_from_civil(year, month + 1, 1) };
                if day < next_month { day } else { day - 7 }
            }
            Day::Numbered(number) => {
                let is_after_february = number > 31 + 28;
                let march = days_from_civil(year, 3, 1);
                if is_after_february { march + number - 60 } else { days_from_civil(year, 1, 1) + number - 1 }
            }
            Day::After(days) => days_from_civil(year, 1, 1) + days,
        };
        day * DAY_SECONDS + self.seconds
    }
}

/// Takes the name of a kind of time: letters, or anything between angle brackets.
fn name(rest: &mut &[u8]) -> Option<()> {
    let length = if rest.first() == Some(&b'<') {
        rest.iter().position(|byte| *byte == b'>')? + 1
    } else {
        rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count()
    };
    *rest = &rest[length..];
    (length >= 3).then_some(())
}

/// Takes a time, `[+-]hh[:mm[:ss]]`, in seconds.
fn time(rest: &mut &[u8]) -> Option<i64> {
    let is_negative = take(rest, b'-');
    if !is_negative {
        take(rest, b'+');
    }
    let mut seconds = number(rest)? * HOUR_SECONDS;
    for unit in [60, 1] {
        if !take(rest, b':') {
            break;
        }
        seconds += number(rest)? * unit;
    }
    Some(if is_negative { -seconds } else { seconds })
}

/// Takes `,Mm.n.d`, `,Jn` or `,n`, each with `/time` if it is not two o'clock.
fn change(rest: &mut &[u8]) -> Option<Change> {
    if !take(rest, b',') {
        return None;
    }
    let day = if take(rest, b'M') {
        let month = number(rest)?;
        let nth = if take(rest, b'.') { number(rest)? } else { return None };
        let weekday = if take(rest, b'.') { number(rest)? } else { return None };
        let is_legal = (1..=12).contains(&month) && (1..=5).contains(&nth) && weekday < 7;
        is_legal.then_some(Day::Weekday { month, nth, weekday })?
    } else if take(rest, b'J') {
        Day::Numbered(number(rest)?)
    } else {
        Day::After(number(rest)?)
    };
    let seconds = if take(rest, b'/') { time(rest)? } else { 2 * HOUR_SECONDS };
    Some(Change { day, seconds })
}

fn take(rest: &mut &[u8], byte: u8) -> bool {
    match rest.strip_prefix(&[byte]) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    }
}

/// Takes a number of at most three digits.
fn number(rest: &mut &[u8]) -> Option<i64> {
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, after) = rest.split_at(length);
    *rest = after;
    (1..=3).contains(&length).then(|| digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
}
