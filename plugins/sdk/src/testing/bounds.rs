//! The contract's bounds on answers. The gateway takes an answer beyond them for a failure of the plugin, so that no
//! request may lead to one, however bad it is.

use crate::er7::Place;
use crate::inbound::{
    Address, CallDuration, ConsultationCompleted, ConsultationScheduled, NeedFetch, Outcome, PatientUpdated, Refusal,
    Report, Timestamp,
};

const ID_BYTES_MAX: usize = 256;
const TEXT_BYTES_MAX: usize = 512;

type Checked = Result<(), String>;

/// Checks an answer against the bounds of the contract. A refusal must name a place by fixed words: the steps of its
/// pointer are short names and numbers, which no text of a partner's would be.
pub fn within_bounds(answer: &Result<Outcome, Refusal>) -> Checked {
    match answer {
        Ok(Outcome::Accepted(it)) => {
            optional("message-id", it.message_id.as_ref(), ID_BYTES_MAX)?;
            at_most("reports", it.reports.len(), 256)?;
            it.reports.iter().try_for_each(report)?;
            metadata(&it.metadata)?;
            attributes(&it.attributes)
        }
        Ok(Outcome::Ignored(it)) => {
            text("reason", &it.reason, TEXT_BYTES_MAX)?;
            metadata(&it.metadata)
        }
        Ok(Outcome::NeedFetch(it)) => need_fetch(it),
        Err(it) => refusal(it),
    }
}

fn need_fetch(it: &NeedFetch) -> Checked {
    optional("message-id", it.message_id.as_ref(), ID_BYTES_MAX)?;
    metadata(&it.metadata)?;
    at_most("state", it.state.len(), 64 << 10)?;
    at_most("fetches", it.fetches.len(), 16)?;
    if it.fetches.is_empty() {
        return Err("there is nothing to fetch".to_owned());
    }
    for (at, fetch) in it.fetches.iter().enumerate() {
        text("fetch id", &fetch.id, ID_BYTES_MAX)?;
        text("url", &fetch.url, 4096)?;
        if it.fetches[..at].iter().any(|other| other.id == fetch.id) {
            return Err("two fetches have one id".to_owned());
        }
    }
    Ok(())
}

fn refusal(it: &Refusal) -> Checked {
    optional("location", it.location.as_ref(), TEXT_BYTES_MAX)?;
    let Some(location) = &it.location else { return Ok(()) };
    // A place in an HL7 message is numbers and the name of a segment.
    if location.parse::<Place>().is_ok() {
        return Ok(());
    }
    let step = |step: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || " _-~[]:".contains(c);
        step.len() <= 48 && step.chars().all(plain)
    };
    if location.split('/').all(step) { Ok(()) } else { Err(format!("{location:?} holds more than names")) }
}

fn report(report: &Report) -> Checked {
    match report {
        Report::ConsultationCompleted(it) => completed(it),
        Report::ConsultationScheduled(it) => scheduled(it),
        Report::PatientUpdated(it) => updated(it),
        Report::Platform(it) => text("event-type", &it.event_type, 128),
    }
}

fn completed(it: &ConsultationCompleted) -> Checked {
    text("patient-external-id", &it.patient_external_id, ID_BYTES_MAX)?;
    optional("appointment-id", it.appointment_id.as_ref(), ID_BYTES_MAX)?;
    optional("provider-id", it.provider_id.as_ref(), ID_BYTES_MAX)?;
    it.duration.map_or(Ok(()), duration)?;
    time(&it.completed_at)?;
    it.patient_location.as_ref().map_or(Ok(()), address)?;
    attributes(&it.attributes)
}

fn scheduled(it: &ConsultationScheduled) -> Checked {
    text("patient-external-id", &it.patient_external_id, ID_BYTES_MAX)?;
    text("appointment-id", &it.appointment_id, ID_BYTES_MAX)?;
    optional("provider-id", it.provider_id.as_ref(), ID_BYTES_MAX)?;
    it.duration.map_or(Ok(()), duration)?;
    it.starts_at.as_ref().map_or(Ok(()), time)?;
    it.changed_at.as_ref().map_or(Ok(()), time)?;
    it.patient_location.as_ref().map_or(Ok(()), address)?;
    attributes(&it.attributes)
}

fn updated(it: &PatientUpdated) -> Checked {
    text("patient-external-id", &it.patient_external_id, ID_BYTES_MAX)?;
    optional("name", it.name.as_ref(), TEXT_BYTES_MAX)?;
    it.address.as_ref().map_or(Ok(()), address)?;
    optional("merged-into", it.merged_into.as_ref(), ID_BYTES_MAX)?;
    it.changed_at.as_ref().map_or(Ok(()), time)?;
    attributes(&it.attributes)
}

fn address(it: &Address) -> Checked {
    at_most("lines", it.lines.len(), 8)?;
    it.lines.iter().try_for_each(|line| text("line", line, TEXT_BYTES_MAX))?;
    for part in [&it.city, &it.state, &it.postal_code, &it.country] {
        optional("address", part.as_ref(), TEXT_BYTES_MAX)?;
    }
    attributes(&it.attributes)
}

fn time(it: &Timestamp) -> Checked {
    let legal = (-62_135_596_800_000..=253_402_300_799_999).contains(&it.unix_ms);
    if legal { Ok(()) } else { Err("a time lies outside of the years 1 to 9999".to_owned()) }
}

fn duration(it: CallDuration) -> Checked {
    at_most("duration", it.seconds as usize, 7 * 24 * 60 * 60)
}

fn metadata(pairs: &[(String, String)]) -> Checked {
    at_most("metadata", pairs.len(), 32)?;
    pairs.iter().try_for_each(|pair| named(pair, 256))
}

fn attributes(pairs: &[(String, String)]) -> Checked {
    at_most("attributes", pairs.len(), 64)?;
    pairs.iter().try_for_each(|pair| named(pair, 4096))
}

fn named((name, value): &(String, String), bytes_max: usize) -> Checked {
    text("name", name, 64)?;
    let legal = value.len() <= bytes_max && !value.contains('\0');
    if legal { Ok(()) } else { Err(format!("the value of {name} is out of bounds")) }
}

fn optional(what: &str, value: Option<&String>, bytes_max: usize) -> Checked {
    value.map_or(Ok(()), |value| text(what, value, bytes_max))
}

fn text(what: &str, value: &str, bytes_max: usize) -> Checked {
    let legal = !value.trim().is_empty() && value.len() <= bytes_max && !value.chars().any(char::is_control);
    if legal { Ok(()) } else { Err(format!("{what} is empty, too long or not printable")) }
}

fn at_most(what: &str, count: usize, max: usize) -> Checked {
    if count <= max { Ok(()) } else { Err(format!("{what}: {count} are more than {max}")) }
}
