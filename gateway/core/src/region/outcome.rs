//! What can be said of an address.

use super::{Associated, CountryCode, Military, Place, RegionCode, ZipCheck};

/// What an address was found to be, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// What it is.
    pub outcome: Outcome,
    /// Which part of the address told; none where nothing did.
    pub basis: Option<Basis>,
    /// What the ZIP code had to say.
    pub zip: ZipCheck,
}

/// What an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// One of the 50 states or the District of Columbia.
    Region(RegionCode),
    /// A territory, which has an ISO code and counts as a region.
    Territory(RegionCode),
    /// Military mail: the person may be anywhere. Which part of the world, if the address says so.
    Military(Option<Military>),
    /// A country in free association with the United States.
    FreelyAssociated(Associated),
    /// Another country.
    ForeignCountry(CountryCode),
    /// Two parts of the address name two different places.
    Conflict {
        /// What the state says.
        state: Place,
        /// What the other part says.
        other: Place,
        /// Which part that is: the ZIP code or the country.
        against: Basis,
    },
    /// It cannot be told.
    Unknown(Gap),
}

/// A part of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The state.
    State,
    /// The ZIP code.
    Zip,
    /// The country.
    Country,
    /// The city, which tells military mail only.
    City,
}

/// Why it cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// Neither state nor ZIP code.
    Empty,
    /// The state is not one of the United States'.
    StateUnrecognised,
    /// The country is not one that exists.
    CountryUnrecognised,
    /// The country is foreign, and state and ZIP code together are one of the United States'.
    CountryContradicts,
    /// The ZIP code has lost digits, and no state bears out which.
    ZipIncomplete,
    /// The ZIP code is a number nobody has been given, and there is no state.
    ZipUnassigned,
    /// The ZIP code is none, and there is no state.
    ZipUnreadable,
}

impl Decision {
    /// The region to keep records for: that of a state, the district or a territory.
    pub const fn region(&self) -> Option<RegionCode> {
        match self.outcome {
            Outcome::Region(code) | Outcome::Territory(code) => Some(code),
            _ => None,
        }
    }

    /// Whether the state was followed although the ZIP code is not one that could confirm it.
    pub const fn zip_mismatch(&self) -> bool {
        matches!(self.zip, ZipCheck::Unassigned | ZipCheck::Unreadable)
    }

    /// One stable word for records: what the region was decided by, or else the kind of outcome.
    pub const fn word(&self) -> &'static str {
        match (self.region(), self.basis) {
            (Some(_), Some(basis)) => basis.as_str(),
            _ => self.outcome.as_str(),
        }
    }
}

impl Outcome {
    /// The stable word for records.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Region(_) => "region",
            Self::Territory(_) => "territory",
            Self::Military(_) => "military",
            Self::FreelyAssociated(_) => "freely_associated",
            Self::ForeignCountry(_) => "foreign_country",
            Self::Conflict { .. } => "conflict",
            Self::Unknown(_) => "unknown",
        }
    }

    /// What it means, for the operator who has to decide. It names no more of the address than codes of states and countries.
    pub fn explanation(&self) -> String {
        match self {
            Self::Region(code) => format!("the address is in {}", code.name()),
            Self::Territory(code) => format!("the address is in the territory {}", code.name()),
            Self::Military(_) => "the address is military mail, which lies in no state".to_owned(),
            Self::FreelyAssociated(place) => {
                format!("the address is in a freely associated state ({}), which is not a region", place.as_str())
            }
            Self::ForeignCountry(country) => format!("the address is in another country ({country})"),
            Self::Conflict { state, other, against } => {
                format!("the state says {state}, the {} says {other}", against.noun())
            }
            Self::Unknown(gap) => gap.explanation().to_owned(),
        }
    }
}

impl Basis {
    /// The stable word for records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Zip => "zip",
            Self::Country => "country",
            Self::City => "city",
        }
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::Zip => "ZIP code",
            other => other.as_str(),
        }
    }
}

impl Gap {
    /// The stable word for records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::StateUnrecognised => "state_unrecognised",
            Self::CountryUnrecognised => "country_unrecognised",
            Self::CountryContradicts => "country_contradicts",
            Self::ZipIncomplete => "zip_incomplete",
            Self::ZipUnassigned => "zip_unassigned",
            Self::ZipUnreadable => "zip_unreadable",
        }
    }

    const fn explanation(self) -> &'static str {
        match self {
            Self::Empty => "the address has neither state nor ZIP code",
            Self::StateUnrecognised => "the state is not one of the United States'",
            Self::CountryUnrecognised => "the country is not recognised",
            Self::CountryContradicts => "the country is foreign, yet state and ZIP code belong to the United States",
            Self::ZipIncomplete => "the ZIP code has lost digits, and no state bears out which",
            Self::ZipUnassigned => "the ZIP code is not assigned, and there is no state",
            Self::ZipUnreadable => "the ZIP code cannot be read, and there is no state",
        }
    }
}
