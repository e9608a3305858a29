//! What partners report, as the contract's interface `clinical` defines it. All values are within the host's bounds.

use crate::context::{Attributes, opaque_debug};

/// How exact a partner's time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// To the day.
    Day,
    /// To the hour.
    Hour,
    /// To the minute.
    Minute,
    /// To the second.
    Second,
    /// To the millisecond.
    Millisecond,
}

impl Precision {
    /// The name used in the contract and in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
            Self::Millisecond => "millisecond",
        }
    }
}

/// A point in time as a partner gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// Unix milliseconds, in the years 1 to 9999.
    pub unix_ms: i64,
    /// How exact it is.
    pub precision: Precision,
    /// The partner gave no offset, and one was assumed.
    pub zone_assumed: bool,
}

/// Where the length of a call comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DurationSource {
    /// The partner measured it.
    Actual,
    /// Computed from a measured start and end.
    Derived,
    /// What had been booked; no evidence of the call's length.
    Scheduled,
}

impl DurationSource {
    /// The name used in the contract and in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Actual => "actual",
            Self::Derived => "derived",
            Self::Scheduled => "scheduled",
        }
    }
}

/// The length of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallDuration {
    /// Whole seconds.
    pub seconds: u32,
    /// Where the figure comes from.
    pub source: DurationSource,
}

/// A place, with its parts as the partner wrote them.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// Street and the like.
    pub lines: Vec<String>,
    /// City or town.
    pub city: Option<String>,
    /// State or province, code or name.
    pub state: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Country, code or name.
    pub country: Option<String>,
    /// Whatever the contract has no field for.
    pub attributes: Attributes,
}

/// A video consultation took place and is over.
#[derive(Clone, PartialEq, Eq)]
pub struct ConsultationCompleted {
    /// The key to the customer.
    pub patient_external_id: String,
    /// The partner's id of the appointment.
    pub appointment_id: Option<String>,
    /// The partner's id of the provider.
    pub provider_id: Option<String>,
    /// How long the call took.
    pub duration: Option<CallDuration>,
    /// When it ended.
    pub completed_at: Timestamp,
    /// Where the patient was during the call.
    pub patient_location: Option<Address>,
    /// Marked as a test by the partner: it must change no compliance record.
    pub test: bool,
    /// Whatever the contract has no field for.
    pub attributes: Attributes,
}

/// What has become of an appointment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppointmentStatus {
    /// Booked.
    Scheduled,
    /// Moved to the time now given.
    Rescheduled,
    /// Called off.
    Cancelled,
    /// The patient was not there.
    NoShow,
}

impl AppointmentStatus {
    /// The name used in the contract and in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Rescheduled => "rescheduled",
            Self::Cancelled => "cancelled",
            Self::NoShow => "no-show",
        }
    }
}

/// An appointment was booked or changed.
#[derive(Clone, PartialEq, Eq)]
pub struct ConsultationScheduled {
    /// The key to the customer.
    pub patient_external_id: String,
    /// The partner's id of the appointment.
    pub appointment_id: String,
    /// The partner's id of the provider.
    pub provider_id: Option<String>,
    /// What has become of it.
    pub status: AppointmentStatus,
    /// When it is to begin.
    pub starts_at: Option<Timestamp>,
    /// How long it is booked for.
    pub duration: Option<CallDuration>,
    /// When the partner made the booking or the change.
    pub changed_at: Option<Timestamp>,
    /// Where the patient will be.
    pub patient_location: Option<Address>,
    /// Marked as a test by the partner: it must change no compliance record.
    pub test: bool,
    /// Whatever the contract has no field for.
    pub attributes: Attributes,
}

/// The partner holds other facts about a patient than before.
#[derive(Clone, PartialEq, Eq)]
pub struct PatientUpdated {
    /// The key to the customer.
    pub patient_external_id: String,
    /// The name, if told.
    pub name: Option<String>,
    /// The whole address, if told.
    pub address: Option<Address>,
    /// The patient into whom this one was merged.
    pub merged_into: Option<String>,
    /// When the partner made the change.
    pub changed_at: Option<Timestamp>,
    /// Marked as a test by the partner: it must change no record.
    pub test: bool,
    /// Whatever the contract has no field for.
    pub attributes: Attributes,
}

/// An event to publish as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct PlatformEvent {
    /// Letters, digits and underscores in words joined by dots; at most 128 bytes.
    pub event_type: String,
    /// The text of one JSON object: it has been parsed, and the keys of every object are unique.
    pub data: String,
    /// Whatever the contract has no field for.
    pub attributes: Attributes,
}

/// One thing that a partner reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// A video consultation took place.
    ConsultationCompleted(ConsultationCompleted),
    /// An appointment was booked or changed.
    ConsultationScheduled(ConsultationScheduled),
    /// Facts about a patient changed.
    PatientUpdated(PatientUpdated),
    /// Anything else.
    Platform(PlatformEvent),
}

opaque_debug!(Address, ConsultationCompleted, ConsultationScheduled, PatientUpdated, PlatformEvent);
