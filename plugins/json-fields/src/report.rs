//! What a message reports, from the fields that the settings name.

use hookwright_plugin_sdk::inbound::{
    Address, AppointmentStatus, CallDuration, ConsultationCompleted, ConsultationScheduled, DurationSource,
    PatientUpdated, Precision, Refusal, Report, Timestamp,
};
use hookwright_plugin_sdk::iso8601::Moment;
use hookwright_plugin_sdk::json::Mismatch;
use hookwright_plugin_sdk::timestamp::to_rfc3339;

use crate::place::{Found, Sources};
use crate::settings::{Settings, Word};

/// The contract's bound: a week.
const SECONDS_MAX: f64 = 7.0 * 24.0 * 60.0 * 60.0;

type Attributes = Vec<(String, String)>;

struct Reader<'r, 'a> {
    sources: &'r Sources<'a>,
    settings: &'r Settings,
}

/// The report that the message makes.
pub(crate) fn of(word: Word, trigger: &str, sources: &Sources<'_>, settings: &Settings) -> Result<Report, Refusal> {
    let reader = Reader { sources, settings };
    let attributes = vec![("trigger".to_owned(), trigger.to_owned())];
    Ok(match word {
        Word::Completed => Report::ConsultationCompleted(reader.completed(attributes)?),
        Word::Scheduled => reader.scheduled(AppointmentStatus::Scheduled, attributes)?,
        Word::Rescheduled => reader.scheduled(AppointmentStatus::Rescheduled, attributes)?,
        Word::Cancelled => reader.scheduled(AppointmentStatus::Cancelled, attributes)?,
        Word::NoShow => reader.scheduled(AppointmentStatus::NoShow, attributes)?,
        Word::PatientUpdated => Report::PatientUpdated(reader.updated(attributes)?),
        // Nothing calls for it: such messages are ignored before.
        Word::Ignore => return Err(Refusal::new("internal")),
    })
}

impl<'a> Reader<'_, 'a> {
    /// What is at the place of a field, if the settings have one and something is there.
    fn told(&self, field: &str) -> Option<Found<'a>> {
        let (place, _) = self.settings.field(field)?;
        self.sources.get(place).filled()
    }

    /// The same, for a field that is needed.
    fn needed(&self, field: &str, expected: &'static str) -> Result<Found<'a>, Mismatch> {
        let missing = || Mismatch { code: "settings", location: format!("/fields/{field}"), expected };
        let (place, _) = self.settings.field(field).ok_or_else(missing)?;
        let found = self.sources.get(place);
        found.clone().filled().ok_or_else(|| found.mismatch(expected))
    }

    fn moment(&self, field: &str) -> Result<Option<Moment>, Mismatch> {
        self.told(field).map(|found| found.moment(self.settings.zone)).transpose()
    }

    fn id(&self, field: &str) -> Result<Option<String>, Mismatch> {
        self.told(field).map(|found| found.short_id()).transpose()
    }

    fn patient_id(&self) -> Result<String, Mismatch> {
        self.needed("patient_external_id", "the patient's id")?.patient_id()
    }

    fn is_test(&self) -> Result<bool, Mismatch> {
        self.told("test").map_or(Ok(false), |found| found.flag())
    }

    fn completed(&self, mut attributes: Attributes) -> Result<ConsultationCompleted, Mismatch> {
        let completed_at =
            self.needed("completed_at", "the time at which the call ended")?.moment(self.settings.zone)?;
        let source = self.settings.field("completed_at").map(|(_, text)| text.to_owned()).unwrap_or_default();
        attributes.push(("completed-at-source".to_owned(), source));
        attributes.extend(completed_at.coarser.map(|it| ("completed-at-precision".to_owned(), it.as_str().to_owned())));
        attributes.extend(self.settings.zone.note(&completed_at.timestamp));
        let patient_location = self.address(Some(completed_at.timestamp), &mut attributes)?;
        Ok(ConsultationCompleted {
            appointment_id: self.id("appointment_id")?,
            provider_id: self.id("provider_id")?,
            duration: self.duration(&completed_at)?,
            patient_location,
            test: self.is_test()?,
            attributes,
            ..ConsultationCompleted::new(self.patient_id()?, completed_at.timestamp)
        })
    }

    fn scheduled(&self, status: AppointmentStatus, mut attributes: Attributes) -> Result<Report, Mismatch> {
        let needed = matches!(status, AppointmentStatus::Scheduled | AppointmentStatus::Rescheduled);
        let starts_at = match self.moment("starts_at")? {
            None if needed => {
                Some(self.needed("starts_at", "the time of the appointment")?.moment(self.settings.zone)?)
            }
            other => other,
        };
        let coarser = starts_at.as_ref().and_then(|moment| moment.coarser);
        attributes.extend(coarser.map(|it| ("starts-at-precision".to_owned(), it.as_str().to_owned())));
        attributes.extend(starts_at.as_ref().and_then(|moment| self.settings.zone.note(&moment.timestamp)));
        let starts_at = starts_at.map(|moment| moment.timestamp);
        let patient_location = self.address(starts_at, &mut attributes)?;
        let appointment_id = self.needed("appointment_id", "the appointment's id")?.short_id()?;
        Ok(Report::ConsultationScheduled(ConsultationScheduled {
            provider_id: self.id("provider_id")?,
            starts_at,
            duration: self.booked()?.map(|it| CallDuration { source: DurationSource::Scheduled, ..it }),
            changed_at: self.moment("changed_at")?.map(|moment| moment.timestamp),
            patient_location,
            test: self.is_test()?,
            attributes,
            ..ConsultationScheduled::new(self.patient_id()?, appointment_id, status)
        }))
    }

    fn updated(&self, mut attributes: Attributes) -> Result<PatientUpdated, Mismatch> {
        let changed_at = self.moment("changed_at")?.map(|moment| moment.timestamp);
        Ok(PatientUpdated {
            patient_external_id: self.patient_id()?,
            name: self.told("name").map(|name| name.line()).transpose()?,
            address: self.address(changed_at, &mut attributes)?,
            merged_into: None,
            changed_at,
            test: self.is_test()?,
            attributes,
        })
    }

    /// The duration that is told, which is what the settings say it is.
    fn booked(&self) -> Result<Option<CallDuration>, Mismatch> {
        let expected = "a length of at most a week";
        let seconds = match (self.told("duration_seconds"), self.told("duration_minutes")) {
            (Some(seconds), _) => seconds.number(SECONDS_MAX, expected)?,
            (None, Some(minutes)) => minutes.number(SECONDS_MAX / 60.0, expected)? * 60.0,
            (None, None) => return Ok(None),
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to a week")]
        let seconds = seconds.round() as u32;
        Ok(Some(CallDuration { seconds, source: self.settings.duration_source }))
    }

    /// What was measured, else what lies between start and end, else what was booked.
    fn duration(&self, end: &Moment) -> Result<Option<CallDuration>, Mismatch> {
        let told = self.booked()?;
        if told.is_some_and(|it| it.source == DurationSource::Actual) {
            return Ok(told);
        }
        let Some(start) = self.moment("started_at")? else { return Ok(told) };
        let exact = |at: &Timestamp| !matches!(at.precision, Precision::Day | Precision::Hour);
        let (start, end) = (start.timestamp, end.timestamp);
        let between = u32::try_from((end.unix_ms - start.unix_ms) / 1000).ok();
        let sensible = exact(&start) && exact(&end) && start.zone_assumed == end.zone_assumed;
        // Vendors who know only one moment write it twice.
        let between = between.filter(|seconds| sensible && *seconds > 0 && f64::from(*seconds) <= SECONDS_MAX);
        Ok(between.map(|seconds| CallDuration { seconds, source: DurationSource::Derived }).or(told))
    }

    fn address(&self, as_of: Option<Timestamp>, attributes: &mut Attributes) -> Result<Option<Address>, Mismatch> {
        let part = |field: &str| self.told(field).map(|found| found.line()).transpose();
        let lines: Vec<String> = [part("line1")?, part("line2")?].into_iter().flatten().collect();
        let (city, state) = (part("city")?, part("state")?);
        let (postal_code, country) = (part("postal_code")?, part("country")?);
        if lines.is_empty() && [&city, &state, &postal_code, &country].iter().all(|part| part.is_none()) {
            return Ok(None);
        }
        attributes.push(("address-use".to_owned(), "told".to_owned()));
        attributes.extend(as_of.map(|at| ("address-as-of".to_owned(), to_rfc3339(at.unix_ms))));
        Ok(Some(Address { lines, city, state, postal_code, country, attributes: Vec::new() }))
    }
}
