//! Reading a country field.

use std::fmt;

use super::iso3166::{self, COUNTRIES};
use super::text::{Field, key, read};
use super::{Place, state};

/// A foreign country's ISO 3166-1 alpha-2 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryCode(&'static str);

impl CountryCode {
    /// Canada.
    pub const CANADA: Self = Self("CA");

    /// The two letters.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// What a country field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Country {
    /// Nothing.
    Absent,
    /// The United States.
    UnitedStates,
    /// A territory or freely associated state, given as the country it has a code for.
    Place(Place),
    /// Another country.
    Foreign(CountryCode),
    /// Something else.
    Unrecognised,
}

const UNITED_STATES: [&str; 15] = [
    "us",
    "usa",
    "840",
    "unitedstates",
    "theunitedstates",
    "unitedstatesofamerica",
    "theunitedstatesofamerica",
    "unitedstatesamerica",
    "unitedstatesus",
    "usunitedstates",
    "unitedstatesusa",
    "usofa",
    "america",
    "estadosunidos",
    "etatsunis",
];

/// Names in common use that are not ISO's, reduced, with the alpha-2 code.
const COMMON: [(&str, &str); 32] = [
    ("uk", "GB"),
    ("greatbritain", "GB"),
    ("unitedkingdom", "GB"),
    ("england", "GB"),
    ("scotland", "GB"),
    ("wales", "GB"),
    ("northernireland", "GB"),
    ("russia", "RU"),
    ("southkorea", "KR"),
    ("republicofkorea", "KR"),
    ("northkorea", "KP"),
    ("vietnam", "VN"),
    ("turkey", "TR"),
    ("turkiye", "TR"),
    ("czechrepublic", "CZ"),
    ("czechia", "CZ"),
    ("holland", "NL"),
    ("thenetherlands", "NL"),
    ("netherlands", "NL"),
    ("ivorycoast", "CI"),
    ("laos", "LA"),
    ("syria", "SY"),
    ("macedonia", "MK"),
    ("capeverde", "CV"),
    ("swaziland", "SZ"),
    ("burma", "MM"),
    ("democraticrepublicofthecongo", "CD"),
    ("thebahamas", "BS"),
    ("thephilippines", "PH"),
    ("mexico", "MX"),
    ("britishvirginislands", "VG"),
    ("deutschland", "DE"),
];

/// Reads a country field.
pub(super) fn parse(value: Option<&str>) -> Country {
    // `N/A` means nothing, and `NA` is Namibia.
    let is_namibia = value.is_some_and(|value| value.trim().eq_ignore_ascii_case("na"));
    let key = match read(value) {
        _ if is_namibia => "na".to_owned(),
        Field::Absent => return Country::Absent,
        Field::Present(key) => key,
    };
    if UNITED_STATES.contains(&key.as_str()) {
        return Country::UnitedStates;
    }
    let common = COMMON.iter().find(|(name, _)| *name == key).map(|(_, code)| *code);
    match common.or_else(|| alpha2(&key)) {
        Some(code) => place(code).map_or(Country::Foreign(CountryCode(code)), Country::Place),
        // `US Virgin Islands`, `CNMI` and the like are written here as well; a state's name is not a country's.
        None => match state::place(&key) {
            Some(Place::Region(region)) if !region.is_territory() => Country::Unrecognised,
            Some(Place::Military(_)) | None => Country::Unrecognised,
            Some(place) => Country::Place(place),
        },
    }
}

/// Territories and freely associated states have country codes that are their postal letters, too.
fn place(alpha2: &str) -> Option<Place> {
    match Place::from_letters(alpha2)? {
        Place::Region(region) if region.is_territory() => Some(Place::Region(region)),
        Place::Associated(associated) => Some(Place::Associated(associated)),
        Place::Region(_) | Place::Military(_) => None,
    }
}

fn alpha2(text: &str) -> Option<&'static str> {
    let exact = |country: &&iso3166::Country| {
        let codes = [country.alpha2, country.alpha3, country.numeric];
        codes.iter().any(|code| text.eq_ignore_ascii_case(code)) || text == key(country.name)
    };
    // ISO's names have what is not spoken behind a comma or in brackets: `Iran (Islamic Republic of)`.
    let spoken = |country: &&iso3166::Country| text == key(country.name.split([',', '(']).next().unwrap_or_default());
    let found = COUNTRIES.iter().find(exact).or_else(|| COUNTRIES.iter().find(spoken));
    found.map(|country| country.alpha2)
}
