//! A message: one request as a partner sent it, kept raw, with what became of it.

use crate::fetch::PendingFetch;
use crate::id::{EventId, MessageId, SecretId, SourceId};
use crate::region::Address;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One request as it arrived, before anything was made of it.
#[derive(Clone, PartialEq, Eq)]
pub struct RawMessage {
    /// The source it came through.
    pub source_id: SourceId,
    /// The path below the source's slug, without a leading slash.
    pub hook: String,
    /// The HTTP method.
    pub method: String,
    /// The query string, without `?`.
    pub query: String,
    /// Headers in their order; names in lower case. Credentials were taken out.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// When its body was complete, unix milliseconds.
    pub received_at: i64,
    /// How the sender was authenticated: `verified`, `authenticated` or `unauthenticated`.
    pub tier: String,
    /// Which of the source's secrets fitted, where the scheme uses any.
    pub secret_id: Option<SecretId>,
}

/// Nothing of a message's content reaches a log.
impl fmt::Debug for RawMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawMessage")
            .field("source_id", &self.source_id)
            .field("hook", &self.hook)
            .field("method", &self.method)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageStatus {
    /// Everything that follows from it is committed.
    Processed,
    /// Understood, and nothing follows from it (handshake, heartbeat, test).
    Ignored,
    /// Not understood; the partner was told so.
    Rejected,
    /// The plugin failed or is missing; reprocessed when a version goes live.
    Quarantined,
    /// Its customer is not known yet; resumed when the customer appears.
    Waiting,
    /// A person must decide, for instance on an undecidable region.
    Held,
    /// It names things without telling them; the gateway is asking the partner.
    Fetching,
}

impl MessageStatus {
    /// The word used in the API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Processed => "processed",
            Self::Ignored => "ignored",
            Self::Rejected => "rejected",
            Self::Quarantined => "quarantined",
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Fetching => "fetching",
        }
    }

    /// The status of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        let all = [
            Self::Processed,
            Self::Ignored,
            Self::Rejected,
            Self::Quarantined,
            Self::Waiting,
            Self::Held,
            Self::Fetching,
        ];
        all.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether an operator may reprocess a message in this state. What is processed would have its effects twice.
    pub const fn can_be_reprocessed(self) -> bool {
        !matches!(self, Self::Processed)
    }
}

/// Why a message is where it is: a stable code, and where in the message. Never a value of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// A stable code, e.g. `malformed`, `customer_unknown`, `region_conflict`, `plugin_timeout`.
    pub code: String,
    /// Where: a JSON pointer, a segment and field, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub location: String,
    /// What it means, for a person, without any value of the message.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Reason {
    /// A reason that is only a code and a sentence.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), location: String::new(), detail: detail.into() }
    }

    /// The same reason at a place in the message.
    #[must_use]
    pub fn at(mut self, location: impl Into<String>) -> Self {
        self.location = location.into();
        self
    }
}

/// What a plugin, or the lack of one, made of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parsed {
    /// Facts were found.
    Accepted {
        /// What was found, in the order the partner told it.
        facts: Vec<Fact>,
        /// The partner's own id of the message, for de-duplication.
        partner_id: Option<String>,
        /// Searchable keys and values that hold no PHI.
        metadata: Vec<(String, String)>,
    },
    /// Nothing follows from it.
    Ignored {
        /// Why.
        reason: Reason,
        /// The partner's own id of the message.
        partner_id: Option<String>,
        /// Searchable keys and values that hold no PHI.
        #[serde(default)]
        metadata: Vec<(String, String)>,
    },
    /// The partner must be asked first.
    NeedFetch(PendingFetch),
    /// The message is not understood.
    Refused(Reason),
    /// The plugin failed or is missing.
    Failed(Reason),
}

/// One typed fact that a plugin found in a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// A video consultation took place.
    ConsultationCompleted(ConsultationCompleted),
    /// An appointment was booked, moved or cancelled.
    ConsultationScheduled(ConsultationScheduled),
    /// The partner's view of a patient changed.
    PatientUpdated(PatientUpdated),
    /// An event of the platform's own vocabulary.
    Platform(PlatformFact),
}

/// A consultation that took place.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsultationCompleted {
    /// The customer, by the id the platform gave the partner.
    pub patient_external_id: String,
    /// The partner's appointment.
    pub appointment_id: Option<String>,
    /// The partner's provider.
    pub provider_id: Option<String>,
    /// How long it took.
    pub duration_minutes: Option<u32>,
    /// Where the duration comes from: `actual`, `scheduled` or `derived`.
    pub duration_source: Option<String>,
    /// When it ended, unix milliseconds.
    pub completed_at: i64,
    /// How exact that is: `day`, `hour`, `minute`, `second`, `millisecond`.
    pub completed_at_precision: String,
    /// Whether the partner gave no offset from UTC, so that a zone was assumed.
    pub completed_at_zone_assumed: bool,
    /// Where the patient was during the call, if the partner tells; recorded beside the region of the customer's address.
    pub patient_location: Option<Address>,
    /// Whether the partner marked it as a test, which never makes an establishment.
    pub test: bool,
    /// What else the plugin says; kept with the event.
    pub attributes: Vec<(String, String)>,
}

/// An appointment that was booked, moved or cancelled.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsultationScheduled {
    /// The customer, by the id the platform gave the partner.
    pub patient_external_id: String,
    /// The partner's appointment.
    pub appointment_id: Option<String>,
    /// The partner's provider.
    pub provider_id: Option<String>,
    /// When it starts, unix milliseconds.
    pub starts_at: Option<i64>,
    /// How exact that is: `day`, `hour`, `minute`, `second`, `millisecond`.
    #[serde(default)]
    pub starts_at_precision: Option<String>,
    /// Whether the partner gave no offset from UTC for it, so that a zone was assumed.
    #[serde(default)]
    pub starts_at_zone_assumed: bool,
    /// Its planned length.
    pub duration_minutes: Option<u32>,
    /// Where that comes from: `scheduled`, or what the partner says it measured.
    #[serde(default)]
    pub duration_source: Option<String>,
    /// What happened to it: `scheduled`, `rescheduled`, `cancelled` or `no_show`.
    pub state: String,
    /// When the partner made the booking or the change, unix milliseconds.
    pub changed_at: Option<i64>,
    /// Whether the partner marked it as a test.
    pub test: bool,
    /// What else the plugin says.
    pub attributes: Vec<(String, String)>,
}

/// A partner's view of a patient.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct PatientUpdated {
    /// The customer, by the id the platform gave the partner.
    pub patient_external_id: String,
    /// The name, if told.
    pub name: Option<String>,
    /// The address, if told.
    pub address: Option<Address>,
    /// When the partner made the change, unix milliseconds; older than our record's last change, it changes nothing.
    pub changed_at: Option<i64>,
    /// Whether the partner marked it as a test.
    pub test: bool,
    /// What else the plugin says.
    pub attributes: Vec<(String, String)>,
}

/// An event of the platform's own vocabulary, found in a message.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct PlatformFact {
    /// Its type.
    pub event_type: String,
    /// Its data, JSON text.
    pub data: String,
}

macro_rules! debug_without_values {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), " { .. }"))
            }
        }
    )*};
}
debug_without_values!(ConsultationCompleted, ConsultationScheduled, PatientUpdated, PlatformFact);

/// A message as stored, with what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The request.
    pub raw: RawMessage,
    /// What became of it.
    pub status: MessageStatus,
    /// Why, where there is something to say.
    pub reason: Option<Reason>,
    /// The plugin version that parsed it, as a hexadecimal digest.
    pub plugin_digest: Option<String>,
    /// What the plugin found; kept so that waiting and held messages resume without a second parse.
    pub parsed: Option<Parsed>,
    /// The customer it waits for, while it waits.
    pub waiting_for: Option<String>,
    /// Events that followed from it.
    pub events: Vec<EventId>,
    /// Searchable keys and values without PHI.
    pub metadata: Vec<(String, String)>,
    /// The plugin's log lines.
    pub logs: Vec<String>,
    /// Last change, unix milliseconds.
    pub updated_at: i64,
}
