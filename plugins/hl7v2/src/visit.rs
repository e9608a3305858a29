//! Consultations that are over.

use hookwright_plugin_sdk::er7::{Part, Place};
use hookwright_plugin_sdk::inbound::{Attribute, ConsultationCompleted, Refusal};

use crate::duration;
use crate::patient::{self, Identified};
use crate::reader::Reader;
use crate::settings::{Virtual, is_on_the_premises};

/// Whether the settings count this message among those that say that a consultation is over.
pub(crate) fn is_over(reader: &Reader<'_>, kind: &str) -> Result<bool, Refusal> {
    for rule in reader.settings.completed.iter().filter(|rule| rule.message.eq_ignore_ascii_case(kind)) {
        if rule.condition.as_ref().map_or(Ok(true), |condition| reader.meets(condition))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the visit is held by video, as far as the settings can tell.
pub(crate) fn is_virtual(reader: &Reader<'_>) -> Result<bool, Refusal> {
    match &reader.settings.virtual_visits {
        Virtual::All => Ok(true),
        Virtual::NotOnThePremises => {
            let class = reader.text(&Place::field("PV1", 2))?;
            Ok(!class.is_some_and(|class| is_on_the_premises(&class)))
        }
        Virtual::Told(conditions) => {
            for condition in conditions {
                if reader.meets(condition)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

/// The consultation.
pub(crate) fn completed(reader: &Reader<'_>, patient: Identified) -> Result<ConsultationCompleted, Refusal> {
    let Identified { id, mut attributes } = patient;
    let times = [Place::field("PV1", 45), Place::field("EVN", 6), Place::field("EVN", 2), Place::field("MSH", 7)];
    let Some(completed_at) = reader.first_moment(&times)? else {
        return Err(
            reader.malformed(&Place::field("PV1", 45), "when the visit ended, here or in EVN-6, EVN-2 or MSH-7")
        );
    };
    reader.note("completed-at", &completed_at, &mut attributes);
    let appointment_id = appointment_id(reader, &mut attributes)?;
    let patient_location = if reader.settings.locates_by_patient { patient::address(reader)? } else { None };
    Ok(ConsultationCompleted {
        appointment_id,
        provider_id: provider_id(reader)?,
        duration: duration::of_visit(reader)?,
        patient_location,
        test: reader.is_test()?,
        attributes,
        ..ConsultationCompleted::new(id, completed_at.timestamp)
    })
}

/// The first id that the settings' places tell. Who gave it is noted beside it: ids of two namespaces may be alike.
pub(crate) fn appointment_id(reader: &Reader<'_>, attributes: &mut Vec<Attribute>) -> Result<Option<String>, Refusal> {
    for place in &reader.settings.appointment {
        let Some(part) = reader.message.at(place) else { continue };
        let Some(id) = reader.id(Some(part), place)? else { continue };
        attributes.push(("appointment-source".to_owned(), place.to_string()));
        // An entity identifier (SCH) has its namespace in the second component, an extended id (PV1) in the fourth.
        let namespace = if place.segment() == b"SCH" { 2 } else { 4 };
        if place.numbers()[3] == 0 {
            let at = place.component(namespace);
            let namespace = reader.id(part.component(namespace as usize), &at)?;
            attributes.extend(namespace.map(|namespace| ("appointment-namespace".to_owned(), namespace)));
        }
        return Ok(Some(id));
    }
    Ok(None)
}

/// The first provider whom the settings' places tell, by the number of the preferred kind if there is one.
pub(crate) fn provider_id(reader: &Reader<'_>) -> Result<Option<String>, Refusal> {
    for field in &reader.settings.provider.fields {
        let mut first = None;
        let [occurrence, number, ..] = field.numbers();
        let segments = reader.message.named(field.segment());
        for (index, segment) in (1..).zip(segments).skip(occurrence as usize - 1) {
            let Some(part) = segment.field(number as usize).and_then(|part| part.at(&field.occurrence(index))) else {
                continue;
            };
            for (repetition, part) in (1..).zip(part.parts()) {
                let place = field.occurrence(index).repetition(repetition);
                let is_preferred = is_preferred(reader, part, &place)?;
                if first.is_some() && !is_preferred {
                    continue;
                }
                let id = reader.id(Some(part), &place)?;
                if id.is_some() && is_preferred {
                    return Ok(id);
                }
                first = first.or(id);
            }
        }
        if first.is_some() {
            return Ok(first);
        }
    }
    Ok(None)
}

/// Whether a name with a number has one of the preferred kind: by its type code (XCN-13), or by who gave it (XCN-9). There
/// may be very many names, so that each is gone through once.
fn is_preferred(reader: &Reader<'_>, part: Part<'_>, place: &Place) -> Result<bool, Refusal> {
    let wanted = &reader.settings.provider.type_code;
    for (number, component) in (1..).zip(part.parts()).skip(8).take(5) {
        if matches!(number, 9 | 13)
            && let Some(text) = reader.text_of(component, &place.component(number))?
            && text.eq_ignore_ascii_case(wanted)
        {
            return Ok(true);
        }
    }
    Ok(false)
}
