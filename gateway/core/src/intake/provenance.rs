//! Provenance: where what an event says comes from, so that a compliance decision can be explained without opening the message.

use serde::Serialize;
use std::collections::BTreeMap;

/// What of a plugin's attributes goes with an event: how things were read, never what a patient is. The names are those that the gateway's own plugins document.
const REPORTED: [&str; 20] = [
    "zone",
    "modality",
    "trigger",
    "completed-at-source",
    "completed-at-precision",
    "starts-at-source",
    "starts-at-precision",
    "changed-at-source",
    "changed-at-precision",
    "duration-source",
    "identifier-place",
    "identifier-type",
    "appointment-source",
    "address-place",
    "address-type",
    "address-use",
    "address-as-of",
    "fhir-status",
    "fhir-source",
    "visit-status",
];
/// Longer values are no words of a plugin's own.
const VALUE_BYTES_MAX: usize = 64;

/// Where what an event says of an establishment comes from.
#[derive(Serialize)]
pub(super) struct Provenance<'a> {
    /// What the region follows from.
    pub region_source: RegionSource,
    /// By which part of the address it was decided: `state`, `zip` and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_decided_by: Option<String>,
    /// As of when the address is on record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_as_of: Option<String>,
    /// What the plugin tells of how it read the message.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reported: BTreeMap<String, &'a str>,
}

/// What a region follows from.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RegionSource {
    /// The address on the customer's record.
    CustomerAddress,
    /// An operator's decision.
    Operator,
}

/// What a plugin tells of how it read a message, in the case of our API.
pub(super) fn reported(attributes: &[(String, String)]) -> BTreeMap<String, &str> {
    let told =
        attributes.iter().filter(|(name, value)| REPORTED.contains(&name.as_str()) && value.len() <= VALUE_BYTES_MAX);
    told.map(|(name, value)| (name.replace('-', "_"), value.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_about_the_reading_go_with_an_event() {
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let attributes = pairs(&[
            ("zone", "America/Chicago"),
            ("address-as-of", "2026-01-04"),
            ("patient-name", "Ada"),
            ("modality", &"x".repeat(65)),
        ]);
        let told = reported(&attributes);
        assert_eq!(
            told.into_iter().collect::<Vec<_>>(),
            [("address_as_of".to_owned(), "2026-01-04"), ("zone".to_owned(), "America/Chicago"),]
        );
    }
}
