//! The decision itself: country, then state, then ZIP code.

use super::country::{self, Country};
use super::state::{self, State};
use super::zip::{self, Zip};
use super::{Address, Basis, CountryCode, Decision, Gap, Military, Outcome, Place, ZipCheck, text};

/// Decides which region an address lies in, or says why that cannot be told.
pub fn decide(address: &Address) -> Decision {
    let zip = zip::parse(address.postal_code.as_deref());
    let state = state::parse(address.state.as_deref());
    let country = country::parse(address.country.as_deref());
    if let Some(decision) = military(address, country, state, zip) {
        return decision;
    }
    match country {
        Country::Unrecognised => gap(Gap::CountryUnrecognised),
        Country::Foreign(country) => foreign(country, state, zip),
        Country::Place(place) => match state {
            State::Known(stated) if stated != place => conflict(stated, place, Basis::Country),
            // Below a territory, the field holds a municipality or an island.
            State::Known(_) | State::Absent | State::Canadian | State::Unrecognised => {
                confirmed(place, Basis::Country, zip)
            }
        },
        Country::UnitedStates => domestic(state, zip),
        Country::Absent => match (state, zip) {
            (State::Canadian, zip) if !matches!(zip, Zip::Assigned(..)) => canadian(Basis::State),
            (State::Absent | State::Unrecognised, Zip::Canadian) => canadian(Basis::Zip),
            _ => domestic(state, zip),
        },
    }
}

/// Military mail is told by its state, its ZIP code or its city (APO, FPO, DPO). Its country is the United States in the post's eyes,
/// but senders also write the one the base is in.
fn military(address: &Address, country: Country, state: State, zip: Zip) -> Option<Decision> {
    let by_city = city_is_military(address.city.as_deref());
    let by_zip = match zip {
        Zip::Assigned(_, Place::Military(place)) => Some(place),
        _ => None,
    };
    let by_state = match state {
        State::Known(Place::Military(place)) => Some(place),
        _ => None,
    };
    let abroad = !matches!(country, Country::Absent | Country::UnitedStates);
    match (by_state, by_zip) {
        (Some(stated), Some(found)) if stated != found => {
            Some(conflict(Place::Military(stated), Place::Military(found), Basis::Zip))
        }
        (Some(place), Some(_)) => Some(is_military(Some(place), Basis::State, ZipCheck::Agrees)),
        _ if by_city => Some(is_military(by_state.or(by_zip), Basis::City, zip_says(zip, by_zip.is_some()))),
        _ if abroad => None,
        (Some(stated), None) => Some(match zip {
            Zip::Assigned(_, other) => conflict(Place::Military(stated), other, Basis::Zip),
            _ => is_military(Some(stated), Basis::State, zip_says(zip, false)),
        }),
        (None, Some(place)) if state == State::Absent => Some(is_military(Some(place), Basis::Zip, ZipCheck::Agrees)),
        (None, _) => None,
    }
}

/// The first word counts, for the unit's number follows it: `APO 09012`, `FPO AP`.
fn city_is_military(city: Option<&str>) -> bool {
    let first = city.unwrap_or_default().split_whitespace().next().unwrap_or_default();
    first.len() <= 8 && matches!(text::key(first).as_str(), "apo" | "fpo" | "dpo")
}

fn foreign(country: CountryCode, state: State, zip: Zip) -> Decision {
    match (state, zip) {
        // Two parts of the address speak against one: the sender's form may well have offered the wrong country.
        (State::Known(Place::Region(stated)), Zip::Assigned(_, Place::Region(found))) if stated == found => {
            gap(Gap::CountryContradicts)
        }
        _ => of(Outcome::ForeignCountry(country), Basis::Country),
    }
}

fn canadian(basis: Basis) -> Decision {
    of(Outcome::ForeignCountry(CountryCode::CANADA), basis)
}

fn domestic(state: State, zip: Zip) -> Decision {
    match state {
        State::Known(place) => confirmed(place, Basis::State, zip),
        State::Canadian | State::Unrecognised => gap(Gap::StateUnrecognised),
        State::Absent => match zip {
            Zip::Assigned(_, place) => Decision { zip: ZipCheck::Agrees, ..of(outcome(place), Basis::Zip) },
            Zip::Absent => gap(Gap::Empty),
            Zip::Shortened(..) => gap(Gap::ZipIncomplete),
            Zip::Unassigned => gap(Gap::ZipUnassigned),
            Zip::Canadian | Zip::Unreadable => gap(Gap::ZipUnreadable),
        },
    }
}

/// A place that is stated, held against the ZIP code: a real ZIP code of elsewhere contradicts it, one that is no ZIP code does not.
fn confirmed(place: Place, basis: Basis, zip: Zip) -> Decision {
    let check = match zip {
        Zip::Assigned(_, found) if found == place => ZipCheck::Agrees,
        Zip::Assigned(number, _) if zip::straddles(number, place) => ZipCheck::Straddles,
        Zip::Assigned(_, found) => return conflict(place, found, Basis::Zip),
        Zip::Shortened(_, found) if found == place => ZipCheck::Restored,
        other => zip_says(other, false),
    };
    Decision { zip: check, ..of(outcome(place), basis) }
}

fn zip_says(zip: Zip, agrees: bool) -> ZipCheck {
    match zip {
        Zip::Absent => ZipCheck::Absent,
        Zip::Assigned(..) if agrees => ZipCheck::Agrees,
        Zip::Unassigned => ZipCheck::Unassigned,
        Zip::Assigned(..) | Zip::Shortened(..) | Zip::Canadian | Zip::Unreadable => ZipCheck::Unreadable,
    }
}

fn outcome(place: Place) -> Outcome {
    match place {
        Place::Region(code) if code.is_territory() => Outcome::Territory(code),
        Place::Region(code) => Outcome::Region(code),
        Place::Military(place) => Outcome::Military(Some(place)),
        Place::Associated(place) => Outcome::FreelyAssociated(place),
    }
}

fn of(outcome: Outcome, basis: Basis) -> Decision {
    Decision { outcome, basis: Some(basis), zip: ZipCheck::Absent }
}

fn gap(gap: Gap) -> Decision {
    Decision { outcome: Outcome::Unknown(gap), basis: None, zip: ZipCheck::Absent }
}

fn conflict(state: Place, other: Place, against: Basis) -> Decision {
    Decision { outcome: Outcome::Conflict { state, other, against }, basis: None, zip: ZipCheck::Absent }
}

fn is_military(place: Option<Military>, basis: Basis, zip: ZipCheck) -> Decision {
    Decision { zip, ..of(Outcome::Military(place), basis) }
}
