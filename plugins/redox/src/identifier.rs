//! Which of several identifiers is meant.

use hookwright_plugin_sdk::json::{Mismatch, Node, is_patient_id};

use crate::settings::Settings;

const IDENTIFIERS_MAX: usize = 256;
const PROVIDERS_MAX: usize = 64;
/// The type of medical record numbers.
const RECORD_NUMBER: &str = "MR";

/// The patient's id, among these identifiers.
pub(crate) fn of_patient(identifiers: &Node<'_>, settings: &Settings) -> Result<String, Mismatch> {
    let all = || identifiers.each().take(IDENTIFIERS_MAX).filter(|it| it.get("ID").told().is_some());
    let is_of = |it: &Node<'_>, wanted: &str| it.get("IDType").as_text().is_some_and(|found| found.trim() == wanted);
    let found = if let Some(wanted) = &settings.patient_id_type {
        all().find(|it| is_of(it, wanted))
    } else {
        let mut usable = all();
        let only = usable.next().filter(|_| usable.next().is_none());
        all().find(|it| is_of(it, RECORD_NUMBER)).or(only)
    };
    let Some(found) = found else { return Err(identifiers.mismatch("an identifier of the type that is meant")) };
    let place = found.get("ID");
    // Some types come as HL7 version 2 writes them, with the authority that assigned them.
    let bare = place.as_text().and_then(|text| text.split_once('^')).map(|(id, _)| id.trim());
    match bare {
        Some(id) if is_patient_id(id) => Ok(id.to_owned()),
        _ => place.patient_id(),
    }
}

/// The provider of a visit: whoever attends, or else whom it was booked with, whichever has an id. Some messages have
/// lists of them beside.
pub(crate) fn of_provider(visit: &Node<'_>, settings: &Settings) -> Result<Option<String>, Mismatch> {
    let keys = ["AttendingProvider", "AttendingProviders", "VisitProvider", "VisitProviders"];
    let providers = keys.iter().flat_map(|key| visit.get(key).each().take(PROVIDERS_MAX));
    for provider in providers {
        let wanted = settings.provider_id_type.as_deref();
        let is_wanted = wanted.is_none_or(|wanted| provider.get("IDType").as_text() == Some(wanted));
        let id = provider.get("ID").told().filter(|_| is_wanted);
        // Some have the national number beside the id.
        let national = || provider.get("NPI").told().filter(|_| wanted == Some("NPI"));
        if let Some(id) = id.or_else(national) {
            return id.short_id().map(Some);
        }
    }
    Ok(None)
}
