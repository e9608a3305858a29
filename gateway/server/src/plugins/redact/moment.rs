//! Another moment, written as the first one was.

use super::dice::Dice;

const TEXT_BYTES_MAX: usize = 40;

/// The date, or date and time of RFC 3339 (`1990-05-01`, `2026-01-04T22:30:00.5Z`), that takes a text's place; also of `1990-05`. `None` if the text is none.
pub(super) fn redacted(text: &str, dice: &mut Dice) -> Option<String> {
    if text.len() > TEXT_BYTES_MAX || !text.is_ascii() {
        return None;
    }
    if text.len() == 7 {
        let (year, month) = (digits(text.get(..4)?)?, digits(text.strip_prefix(text.get(..4)?)?.strip_prefix('-')?)?);
        let Date { year, month, .. } = Date { year, month, day: 1 }.is_real()?.another(dice);
        return Some(format!("{year:04}-{month:02}"));
    }
    let (date, rest) = text.split_at_checked(10)?;
    let [year, month, day] = separated(date, '-')?;
    let other = Date { year, month, day }.is_real()?.another(dice);
    let date = format!("{:04}-{:02}-{:02}", other.year, other.month, other.day);
    if rest.is_empty() {
        return Some(date);
    }
    let (joint, time) = rest.split_at_checked(1).filter(|(joint, _)| matches!(*joint, "T" | "t" | " "))?;
    Some(format!("{date}{joint}{}", clock(time, ":", dice)?))
}

/// The same for the compact form of HL7 version 2: `19900501`, `20260104223000.5-0600`.
pub(super) fn compact(text: &str, dice: &mut Dice) -> Option<String> {
    if text.len() > TEXT_BYTES_MAX || !text.is_ascii() {
        return None;
    }
    let (date, time) = text.split_at_checked(8)?;
    let [year, month, day] = [digits(&date[..4])?, digits(&date[4..6])?, digits(&date[6..])?];
    let other = Date { year, month, day }.is_real()?.another(dice);
    let date = format!("{:04}{:02}{:02}", other.year, other.month, other.day);
    Some(if time.is_empty() { date } else { date + &clock(time, "", dice)? })
}

fn digits(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// `1990-05-01` in three numbers.
fn separated(text: &str, separator: char) -> Option<[u16; 3]> {
    let mut parts = text.split(separator).map(|part| (part.len(), digits(part)));
    let mut next = |length: usize| parts.next().filter(|(found, _)| *found == length)?.1;
    Some([next(4)?, next(2)?, next(2)?])
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Date {
    year: u16,
    month: u16,
    day: u16,
}

impl Date {
    fn is_real(self) -> Option<Self> {
        let real = (1800..2200).contains(&self.year) && (1..=12).contains(&self.month) && (1..=31).contains(&self.day);
        real.then_some(self)
    }

    /// Another day, in the past, of the same half of a life: who was born long ago still was.
    fn another(self, dice: &mut Dice) -> Self {
        let year = if self.year < 2000 { 1940 + dice.below(60) } else { 2000 + dice.below(26) };
        let mut other = Self { year, month: 1 + dice.below(12), day: 1 + dice.below(28) };
        if (other.year, other.month) == (self.year, self.month) {
            other.month = other.month % 12 + 1;
        }
        other
    }
}

fn two_digits(number: u16) -> String {
    format!("{number:02}")
}

/// A time of day and its offset: `22:30:00.5Z`, with the separator that its form has.
fn clock(text: &str, separator: &str, dice: &mut Dice) -> Option<String> {
    let mut rest = text;
    let mut other = String::new();
    for (at, bound) in [24, 60, 60].into_iter().enumerate() {
        // Seconds may be left out, hours and minutes may not.
        let after = if at == 0 { Some(rest) } else { rest.strip_prefix(separator) };
        let found = after.and_then(|after| Some((digits(after.get(..2)?)?, after.get(2..)?)));
        let (value, after) = match found {
            Some(found) => found,
            None if at == 2 => break,
            None => return None,
        };
        let leap_second = at == 2 && value == 60;
        if value >= bound && !leap_second {
            return None;
        }
        other.push_str(if at == 0 { "" } else { separator });
        other.push_str(&two_digits(dice.below(bound)));
        rest = after;
    }
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
        other.push('.');
        other.extend((0..length).map(|_| char::from(b'0' + u8::try_from(dice.below(10)).unwrap_or(0))));
        rest = &fraction[length..];
    }
    Some(other + &offset(rest, separator, dice)?)
}

fn offset(text: &str, separator: &str, dice: &mut Dice) -> Option<String> {
    if matches!(text, "" | "Z" | "z") {
        return Some(text.to_owned());
    }
    let (sign, rest) = text.split_at_checked(1).filter(|(sign, _)| matches!(*sign, "+" | "-"))?;
    let (hours, rest) = rest.split_at_checked(2)?;
    let minutes = rest.strip_prefix(separator)?;
    let real = minutes.len() == 2 && digits(hours)? < 24 && digits(minutes)? < 60;
    real.then(|| format!("{sign}{:02}{separator}00", dice.below(12)))
}
