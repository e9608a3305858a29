//! The visit of which a document tells.

use hookwright_plugin_sdk::inbound::{
    Address, CallDuration, ConsultationCompleted, DurationSource, Precision, Refusal, Timestamp,
};
use hookwright_plugin_sdk::iso8601::{Assumed, Moment, Offset, parse_iso8601};
use hookwright_plugin_sdk::json::is_patient_id;
use hookwright_plugin_sdk::timestamp::to_rfc3339;

use crate::element::Element;
use crate::settings::Settings;

const SOCIAL_SECURITY: &str = "2.16.840.1.113883.4.1";
const NATIONAL_PROVIDER: &str = "2.16.840.1.113883.4.6";
/// Their roots say whose number is meant, and leave the number out.
const REGISTERS: [&str; 2] = [SOCIAL_SECURITY, NATIONAL_PROVIDER];
const DAY_SECONDS: i64 = 24 * 60 * 60;
/// The contract has no more.
const LINES_MAX: usize = 8;

/// The consultation that the visit was.
pub(crate) fn completed(
    root: &Element<'_>,
    target: &Element<'_>,
    visit: &Element<'_>,
    modality: &str,
    settings: &Settings,
) -> Result<ConsultationCompleted, Refusal> {
    let patient = target.child("patientRole");
    let (moment, source) = end(root, visit, settings.zone)?;
    let mut attributes =
        vec![("completed-at-source".to_owned(), source.to_owned()), ("modality".to_owned(), modality.to_owned())];
    attributes.extend(moment.coarser.map(|it| ("completed-at-precision".to_owned(), it.as_str().to_owned())));
    attributes.extend(settings.zone.note(&moment.timestamp));
    let patient_location =
        if settings.located_by_patient { address(&patient, moment.timestamp.unix_ms, settings.zone)? } else { None };
    if let Some((_, used)) = &patient_location {
        attributes.push(("address-use".to_owned(), (*used).to_owned()));
        // The document tells the address as it was when the document was made.
        let as_of = time(&root.child("effectiveTime"), settings.zone)?.map(|it| it.timestamp.unix_ms);
        attributes.extend(as_of.map(|at| ("address-as-of".to_owned(), to_rfc3339(at))));
    }
    Ok(ConsultationCompleted {
        appointment_id: id(visit, settings.visit_id_root.as_deref())?,
        provider_id: provider(visit, settings.provider_id_root.as_deref())?,
        duration: duration(visit, settings.zone)?,
        patient_location: patient_location.map(|(address, _)| address),
        attributes,
        ..ConsultationCompleted::new(patient_id(&patient, settings)?, moment.timestamp)
    })
}

/// The document's own id, if it has one that fits.
pub(crate) fn message_id(root: &Element<'_>) -> Option<String> {
    let id = root.child("id");
    let text = format!("{}^{}", id.attribute("root")?, id.attribute("extension").unwrap_or_default());
    (text.len() <= 256 && !text.chars().any(char::is_control)).then_some(text)
}

fn end(root: &Element<'_>, visit: &Element<'_>, zone: Assumed) -> Result<(Moment, &'static str), Refusal> {
    let told = visit.child("effectiveTime");
    let places = [(told.child("high"), "high"), (told.clone(), "value"), (root.child("effectiveTime"), "document")];
    for (place, source) in places {
        if let Some(moment) = time(&place, zone)? {
            return Ok((moment, source));
        }
    }
    Err(told.refusal("the time of the visit"))
}

/// The time at a place, if there is one.
fn time(place: &Element<'_>, zone: Assumed) -> Result<Option<Moment>, Refusal> {
    let Some(value) = place.attribute("value") else { return Ok(None) };
    match iso8601(value).and_then(|text| parse_iso8601(&text, zone)) {
        Some(moment) => Ok(Some(moment)),
        None => Err(place.refusal("a time such as 20260104163000-0600")),
    }
}

/// HL7 writes the same parts as ISO 8601, and leaves out what stands between them.
fn iso8601(value: &str) -> Option<String> {
    let split = value.find(['+', '-']).unwrap_or(value.len());
    let (digits, offset) = value.split_at_checked(split)?;
    let (digits, fraction) = digits.split_once('.').map_or((digits, None), |(digits, rest)| (digits, Some(rest)));
    let legal = digits.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(digits.len(), 4 | 6 | 8 | 10 | 12 | 14)
        && (fraction.is_none() || digits.len() == 14)
        && (offset.is_empty() || Offset::parse(offset).is_some());
    if !legal {
        return None;
    }
    let part =
        |from: usize, before: &str| digits.get(from..from + 2).map(|it| format!("{before}{it}")).unwrap_or_default();
    let date = format!("{}{}{}", &digits[..4], part(4, "-"), part(6, "-"));
    let clock = format!("{}{}{}", part(8, "T"), part(10, ":"), part(12, ":"));
    let fraction = fraction.map(|it| format!(".{it}")).unwrap_or_default();
    // An offset means something only beside a time of day.
    let offset = if clock.is_empty() { "" } else { offset };
    Some(format!("{date}{clock}{fraction}{offset}"))
}

/// What lies between start and end, if both are exact. Systems that know only one moment write it twice.
fn duration(visit: &Element<'_>, zone: Assumed) -> Result<Option<CallDuration>, Refusal> {
    let told = visit.child("effectiveTime");
    let (Some(low), Some(high)) = (time(&told.child("low"), zone)?, time(&told.child("high"), zone)?) else {
        return Ok(None);
    };
    let exact = |moment: &Moment| !matches!(moment.timestamp.precision, Precision::Day | Precision::Hour);
    let between = (high.timestamp.unix_ms - low.timestamp.unix_ms) / 1000;
    let sensible = exact(&low) && exact(&high) && (1..=DAY_SECONDS).contains(&between);
    let seconds = u32::try_from(between).ok().filter(|_| sensible);
    Ok(seconds.map(|seconds| CallDuration { seconds, source: DurationSource::Derived }))
}

fn patient_id(patient: &Element<'_>, settings: &Settings) -> Result<String, Refusal> {
    let wanted = |id: &Element<'_>| match &settings.patient_id_root {
        Some(root) => id.attribute("root") == Some(root),
        None => id.attribute("root") != Some(SOCIAL_SECURITY),
    };
    let found = patient.children("id").filter(wanted).find_map(|id| id.attribute("extension"));
    let Some(id) = found else { return Err(patient.child("id").refusal("an id of the root that is meant")) };
    if is_patient_id(id) {
        return Ok(id.to_owned());
    }
    Err(patient.child("id").refusal("an id of 1 to 200 visible ASCII characters without / ? # % quotes or backslash"))
}

/// The first id: its extension, or its root where that is the whole of it, unless the root is a register of numbers. Of a
/// root that is meant only the extensions are ids.
fn id(of: &Element<'_>, root: Option<&str>) -> Result<Option<String>, Refusal> {
    for id in of.children("id") {
        let alone = id.attribute("root").filter(|alone| root.is_none() && !REGISTERS.contains(alone));
        let text = id.attribute("extension").or(alone);
        let Some(text) = text.filter(|_| root.is_none_or(|root| id.attribute("root") == Some(root))) else { continue };
        let legal = text.len() <= 200 && !text.chars().any(char::is_control);
        return if legal { Ok(Some(text.to_owned())) } else { Err(id.refusal("an id of at most 200 printable bytes")) };
    }
    Ok(None)
}

/// Whoever is responsible, or else took part: the attender before all others.
fn provider(visit: &Element<'_>, root: Option<&str>) -> Result<Option<String>, Refusal> {
    let mut participants: Vec<_> = visit.children("encounterParticipant").collect();
    participants.sort_by_key(|it| it.attribute("typeCode") != Some("ATND"));
    let responsible = visit.child("responsibleParty");
    for party in std::iter::once(responsible).chain(participants) {
        let entity = party.child("assignedEntity");
        let found = match root {
            Some(root) => id(&entity, Some(root))?,
            None => match id(&entity, Some(NATIONAL_PROVIDER))? {
                None => id(&entity, None)?,
                found => found,
            },
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Where the patient lived then: a primary home before any home before what has no use. Addresses of work, that are bad or
/// of the past are none.
fn address(patient: &Element<'_>, at_unix_ms: i64, zone: Assumed) -> Result<Option<(Address, &'static str)>, Refusal> {
    let ranked = |addr: &Element<'_>| match addr.attribute("use") {
        Some("HP") => Some((0, "HP")),
        Some("H" | "HV") => Some((1, "H")),
        None => Some((2, "unspecified")),
        Some(_) => None,
    };
    let usable = patient.children("addr").filter(|addr| is_usable(&addr.child("useablePeriod"), at_unix_ms, zone));
    let all = usable.filter_map(|addr| Some((ranked(&addr)?, addr)));
    let Some(((_, used), addr)) = all.min_by_key(|((rank, _), _)| *rank) else { return Ok(None) };
    let part = |name: &'static str| line(&addr.child(name));
    let mut lines = Vec::new();
    for told in addr.children("streetAddressLine").take(LINES_MAX) {
        lines.extend(line(&told)?);
    }
    let address = Address {
        lines,
        city: part("city")?,
        state: part("state")?,
        postal_code: part("postalCode")?,
        country: part("country")?,
        attributes: Vec::new(),
    };
    let told = address.state.is_some() || address.postal_code.is_some() || address.country.is_some();
    Ok(told.then_some((address, used)))
}

fn line(place: &Element<'_>) -> Result<Option<String>, Refusal> {
    let Some(text) = place.text() else { return Ok(None) };
    let text = text.replace(char::is_control, " ");
    if text.len() <= 512 { Ok(Some(text)) } else { Err(place.refusal("text of at most 512 bytes")) }
}

/// Whether the period holds the time; what cannot be read does not exclude anything.
fn is_usable(period: &Element<'_>, at_unix_ms: i64, zone: Assumed) -> bool {
    let bound = |name: &'static str| time(&period.child(name), zone).ok().flatten().map(|it| it.timestamp);
    let begun = bound("low").is_none_or(|low| low.unix_ms <= at_unix_ms);
    // An end that is told to the day holds until that is over.
    let ended = |high: Timestamp| {
        let span = if high.precision == Precision::Day { DAY_SECONDS * 1000 } else { 0 };
        high.unix_ms + span < at_unix_ms
    };
    begun && !bound("high").is_some_and(ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_any_precision() {
        for (value, text) in [
            ("2024", Some("2024")),
            ("202405", Some("2024-05")),
            ("20240517", Some("2024-05-17")),
            ("20240517-0500", Some("2024-05-17")),
            ("2024051716", Some("2024-05-17T16")),
            ("202405171630+0215", Some("2024-05-17T16:30+0215")),
            ("20240517163000.1234-0600", Some("2024-05-17T16:30:00.1234-0600")),
            ("2024051", None),
            ("202405171630.5", None),
            ("2024-05-17", None),
            ("", None),
            ("\u{e9}\u{e9}", None),
        ] {
            assert_eq!(
                iso8601(value).filter(|it| parse_iso8601(it, Assumed::default()).is_some()).as_deref(),
                text,
                "{value}"
            );
        }
        assert!(iso8601("20240231").and_then(|text| parse_iso8601(&text, Assumed::default())).is_none());
    }
}
