//! The 57 subdivisions of the United States in ISO 3166-2.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// Code and English name: 50 states, the District of Columbia, and six territories (from [`TERRITORIES_AT`] on).
const CODES: [(&str, &str); 57] = [
    ("US-AK", "Alaska"),
    ("US-AL", "Alabama"),
    ("US-AR", "Arkansas"),
    ("US-AZ", "Arizona"),
    ("US-CA", "California"),
    ("US-CO", "Colorado"),
    ("US-CT", "Connecticut"),
    ("US-DC", "District of Columbia"),
    ("US-DE", "Delaware"),
    ("US-FL", "Florida"),
    ("US-GA", "Georgia"),
    ("US-HI", "Hawaii"),
    ("US-IA", "Iowa"),
    ("US-ID", "Idaho"),
    ("US-IL", "Illinois"),
    ("US-IN", "Indiana"),
    ("US-KS", "Kansas"),
    ("US-KY", "Kentucky"),
    ("US-LA", "Louisiana"),
    ("US-MA", "Massachusetts"),
    ("US-MD", "Maryland"),
    ("US-ME", "Maine"),
    ("US-MI", "Michigan"),
    ("US-MN", "Minnesota"),
    ("US-MO", "Missouri"),
    ("US-MS", "Mississippi"),
    ("US-MT", "Montana"),
    ("US-NC", "North Carolina"),
    ("US-ND", "North Dakota"),
    ("US-NE", "Nebraska"),
    ("US-NH", "New Hampshire"),
    ("US-NJ", "New Jersey"),
    ("US-NM", "New Mexico"),
    ("US-NV", "Nevada"),
    ("US-NY", "New York"),
    ("US-OH", "Ohio"),
    ("US-OK", "Oklahoma"),
    ("US-OR", "Oregon"),
    ("US-PA", "Pennsylvania"),
    ("US-RI", "Rhode Island"),
    ("US-SC", "South Carolina"),
    ("US-SD", "South Dakota"),
    ("US-TN", "Tennessee"),
    ("US-TX", "Texas"),
    ("US-UT", "Utah"),
    ("US-VA", "Virginia"),
    ("US-VT", "Vermont"),
    ("US-WA", "Washington"),
    ("US-WI", "Wisconsin"),
    ("US-WV", "West Virginia"),
    ("US-WY", "Wyoming"),
    ("US-AS", "American Samoa"),
    ("US-GU", "Guam"),
    ("US-MP", "Northern Mariana Islands"),
    ("US-PR", "Puerto Rico"),
    ("US-UM", "United States Minor Outlying Islands"),
    ("US-VI", "Virgin Islands"),
];
const TERRITORIES_AT: usize = 51;

/// A text that is not one of the 57 codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an ISO 3166-2 code of the United States, such as US-TX")]
pub struct BadRegion;

/// A subdivision of the United States, such as `US-TX`. Codes order by their text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RegionCode(&'static str);

impl RegionCode {
    /// The code, such as `US-TX`.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// The two letters after `US-`, which are the post's as well.
    pub fn letters(self) -> &'static str {
        self.0.get(3..).unwrap_or_default()
    }

    /// The English name.
    pub fn name(self) -> &'static str {
        CODES.iter().find(|(code, _)| *code == self.0).map_or("", |(_, name)| name)
    }

    /// Whether it is a territory: none of the 50 states and not the District of Columbia.
    pub fn is_territory(self) -> bool {
        CODES[TERRITORIES_AT..].iter().any(|(code, _)| *code == self.0)
    }

    /// All 57: the states and the district by code, then the territories by code.
    pub fn all() -> impl Iterator<Item = Self> {
        CODES.iter().map(|(code, _)| Self(code))
    }

    /// The region with these two letters, in any case.
    pub fn from_letters(letters: &str) -> Option<Self> {
        Self::all().find(|code| code.letters().eq_ignore_ascii_case(letters))
    }
}

impl fmt::Display for RegionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for RegionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl FromStr for RegionCode {
    type Err = BadRegion;

    fn from_str(text: &str) -> Result<Self, BadRegion> {
        Self::all().find(|code| code.0.eq_ignore_ascii_case(text)).ok_or(BadRegion)
    }
}

// Derived, this would ask for input that lives for ever, as the field does.
impl<'de> Deserialize<'de> for RegionCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
