//! Reading a ZIP code, and holding it against a state.

use super::zip_table::{RANGES, STRADDLES};
use super::{Place, text};

/// What a ZIP code did to the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZipCheck {
    /// There is none.
    Absent,
    /// It lies where the address says, or alone told where that is.
    Agrees,
    /// It lies there once its lost leading zeros are put back, which the state bears out.
    Restored,
    /// Its post office is in another state, and is known to deliver across this very state line.
    Straddles,
    /// It is a number nobody has been given, such as 00000 or 99999.
    Unassigned,
    /// It is not a ZIP code.
    Unreadable,
}

impl ZipCheck {
    /// The stable word for records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Agrees => "agrees",
            Self::Restored => "restored",
            Self::Straddles => "straddles",
            Self::Unassigned => "unassigned",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What a postal code field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zip {
    /// Nothing.
    Absent,
    /// A number in a range of the table.
    Assigned(u32, Place),
    /// Five digits in no range.
    Unassigned,
    /// Three or four digits, which become a number in a range with zeros put before them: software took the ZIP code for a number.
    Shortened(u32, Place),
    /// A Canadian postal code.
    Canadian,
    /// Anything else.
    Unreadable,
}

/// Reads a postal code: `78701`, `78701-1234`, `787011234`, `78701 1234`, and numbers that lost leading zeros.
pub(super) fn parse(value: Option<&str>) -> Zip {
    let key = match text::read(value) {
        text::Field::Absent => return Zip::Absent,
        text::Field::Present(key) => key,
    };
    if is_canadian(&key) {
        return Zip::Canadian;
    }
    let Some((head, tail)) = value.and_then(halves) else { return Zip::Unreadable };
    let Ok(number) = head.parse::<u32>() else { return Zip::Unreadable };
    match (head.len(), tail.len()) {
        (5, _) => whole(number),
        (9, 0) => whole(number / 10_000),
        (3 | 4, _) => shortened(number),
        (7 | 8, 0) => shortened(number / 10_000),
        _ => Zip::Unreadable,
    }
}

/// The digits before and after the one separator, the latter at most four. The full-width digits are known here as well.
fn halves(value: &str) -> Option<(String, String)> {
    let value = value.trim();
    let (head, tail) = match value.char_indices().find(|(_, c)| !c.is_alphanumeric()) {
        Some((at, separator)) => (&value[..at], &value[at + separator.len_utf8()..]),
        None => (value, ""),
    };
    let (head, tail) = (text::key(head), text::key(tail));
    let digits = |text: &str, most: usize| text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
    (digits(&head, 9) && digits(&tail, 4)).then_some((head, tail))
}

/// Whether a post office is known to deliver from this ZIP code into another state.
pub(super) fn straddles(zip: u32, into: Place) -> bool {
    STRADDLES.iter().any(|(number, letters)| *number == zip && Place::from_letters(letters) == Some(into))
}

fn whole(zip: u32) -> Zip {
    assigned(zip).map_or(Zip::Unassigned, |place| Zip::Assigned(zip, place))
}

fn shortened(zip: u32) -> Zip {
    assigned(zip).map_or(Zip::Unreadable, |place| Zip::Shortened(zip, place))
}

fn assigned(zip: u32) -> Option<Place> {
    let (_, last, letters) = RANGES.get(RANGES.partition_point(|(first, ..)| *first <= zip).checked_sub(1)?)?;
    if zip <= *last { Place::from_letters(letters) } else { None }
}

/// `K1A 0B1`: letter, digit, letter, digit, letter, digit.
fn is_canadian(key: &str) -> bool {
    key.len() == 6
        && key.bytes().enumerate().all(|(at, b)| if at % 2 == 0 { b.is_ascii_lowercase() } else { b.is_ascii_digit() })
}
