//! Who the patient is, and where they live.

use hookwright_plugin_sdk::er7::{Part, Place};
use hookwright_plugin_sdk::inbound::{Address, Attribute, PatientUpdated, Refusal};
use hookwright_plugin_sdk::log;

use crate::reader::Reader;

/// Types of address (table 0190) at which nobody can be presumed to live: bad, for bills, of birth, of work, for parcels,
/// of a tube in the house.
const NOT_LIVED_AT: [&str; 10] = ["BA", "BI", "N", "BDL", "BR", "F", "B", "O", "SH", "TM"];

/// The patient's id in our platform, and which of the identifiers it is.
pub(crate) struct Identified {
    pub id: String,
    pub attributes: Vec<Attribute>,
}

/// The identifier that the settings mean; `None` if the message has none such.
///
/// If they mean no particular one: that of type MR if there is one, else the first.
pub(crate) fn identified(reader: &Reader<'_>) -> Result<Option<Identified>, Refusal> {
    let wanted = &reader.settings.patient;
    for field in &wanted.fields {
        let Some(part) = reader.message.at(field) else { continue };
        let mut first = None;
        for (index, repetition) in (1..).zip(part.parts()) {
            let place = field.repetition(index);
            if wanted.repetition.is_some_and(|number| number != index) || repetition.is_empty() {
                continue;
            }
            let component = |number| repetition.component(number);
            let text = |number: usize, subcomponent: usize| {
                let part = component(number).and_then(|part| part.subcomponent(subcomponent));
                let at = place.component(u32::try_from(number).unwrap_or(0));
                part.map_or(Ok(None), |part| reader.text_of(part, &at))
            };
            let type_code = text(5, 1)?;
            let is_of_type = |code: &str| type_code.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(code));
            let authority = |name: &str| -> Result<bool, Refusal> {
                Ok(text(4, 1)?.as_deref() == Some(name) || text(4, 2)?.as_deref() == Some(name))
            };
            let is_meant = wanted.type_code.as_deref().is_none_or(is_of_type)
                && wanted.authority.as_deref().map_or(Ok(true), authority)?;
            if !is_meant || (!wanted.is_chosen() && first.is_some() && !is_of_type("MR")) {
                continue;
            }
            let Some(id) = reader.id(Some(repetition), &place)? else { continue };
            let mut attributes = vec![("identifier-place".to_owned(), place.to_string())];
            attributes.extend(type_code.as_deref().and_then(short).map(|it| ("identifier-type".to_owned(), it)));
            let found = Identified { id, attributes };
            if wanted.is_chosen() || is_of_type("MR") {
                return Ok(Some(found));
            }
            first = Some(found);
        }
        if first.is_some() {
            return Ok(first);
        }
    }
    Ok(None)
}

/// A code short enough to be noted.
fn short(code: &str) -> Option<String> {
    (code.len() <= 64 && !code.chars().any(char::is_control)).then(|| code.to_owned())
}

/// What the message tells of the patient.
pub(crate) fn updated(reader: &Reader<'_>, patient: Identified) -> Result<PatientUpdated, Refusal> {
    let Identified { id, mut attributes } = patient;
    let changed_at = reader.made_at()?;
    if let Some(moment) = &changed_at {
        reader.note("changed-at", moment, &mut attributes);
    }
    let address = address(reader)?;
    for place in [Place::field("PID", 5), Place::field("PID", 11)] {
        if reader.message.at(&place).is_some_and(Part::is_null) {
            log::warn(&format!("{} is to be deleted (\"\"), which no report can say", reader.told(&place)));
        }
    }
    Ok(PatientUpdated {
        patient_external_id: id,
        name: name(reader)?,
        address,
        merged_into: None,
        changed_at: changed_at.map(|moment| moment.timestamp),
        test: reader.is_test()?,
        attributes,
    })
}

/// Given names, family name and suffix of the first name, as they are said.
fn name(reader: &Reader<'_>) -> Result<Option<String>, Refusal> {
    let place = Place::field("PID", 5);
    let mut words = Vec::new();
    for component in [2, 3, 1, 4] {
        let place = place.component(component);
        words.extend(reader.short(reader.message.at(&place), &place)?);
    }
    let name = words.join(" ");
    if name.len() > 512 {
        return Err(reader.malformed(&place, "text of at most 512 printable bytes"));
    }
    Ok(Some(name).filter(|name| !name.is_empty()))
}

/// The address where the patient lives: at home, else for now, else the first of another type that can be lived at.
/// Addresses that have expired when the message is made are passed over.
pub(crate) fn address(reader: &Reader<'_>) -> Result<Option<Address>, Refusal> {
    let field = Place::field("PID", 11);
    let Some(part) = reader.message.at(&field) else { return Ok(None) };
    let made_ms = reader.made_at()?.map(|made| made.timestamp.unix_ms);
    let mut best: Option<(usize, u32, Part<'_>)> = None;
    for (index, repetition) in (1..).zip(part.parts()) {
        let place = field.repetition(index);
        let tells =
            (1..=6).any(|number| repetition.component(number).is_some_and(|it| !it.is_empty() && !it.is_null()));
        let type_place = place.component(7);
        let type_code = repetition.component(7).map_or(Ok(None), |it| reader.text_of(it, &type_place))?;
        let is_of_type = |code: &str| type_code.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(code));
        if NOT_LIVED_AT.into_iter().any(is_of_type) {
            continue;
        }
        let rank = if is_of_type("H") {
            0
        } else if is_of_type("C") {
            1
        } else {
            2
        };
        if tells && best.is_none_or(|(best, ..)| rank < best) && !has_expired(reader, repetition, &place, made_ms)? {
            best = Some((rank, index, repetition));
        }
    }
    best.map(|(_, index, repetition)| read_address(reader, &field.repetition(index), repetition)).transpose()
}

fn has_expired(reader: &Reader<'_>, address: Part<'_>, place: &Place, made_ms: Option<i64>) -> Result<bool, Refusal> {
    let expires = address.component(14).map_or(Ok(None), |part| reader.moment_of(part, place.component(14)))?;
    Ok(expires.zip(made_ms).is_some_and(|(expires, made_ms)| expires.timestamp.unix_ms < made_ms))
}

fn read_address(reader: &Reader<'_>, place: &Place, repetition: Part<'_>) -> Result<Address, Refusal> {
    let text = |number: u32| {
        let place = place.component(number);
        reader.short(repetition.component(number as usize), &place)
    };
    let mut attributes = vec![("address-place".to_owned(), place.to_string())];
    attributes.extend(text(7)?.as_deref().and_then(short).map(|it| ("address-type".to_owned(), it)));
    if let Some(made) = reader.made_at()? {
        let as_of = hookwright_plugin_sdk::timestamp::to_rfc3339(made.timestamp.unix_ms);
        attributes.push(("address-as-of".to_owned(), as_of));
    }
    Ok(Address {
        lines: [street(reader, place, repetition)?, text(2)?].into_iter().flatten().collect(),
        city: text(3)?,
        state: text(4)?,
        postal_code: text(5)?,
        country: text(6)?,
        attributes,
    })
}

/// The street: its first part has all of it, unless the sender divided it into number and name.
fn street(reader: &Reader<'_>, place: &Place, repetition: Part<'_>) -> Result<Option<String>, Refusal> {
    let Some(component) = repetition.component(1) else { return Ok(None) };
    let part =
        |number: u32| reader.short(component.subcomponent(number as usize), &place.component(1).subcomponent(number));
    Ok(match (part(1)?, part(2)?) {
        (Some(whole), Some(name)) if !whole.contains(&name) && whole.len() + name.len() < 512 => {
            Some(format!("{whole} {name}"))
        }
        (whole, name) => whole.or(name),
    })
}
