//! Reports.

use serde_json::value::RawValue;

use super::bound::{ID_BYTES_MAX, Invalid, TEXT_BYTES_MAX, at_most, attributes, optional, text};
use crate::bindings::inbound::hookwright::plugin::clinical as wit;
use crate::clinical::{
    Address, AppointmentStatus, CallDuration, ConsultationCompleted, ConsultationScheduled, DurationSource,
    PatientUpdated, PlatformEvent, Precision, Report, Timestamp,
};

const ADDRESS_LINES_MAX: usize = 8;
const EVENT_TYPE_BYTES_MAX: usize = 128;
/// 0001-01-01T00:00:00Z.
const UNIX_MS_MIN: i64 = -62_135_596_800_000;
/// 9999-12-31T23:59:59.999Z.
const UNIX_MS_MAX: i64 = 253_402_300_799_999;
/// A week: longer than any call, short enough to show a mistaken unit.
const DURATION_SECONDS_MAX: u32 = 7 * 24 * 60 * 60;

pub(super) fn report(report: wit::Report) -> Result<Report, Invalid> {
    match report {
        wit::Report::ConsultationCompleted(record) => completed(record).map(Report::ConsultationCompleted),
        wit::Report::ConsultationScheduled(record) => scheduled(record).map(Report::ConsultationScheduled),
        wit::Report::PatientUpdated(record) => updated(record).map(Report::PatientUpdated),
        wit::Report::Platform(record) => platform(record).map(Report::Platform),
    }
}

fn completed(record: wit::ConsultationCompleted) -> Result<ConsultationCompleted, Invalid> {
    Ok(ConsultationCompleted {
        patient_external_id: text("patient-external-id", record.patient_external_id, ID_BYTES_MAX)?,
        appointment_id: optional("appointment-id", record.appointment_id, ID_BYTES_MAX)?,
        provider_id: optional("provider-id", record.provider_id, ID_BYTES_MAX)?,
        duration: record.duration.map(duration).transpose()?,
        completed_at: timestamp("completed-at", record.completed_at)?,
        patient_location: address("patient-location", record.patient_location)?,
        test: record.test,
        attributes: attributes(record.attributes)?,
    })
}

fn scheduled(record: wit::ConsultationScheduled) -> Result<ConsultationScheduled, Invalid> {
    Ok(ConsultationScheduled {
        patient_external_id: text("patient-external-id", record.patient_external_id, ID_BYTES_MAX)?,
        appointment_id: text("appointment-id", record.appointment_id, ID_BYTES_MAX)?,
        provider_id: optional("provider-id", record.provider_id, ID_BYTES_MAX)?,
        status: match record.status {
            wit::AppointmentStatus::Scheduled => AppointmentStatus::Scheduled,
            wit::AppointmentStatus::Rescheduled => AppointmentStatus::Rescheduled,
            wit::AppointmentStatus::Cancelled => AppointmentStatus::Cancelled,
            wit::AppointmentStatus::NoShow => AppointmentStatus::NoShow,
        },
        starts_at: record.starts_at.map(|at| timestamp("starts-at", at)).transpose()?,
        duration: record.duration.map(duration).transpose()?,
        changed_at: record.changed_at.map(|at| timestamp("changed-at", at)).transpose()?,
        patient_location: address("patient-location", record.patient_location)?,
        test: record.test,
        attributes: attributes(record.attributes)?,
    })
}

fn updated(record: wit::PatientUpdated) -> Result<PatientUpdated, Invalid> {
    Ok(PatientUpdated {
        patient_external_id: text("patient-external-id", record.patient_external_id, ID_BYTES_MAX)?,
        name: optional("name", record.name, TEXT_BYTES_MAX)?,
        address: address("address", record.address)?,
        merged_into: optional("merged-into", record.merged_into, ID_BYTES_MAX)?,
        changed_at: record.changed_at.map(|at| timestamp("changed-at", at)).transpose()?,
        test: record.test,
        attributes: attributes(record.attributes)?,
    })
}

fn platform(record: wit::PlatformEvent) -> Result<PlatformEvent, Invalid> {
    let event_type = text("event-type", record.event_type, EVENT_TYPE_BYTES_MAX)?;
    let legal = event_type
        .split('.')
        .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
    if !legal {
        return Err(Invalid::new("event-type", "must be words of letters, digits and underscores, joined by dots"));
    }
    // A raw value is checked without being built. Its depth is bounded by the parser's own limit.
    let object = serde_json::from_str::<&RawValue>(&record.data).is_ok_and(|json| json.get().starts_with('{'));
    if !object {
        return Err(Invalid::new("data", "must be the text of a JSON object"));
    }
    Ok(PlatformEvent { event_type, data: record.data, attributes: attributes(record.attributes)? })
}

fn timestamp(field: &str, at: wit::Timestamp) -> Result<Timestamp, Invalid> {
    if !(UNIX_MS_MIN..=UNIX_MS_MAX).contains(&at.unix_ms) {
        return Err(Invalid::new(field, "must be in the years 1 to 9999"));
    }
    let precision = match at.precision {
        wit::Precision::Day => Precision::Day,
        wit::Precision::Hour => Precision::Hour,
        wit::Precision::Minute => Precision::Minute,
        wit::Precision::Second => Precision::Second,
        wit::Precision::Millisecond => Precision::Millisecond,
    };
    Ok(Timestamp { unix_ms: at.unix_ms, precision, zone_assumed: at.zone_assumed })
}

fn duration(duration: wit::CallDuration) -> Result<CallDuration, Invalid> {
    if duration.seconds > DURATION_SECONDS_MAX {
        return Err(Invalid::new("duration", format!("must be at most {DURATION_SECONDS_MAX} seconds")));
    }
    let source = match duration.source {
        wit::DurationSource::Actual => DurationSource::Actual,
        wit::DurationSource::Derived => DurationSource::Derived,
        wit::DurationSource::Scheduled => DurationSource::Scheduled,
    };
    Ok(CallDuration { seconds: duration.seconds, source })
}

fn address(field: &str, address: Option<wit::Address>) -> Result<Option<Address>, Invalid> {
    address.map(|address| checked_address(address).map_err(|invalid| invalid.within(field))).transpose()
}

fn checked_address(address: wit::Address) -> Result<Address, Invalid> {
    at_most("lines", &address.lines, ADDRESS_LINES_MAX)?;
    let lines = address.lines.into_iter().map(|line| text("lines", line, TEXT_BYTES_MAX));
    Ok(Address {
        lines: lines.collect::<Result<_, _>>()?,
        city: optional("city", address.city, TEXT_BYTES_MAX)?,
        state: optional("state", address.state, TEXT_BYTES_MAX)?,
        postal_code: optional("postal-code", address.postal_code, TEXT_BYTES_MAX)?,
        country: optional("country", address.country, TEXT_BYTES_MAX)?,
        attributes: attributes(address.attributes)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platform_events_are_objects_of_a_legal_type() {
        let event = |event_type: &str, data: &str| wit::PlatformEvent {
            event_type: event_type.to_owned(),
            data: data.to_owned(),
            attributes: Vec::new(),
        };
        assert!(platform(event("order.placed", r#"{"id":1}"#)).is_ok());
        for (event_type, data) in [
            ("", "{}"),
            ("order..placed", "{}"),
            ("order placed", "{}"),
            ("order.placed", "[]"),
            ("order.placed", "{"),
            ("order.placed", "{} {}"),
        ] {
            assert!(platform(event(event_type, data)).is_err(), "{event_type} {data}");
        }
    }

    #[test]
    fn times_and_durations_have_bounds() {
        let at = |unix_ms| wit::Timestamp { unix_ms, precision: wit::Precision::Day, zone_assumed: true };
        assert!(timestamp("at", at(0)).is_ok_and(|at| at.zone_assumed && at.precision == Precision::Day));
        assert!(timestamp("at", at(i64::MAX)).is_err() && timestamp("at", at(i64::MIN)).is_err());
        let lasting = |seconds| wit::CallDuration { seconds, source: wit::DurationSource::Actual };
        assert!(duration(lasting(900)).is_ok() && duration(lasting(u32::MAX)).is_err());
    }
}
