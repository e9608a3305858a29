//! Reading a state field.

use super::state_names::{CANADIAN, NAMES};
use super::text::{Field, key, read};
use super::{Place, RegionCode};

/// What a state field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing.
    Absent,
    /// A place the United States' post knows.
    Known(Place),
    /// A province of Canada.
    Canadian,
    /// Something else.
    Unrecognised,
}

/// Reads a state field.
pub(super) fn parse(value: Option<&str>) -> State {
    match read(value) {
        Field::Absent => State::Absent,
        Field::Present(key) => match place(&key) {
            Some(place) => State::Known(place),
            None if CANADIAN.contains(&key.strip_prefix("ca").unwrap_or(&key)) || CANADIAN.contains(&key.as_str()) => {
                State::Canadian
            }
            None => State::Unrecognised,
        },
    }
}

/// The place that a reduced text names: `tx`, `ustx`, `texas`, `tex`, `stateoftexas`, `txtexas`, `texastx`.
pub(super) fn place(key: &str) -> Option<Place> {
    // Only two letters may follow `us`: blanks are gone, and `usala` could be US-ALA as well as USA-LA.
    let iso = || if key.len() == 4 { Place::from_letters(key.strip_prefix("us")?) } else { None };
    named(key)
        .or_else(iso)
        .or_else(|| ["stateof", "thestateof", "commonwealthof"].iter().find_map(|p| named(key.strip_prefix(p)?)))
        .or_else(|| named(key.strip_suffix("state")?))
        .or_else(|| both(key, 2))
        .or_else(|| both(key, key.len().checked_sub(2)?))
}

fn named(text: &str) -> Option<Place> {
    Place::from_letters(text)
        .or_else(|| RegionCode::all().find(|code| key(code.name()) == text).map(Place::Region))
        .or_else(|| NAMES.iter().find(|(name, _)| *name == text).and_then(|(_, letters)| Place::from_letters(letters)))
}

/// A code and a name side by side, as in `TX - Texas`, if both mean the same.
fn both(key: &str, at: usize) -> Option<Place> {
    let (head, tail) = key.split_at_checked(at)?;
    let place = named(head)?;
    (named(tail) == Some(place)).then_some(place)
}
