//! A Patient is a patient updated.

use hookwright_plugin_sdk::inbound::{PatientUpdated, Report};
use hookwright_plugin_sdk::json::{Mismatch, Node};

use crate::address;
use crate::arrival::Event;
use crate::desk::{Desk, Stop, Verdict};
use crate::identity::of_resource;
use crate::library::Resource;

const NAMES_MAX: usize = 64;

pub(crate) fn judge<'a>(desk: &Desk<'a, '_>, resource: &Resource<'a>, event: &Event<'a>) -> Result<Report, Stop> {
    let patient = &resource.node;
    let identity = of_resource(resource, &desk.settings.patient)?;
    let patient_external_id = desk.known_patient(identity, resource, patient)?;
    let changed_at = desk.changed_at(resource, event)?;
    let as_of = changed_at.map_or(desk.received_at_ms, |at| at.unix_ms);
    let chosen = address::lived_at(&patient.get("address"), as_of, desk.settings.zone)?;
    let (address, mut attributes) = chosen.map_or((None, Vec::new()), |it| (Some(it.address), it.attributes));
    let active = patient.get("active");
    if active.value().is_some() && active.spelt_flag() == Ok(false) {
        attributes.push(("active".to_owned(), "false".to_owned()));
    }
    let mut reads = Vec::new();
    let replaced_by =
        patient.get("link").each().take(NAMES_MAX).find(|link| link.get("type").as_text() == Some("replaced-by"));
    let merged_into = match replaced_by {
        Some(link) => desk.optional(&link.get("other"), resource, &desk.settings.patient, &mut reads)?,
        None => None,
    };
    if !reads.is_empty() {
        return Err(Stop::Verdict(Verdict::Unread(reads)));
    }
    Ok(Report::PatientUpdated(PatientUpdated {
        patient_external_id,
        name: name(&patient.get("name"))?,
        address,
        merged_into,
        changed_at,
        test: desk.is_test(resource, None),
        attributes,
    }))
}

/// The name by which somebody goes now: the official one before the usual one before any that is not of the past.
fn name(names: &Node<'_>) -> Result<Option<String>, Mismatch> {
    let mut best: Option<(u8, Node<'_>)> = None;
    for name in names.each().take(NAMES_MAX) {
        let rank = match name.get("use").as_text() {
            Some("official") => 0,
            Some("usual") => 1,
            None => 2,
            Some("old" | "maiden" | "anonymous" | "temp") => continue,
            Some(_) => 3,
        };
        if best.as_ref().is_none_or(|(held, _)| rank < *held) {
            best = Some((rank, name));
        }
    }
    let Some((_, name)) = best else { return Ok(None) };
    if name.get("text").as_text().is_some() {
        return name.get("text").line().map(Some);
    }
    let parts = name.get("given").each().take(8).chain(name.get("family").each().take(4)).filter_map(Node::told);
    let parts: Vec<String> = parts.map(|part| part.line()).collect::<Result<_, _>>()?;
    let whole = parts.join(" ");
    if whole.len() > 512 {
        return Err(name.mismatch("a name of at most 512 bytes"));
    }
    Ok((!whole.is_empty()).then_some(whole))
}
