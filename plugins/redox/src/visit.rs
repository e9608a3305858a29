//! Visits: booked, moved, called off, and over.

use hookwright_plugin_sdk::inbound::{
    AppointmentStatus, CallDuration, ConsultationCompleted, ConsultationScheduled, DurationSource,
};
use hookwright_plugin_sdk::json::{Mismatch, Node};

use crate::settings::Settings;
use crate::{identifier, patient};

/// The contract's bound: a week.
const MINUTES_MAX: f64 = 7.0 * 24.0 * 60.0;

/// A visit that is over.
pub(crate) fn completed(root: &Node<'_>, settings: &Settings) -> Result<ConsultationCompleted, Mismatch> {
    let visit = root.get("Visit");
    let delivered = root.get("Meta").get("EventDateTime");
    let ends = [
        (visit.get("DischargeDateTime"), "discharge"),
        (visit.get("VisitEndDateTime"), "visit-end"),
        (root.get("Note").get("ServiceDateTime"), "service"),
        (delivered.clone(), "delivery"),
    ];
    let mut coarse = None;
    let mut end = None;
    for (place, source) in ends {
        let Some(place) = place.told() else { continue };
        let moment = place.moment(settings.zone)?;
        if moment.coarser.is_none() {
            end = Some((moment, source));
            break;
        }
        coarse = coarse.or(Some((moment, source)));
    }
    let Some((moment, source)) = end.or(coarse) else {
        return Err(delivered.mismatch("the time of the event"));
    };
    let mut attributes = vec![("completed-at-source".to_owned(), source.to_owned())];
    attributes.extend(moment.coarser.map(|it| ("completed-at-precision".to_owned(), it.as_str().to_owned())));
    attributes.extend(settings.zone.note(&moment.timestamp));
    attributes.push(event(root)?);
    attributes.push(("modality".to_owned(), settings.modality().to_owned()));
    attributes.extend(told_status(&visit)?);
    let address = patient::address(&root.get("Patient").get("Demographics").get("Address"))?;
    let patient_location = address.filter(|_| settings.locates_by_demographics);
    if patient_location.is_some() {
        attributes.extend(patient::provenance(patient::delivered_at(root, settings)?));
    }
    Ok(ConsultationCompleted {
        appointment_id: visit.get("VisitNumber").told().map(|it| it.short_id()).transpose()?,
        provider_id: identifier::of_provider(&visit, settings)?,
        duration: booked(&visit)?,
        patient_location,
        test: root.get("Meta").get("Test").spelt_flag()?,
        attributes,
        ..ConsultationCompleted::new(patient_id(root, settings)?, moment.timestamp)
    })
}

/// A visit that was booked or changed.
pub(crate) fn scheduled(
    root: &Node<'_>,
    status: AppointmentStatus,
    settings: &Settings,
) -> Result<ConsultationScheduled, Mismatch> {
    let visit = root.get("Visit");
    let start = visit.get("VisitDateTime");
    let needed = matches!(status, AppointmentStatus::Scheduled | AppointmentStatus::Rescheduled);
    let starts_at = match start.clone().told() {
        None if needed => return Err(start.mismatch("the time of the visit")),
        None => None,
        Some(start) => Some(start.moment(settings.zone)?),
    };
    let mut attributes = vec![event(root)?, ("modality".to_owned(), settings.modality().to_owned())];
    attributes.extend(told_status(&visit)?);
    let coarser = starts_at.as_ref().and_then(|moment| moment.coarser);
    attributes.extend(coarser.map(|it| ("starts-at-precision".to_owned(), it.as_str().to_owned())));
    attributes.extend(starts_at.as_ref().and_then(|moment| settings.zone.note(&moment.timestamp)));
    // A visit that is booked again after it was cancelled has another number.
    let old = visit.get("OldVisitNumber").told().map(|it| it.short_id()).transpose()?;
    attributes.extend(old.map(|number| ("old-visit-number".to_owned(), number)));
    Ok(ConsultationScheduled {
        provider_id: identifier::of_provider(&visit, settings)?,
        starts_at: starts_at.map(|moment| moment.timestamp),
        duration: booked(&visit)?,
        changed_at: patient::delivered_at(root, settings)?,
        test: root.get("Meta").get("Test").spelt_flag()?,
        attributes,
        ..ConsultationScheduled::new(patient_id(root, settings)?, visit.get("VisitNumber").short_id()?, status)
    })
}

/// The EHR's word for how the visit stands.
fn told_status(visit: &Node<'_>) -> Result<Option<(String, String)>, Mismatch> {
    let status = visit.get("Status").told();
    Ok(status.map(|it| it.line()).transpose()?.map(|word| ("visit-status".to_owned(), word)))
}

/// Which event it was, such as `Scheduling.New`.
fn event(root: &Node<'_>) -> Result<(String, String), Mismatch> {
    let meta = root.get("Meta");
    Ok(("trigger".to_owned(), format!("{}.{}", meta.get("DataModel").line()?, meta.get("EventType").line()?)))
}

fn patient_id(root: &Node<'_>, settings: &Settings) -> Result<String, Mismatch> {
    identifier::of_patient(&root.get("Patient").get("Identifiers"), settings)
}

/// The minutes for which the visit was booked.
fn booked(visit: &Node<'_>) -> Result<Option<CallDuration>, Mismatch> {
    let Some(minutes) = visit.get("Duration").told() else { return Ok(None) };
    let minutes = minutes.number(0.0..=MINUTES_MAX, "minutes from 0 to 10080")?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to a week")]
    let seconds = (minutes * 60.0).round() as u32;
    Ok(Some(CallDuration { seconds, source: DurationSource::Scheduled }))
}
