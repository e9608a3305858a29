//! What the two letters of a postal state can stand for.

use std::fmt;

use super::RegionCode;

/// A place that the United States' post has two letters for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A state, the district, or a territory.
    Region(RegionCode),
    /// Military mail.
    Military(Military),
    /// A country in free association with the United States.
    Associated(Associated),
}

/// Where military mail goes. These are no ISO codes, and lie in no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Military {
    /// AA: the Americas without Canada.
    Americas,
    /// AE: Europe, Africa, the Middle East and Canada.
    Europe,
    /// AP: the Pacific.
    Pacific,
}

/// A country in free association with the United States, served by their post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Associated {
    /// FM.
    Micronesia,
    /// MH.
    MarshallIslands,
    /// PW.
    Palau,
}

impl Military {
    /// The two letters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Americas => "AA",
            Self::Europe => "AE",
            Self::Pacific => "AP",
        }
    }
}

impl Associated {
    /// The two letters, which are ISO 3166-1's as well.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Micronesia => "FM",
            Self::MarshallIslands => "MH",
            Self::Palau => "PW",
        }
    }
}

impl Place {
    /// The place with these two letters, in any case.
    pub fn from_letters(letters: &str) -> Option<Self> {
        let military = [Military::Americas, Military::Europe, Military::Pacific];
        let associated = [Associated::Micronesia, Associated::MarshallIslands, Associated::Palau];
        let is = |text: &str| text.eq_ignore_ascii_case(letters);
        let region = RegionCode::from_letters(letters).map(Self::Region);
        region
            .or_else(|| military.into_iter().find(|place| is(place.as_str())).map(Self::Military))
            .or_else(|| associated.into_iter().find(|place| is(place.as_str())).map(Self::Associated))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Region(code) => code.as_str(),
            Self::Military(place) => place.as_str(),
            Self::Associated(place) => place.as_str(),
        })
    }
}
