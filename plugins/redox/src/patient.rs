//! Patients: their demographics, and merges.

use hookwright_plugin_sdk::inbound::{Address, PatientUpdated, Timestamp};
use hookwright_plugin_sdk::json::{Mismatch, Node};
use hookwright_plugin_sdk::timestamp::to_rfc3339;

use crate::identifier;
use crate::settings::Settings;

/// What a patient's demographics say.
pub(crate) fn updated(root: &Node<'_>, settings: &Settings) -> Result<PatientUpdated, Mismatch> {
    let patient = root.get("Patient");
    let changed_at = delivered_at(root, settings)?;
    let address = address(&patient.get("Demographics").get("Address"))?;
    let attributes = if address.is_some() { provenance(changed_at) } else { Vec::new() };
    Ok(PatientUpdated {
        patient_external_id: identifier::of_patient(&patient.get("Identifiers"), settings)?,
        name: name(&patient.get("Demographics"))?,
        address,
        merged_into: None,
        changed_at,
        test: root.get("Meta").get("Test").spelt_flag()?,
        attributes,
    })
}

/// A merge is told of the one who remains, and means the one who does not.
pub(crate) fn merged(root: &Node<'_>, settings: &Settings) -> Result<PatientUpdated, Mismatch> {
    let patient = root.get("Patient");
    Ok(PatientUpdated {
        patient_external_id: identifier::of_patient(&patient.get("PreviousIdentifiers"), settings)?,
        name: None,
        address: None,
        merged_into: Some(identifier::of_patient(&patient.get("Identifiers"), settings)?),
        changed_at: delivered_at(root, settings)?,
        test: root.get("Meta").get("Test").spelt_flag()?,
        attributes: Vec::new(),
    })
}

/// When Redox delivered the message, if it tells.
pub(crate) fn delivered_at(root: &Node<'_>, settings: &Settings) -> Result<Option<Timestamp>, Mismatch> {
    let at = root.get("Meta").get("EventDateTime").told().map(|at| at.moment(settings.zone)).transpose()?;
    Ok(at.map(|moment| moment.timestamp))
}

/// Where an address comes from, and as of when.
pub(crate) fn provenance(as_of: Option<Timestamp>) -> Vec<(String, String)> {
    let used = ("address-use".to_owned(), "demographics".to_owned());
    let as_of = as_of.map(|at| ("address-as-of".to_owned(), to_rfc3339(at.unix_ms)));
    std::iter::once(used).chain(as_of).collect()
}

/// The parts of an address, as they are written; nothing if all are empty.
pub(crate) fn address(place: &Node<'_>) -> Result<Option<Address>, Mismatch> {
    let part = |key: &str| {
        let part = place.get(key).told();
        part.map(|it| it.line()).transpose()
    };
    let lines: Vec<String> = part("StreetAddress")?.into_iter().collect();
    let (city, state) = (part("City")?, part("State")?);
    let (postal_code, country) = (part("ZIP")?, part("Country")?);
    let is_told = !lines.is_empty() || [&city, &state, &postal_code, &country].iter().any(|it| it.is_some());
    Ok(is_told.then_some(Address { lines, city, state, postal_code, country, attributes: Vec::new() }))
}

fn name(demographics: &Node<'_>) -> Result<Option<String>, Mismatch> {
    let mut parts = Vec::new();
    for key in ["FirstName", "MiddleName", "LastName"] {
        let part = demographics.get(key).told();
        parts.extend(part.map(|it| it.line()).transpose()?);
    }
    let name = parts.join(" ");
    if name.len() > 512 {
        return Err(demographics.mismatch("a name of at most 512 bytes"));
    }
    Ok((!name.is_empty()).then_some(name))
}
