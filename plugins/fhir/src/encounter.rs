//! An Encounter that is over is a consultation completed.

use hookwright_plugin_sdk::inbound::{Address, ConsultationCompleted, Report};
use hookwright_plugin_sdk::json::{Mismatch, Node};

use crate::arrival::Event;
use crate::code::{any_of, codes};
use crate::desk::{Desk, Stop, Verdict, note_time};
use crate::library::{Found, Read, Resource, own_path};
use crate::settings::{Place, Virtual};
use crate::{address, duration};

const PARTICIPANTS_MAX: usize = 64;

pub(crate) fn judge<'a>(desk: &Desk<'a, '_>, resource: &Resource<'a>, event: &Event<'a>) -> Result<Report, Stop> {
    let encounter = &resource.node;
    let status = over(desk, resource)?;
    let modality = modality(desk, resource)?;
    let subject = encounter.get("subject");
    let patient_external_id = desk.patient(&subject, resource)?;
    let mut attributes =
        vec![("fhir-status".to_owned(), status.to_owned()), ("modality".to_owned(), modality.to_owned())];
    attributes.extend(own_path(encounter).map(|path| ("fhir-resource".to_owned(), path)));

    let period = encounter.get("actualPeriod").optional().unwrap_or_else(|| encounter.get("period"));
    let end = period.get("end");
    let mut times = vec![(end.clone(), "period")];
    times.extend(event.at.clone().map(|at| (at, "notification")));
    times.push((encounter.get("meta").get("lastUpdated"), "last-updated"));
    let Some((completed_at, source)) = desk.time(&times)? else {
        return Err(desk.missing(resource, end.mismatch("the time at which the encounter ended")));
    };
    note_time(&completed_at, source, "completed-at", desk.settings, &mut attributes);

    let mut reads = Vec::new();
    let duration = duration::of_encounter(&encounter.get("length"), &period, desk.settings.zone, &mut attributes);
    let appointment_id = appointment(desk, resource, &mut reads)?;
    let provider_id = provider(desk, resource, &mut reads)?;
    let place = place(desk, resource, &subject, completed_at.timestamp.unix_ms, &mut reads)?;
    if !reads.is_empty() {
        return Err(Stop::Verdict(Verdict::Unread(reads)));
    }
    let patient_location = place.map(|(address, told)| {
        attributes.extend(told);
        address
    });
    Ok(Report::ConsultationCompleted(ConsultationCompleted {
        appointment_id,
        provider_id,
        duration,
        patient_location,
        test: desk.is_test(resource, Some(&subject)),
        attributes,
        ..ConsultationCompleted::new(patient_external_id, completed_at.timestamp)
    }))
}

/// The status, if it says that the encounter is over.
fn over<'a>(desk: &Desk<'a, '_>, resource: &Resource<'a>) -> Result<&'static str, Stop> {
    let status = resource.node.get("status");
    let expected = "a status of an encounter";
    if status.value().is_none() {
        return Err(desk.missing(resource, status.mismatch(expected)));
    }
    match status.as_text().unwrap_or_default() {
        // R4.
        "finished" => Ok("finished"),
        // R5: the patient has gone, and what is left is paperwork.
        "completed" => Ok("completed"),
        "discharged" => Ok("discharged"),
        "planned" | "arrived" | "triaged" | "in-progress" | "onleave" | "on-hold" => {
            Err(Stop::skip("the encounter is not over"))
        }
        "cancelled" | "discontinued" | "entered-in-error" => Err(Stop::skip("the encounter did not take place")),
        "unknown" => Err(Stop::skip("the status of the encounter is unknown")),
        _ => Err(status.mismatch(expected).into()),
    }
}

/// How it is known that the encounter was held by video, or why it was not.
pub(crate) fn modality<'a>(desk: &Desk<'a, '_>, resource: &Resource<'a>) -> Result<&'static str, Stop> {
    let Virtual::Told { classes, types, take_untold } = &desk.settings.modality else { return Ok("assumed-of-source") };
    let visit = &resource.node;
    let class = visit.get("class");
    let by_type = ["type", "serviceType", "appointmentType"].iter().any(|key| any_of(&visit.get(key), types));
    let by_service = visit.get("virtualService").each().next().is_some();
    if any_of(&class, classes) || by_type || by_service || is_at_virtual_place(desk, resource) {
        return Ok("told");
    }
    let told_otherwise = codes(&class).next().is_some();
    if told_otherwise || !take_untold {
        return Err(Stop::skip("the visit is not told to be virtual"));
    }
    Ok("untold")
}

/// FHIR has a code for places that are none, and systems that count every visit as ambulatory put it there.
fn is_at_virtual_place<'a>(desk: &Desk<'a, '_>, resource: &Resource<'a>) -> bool {
    let locations = resource.node.get("location").each().map(|location| location.get("location"));
    let actors = resource.node.get("participant").each().map(|participant| participant.get("actor"));
    locations.take(PARTICIPANTS_MAX).chain(actors.take(PARTICIPANTS_MAX)).any(|reference| {
        match desk.library.find(&reference, &resource.holder) {
            Found::Resource(found) if found.kind() == "Location" => {
                // R4 and R5.
                ["physicalType", "form"].iter().any(|key| codes(&found.node.get(key)).any(|code| code == "vi"))
            }
            _ => false,
        }
    })
}

fn appointment<'a>(
    desk: &Desk<'a, '_>,
    resource: &Resource<'a>,
    reads: &mut Vec<Read>,
) -> Result<Option<String>, Mismatch> {
    let naming = &desk.settings.appointment;
    let reference = resource.node.get("appointment").first();
    let unread = reads.len();
    let referred = desk.optional(&reference, resource, naming, reads)?;
    if referred.is_some() || reads.len() > unread || !naming.by_identifier() {
        return Ok(referred);
    }
    // Some servers give the encounter the identifier of its appointment.
    crate::identity::among(&resource.node.get("identifier"), naming)
}

/// Whoever led the encounter: the primary performer, the attender, another performer, or else whoever took part.
pub(crate) fn provider<'a>(
    desk: &Desk<'a, '_>,
    resource: &Resource<'a>,
    reads: &mut Vec<Read>,
) -> Result<Option<String>, Mismatch> {
    let mut best: Option<(usize, Node<'a>)> = None;
    for participant in resource.node.get("participant").each().take(PARTICIPANTS_MAX) {
        let actor = participant.get("individual").optional().unwrap_or_else(|| participant.get("actor"));
        if actor.value().is_none() {
            continue;
        }
        let rank = codes(&participant.get("type")).filter_map(rank_of).min().unwrap_or(3);
        if is_provider(desk, &actor, resource) && best.as_ref().is_none_or(|(held, _)| rank < *held) {
            best = Some((rank, actor));
        }
    }
    let Some((_, actor)) = best else { return Ok(None) };
    let naming = &desk.settings.provider;
    // A role leads to the person who has it, if it is at hand or must be read anyway.
    if let Found::Resource(role) = desk.library.find(&actor, &resource.holder)
        && role.kind() == "PractitionerRole"
    {
        let person = role.node.get("practitioner");
        let found = desk.optional(&person, &role, naming, reads)?;
        if found.is_some() || !reads.is_empty() {
            return Ok(found);
        }
    }
    desk.optional(&actor, resource, naming, reads)
}

fn rank_of(code: &str) -> Option<usize> {
    match code {
        "PPRF" => Some(0),
        "ATND" => Some(1),
        "SPRF" | "PART" | "CON" => Some(2),
        "REF" | "ADM" | "DIS" | "translator" | "emergency" => Some(4),
        _ => None,
    }
}

fn is_provider<'a>(desk: &Desk<'a, '_>, actor: &Node<'a>, resource: &Resource<'a>) -> bool {
    let kinds = desk.settings.provider.whose.kinds();
    match crate::library::kind_of(actor) {
        Some(kind) => kinds.contains(&kind),
        None => match desk.library.find(actor, &resource.holder) {
            Found::Resource(found) => kinds.contains(&found.kind()),
            _ => false,
        },
    }
}

type Told = (Address, Vec<(String, String)>);

/// Where the patient was, as far as the settings say that the partner tells.
fn place<'a>(
    desk: &Desk<'a, '_>,
    resource: &Resource<'a>,
    subject: &Node<'a>,
    at_unix_ms: i64,
    reads: &mut Vec<Read>,
) -> Result<Option<Told>, Mismatch> {
    let reference = match desk.settings.patient_location {
        Place::Untold => return Ok(None),
        Place::Patient => subject.clone(),
        Place::Encounter => {
            let locations = resource.node.get("location");
            let mut used = locations.each().filter(|it| it.get("status").as_text() != Some("planned"));
            match used.next() {
                Some(location) => location.get("location"),
                None => return Ok(None),
            }
        }
    };
    let found = match desk.library.find(&reference, &resource.holder) {
        Found::Resource(found) => found,
        Found::Unread(read) => {
            reads.extend(Some(read).filter(|_| desk.settings.fetch));
            return Ok(None);
        }
        _ => return Ok(None),
    };
    let addresses = found.node.get("address");
    if found.kind() == "Patient" {
        let chosen = address::lived_at(&addresses, at_unix_ms, desk.settings.zone)?;
        return Ok(chosen.map(|chosen| (chosen.address, chosen.attributes)));
    }
    let Some(place) = addresses.each().next() else { return Ok(None) };
    let used = vec![("address-use".to_owned(), "encounter-location".to_owned())];
    Ok(address::read(&place)?.map(|address| (address, used)))
}
