//! Regions: which ISO 3166-2 subdivision of the United States an address lies in, or the exact reason why none can be told.
//!
//! A region decides a compliance question, so nothing is guessed: what contradicts itself or stays open is an outcome of its own, for a
//! person to decide. The order is country, then state, then ZIP code; the ZIP code confirms or contradicts a state, and stands for one
//! only where there is none.
//!
//! Territories (`US-PR`, `US-GU` …) have ISO codes of their own and count as regions, yet are told apart, since their law differs.
//! Military addresses (AA, AE, AP) lie in no state, and the freely associated states (FM, MH, PW) are countries that the United States'
//! post serves: neither is a region.

mod address;
mod code;
mod country;
mod decide;
mod iso3166;
mod outcome;
mod place;
mod state;
mod state_names;
#[cfg(test)]
mod tests;
mod text;
mod zip;
mod zip_table;

pub use address::Address;
pub use code::{BadRegion, RegionCode};
pub use country::CountryCode;
pub use decide::decide;
pub use outcome::{Basis, Decision, Gap, Outcome};
pub use place::{Associated, Military, Place};
pub use zip::ZipCheck;
