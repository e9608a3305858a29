//! Plugins that read what partners send: implement [`Inbound`] and call [`export_inbound!`](crate::export_inbound).

use std::marker::PhantomData;

pub use crate::bindings::inbound::exports::hookwright::plugin::intake::{
    Accepted, Assurance, Authentication, Fetch, FetchAnswer, FetchFailure, Fetched, Ignored, NeedFetch, Outcome,
    Request, Resumption,
};
pub use crate::bindings::inbound::hookwright::plugin::call::{Attribute, Context, Header, Reply};
pub use crate::bindings::inbound::hookwright::plugin::clinical::{
    Address, AppointmentStatus, CallDuration, ConsultationCompleted, ConsultationScheduled, DurationSource,
    PatientUpdated, PlatformEvent, Precision, Report, Timestamp,
};

use crate::bindings::inbound::exports::hookwright::plugin::intake::{Guest, Refusal as GuestRefusal};
use crate::json::Mismatch;

/// An inbound plugin.
pub trait Inbound {
    /// Reads a request. Its signature has been verified; nothing else has.
    fn parse(context: &Context, request: &Request) -> Result<Outcome, Refusal>;

    /// Reads the same request again with what was fetched for it. Only plugins that answer [`Outcome::NeedFetch`] need
    /// this.
    fn resume(_context: &Context, _request: &Request, _resumption: &Resumption) -> Result<Outcome, Refusal> {
        Err(Refusal::new("unsupported"))
    }
}

impl Accepted {
    /// Reports these, and leaves the rest to the gateway.
    pub fn new(reports: Vec<Report>) -> Self {
        Self { message_id: None, reports, reply: None, metadata: Vec::new(), attributes: Vec::new() }
    }
}

impl Ignored {
    /// Does nothing, for this reason. The reason is for the operator and must not be about a patient.
    pub fn new(reason: &str) -> Self {
        Self { reason: reason.to_owned(), reply: None, metadata: Vec::new(), attributes: Vec::new() }
    }
}

impl From<Accepted> for Outcome {
    fn from(accepted: Accepted) -> Self {
        Self::Accepted(accepted)
    }
}

impl From<Ignored> for Outcome {
    fn from(ignored: Ignored) -> Self {
        Self::Ignored(ignored)
    }
}

impl From<NeedFetch> for Outcome {
    fn from(need_fetch: NeedFetch) -> Self {
        Self::NeedFetch(need_fetch)
    }
}

impl ConsultationCompleted {
    /// A consultation of which no more is known. Fill in the rest with struct update syntax.
    pub fn new(patient_external_id: String, completed_at: Timestamp) -> Self {
        Self {
            patient_external_id,
            appointment_id: None,
            provider_id: None,
            duration: None,
            completed_at,
            patient_location: None,
            test: false,
            attributes: Vec::new(),
        }
    }
}

impl ConsultationScheduled {
    /// An appointment of which no more is known. Fill in the rest with struct update syntax.
    pub fn new(patient_external_id: String, appointment_id: String, status: AppointmentStatus) -> Self {
        Self {
            patient_external_id,
            appointment_id,
            provider_id: None,
            status,
            starts_at: None,
            duration: None,
            changed_at: None,
            patient_location: None,
            test: false,
            attributes: Vec::new(),
        }
    }
}

/// Why a request is not taken. Code and expectation are fixed words of the plugin's, so that no value of the request can
/// get into them; the location must not hold one either.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// In kebab-case: `malformed`, `unsupported`, `settings`, `internal` or the plugin's own.
    pub code: &'static str,
    /// Where: a JSON pointer, a line and column, a segment and field, a header.
    pub location: Option<String>,
    /// What was expected there.
    pub expected: Option<&'static str>,
    /// What to answer instead of the gateway's own problem body.
    pub reply: Option<Box<Reply>>,
    /// Whatever the contract has no field for.
    pub attributes: Vec<Attribute>,
}

impl Refusal {
    /// A refusal with this code, in kebab-case.
    pub fn new(code: &'static str) -> Self {
        Self { code, location: None, expected: None, reply: None, attributes: Vec::new() }
    }

    /// The request is well-formed but of a kind that this plugin does not know; the location says by which field.
    pub fn unsupported(location: &'static str, expected: &'static str) -> Self {
        Self { location: Some(location.to_owned()), expected: Some(expected), ..Self::new("unsupported") }
    }
}

impl From<Mismatch> for Refusal {
    fn from(mismatch: Mismatch) -> Self {
        let (code, expected) = (mismatch.code, Some(mismatch.expected));
        Self { location: mismatch.into_location(), expected, ..Self::new(code) }
    }
}

impl From<crate::er7::Fault> for Refusal {
    fn from(fault: crate::er7::Fault) -> Self {
        Self { location: fault.location, expected: Some(fault.expected), ..Self::new(fault.code) }
    }
}

impl From<Refusal> for GuestRefusal {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: refusal.code.to_owned(),
            location: refusal.location,
            expected: refusal.expected.map(str::to_owned),
            reply: refusal.reply.map(|reply| *reply),
            attributes: refusal.attributes,
        }
    }
}

/// Joins a plugin to the generated bindings.
#[doc(hidden)]
pub struct Exported<T>(PhantomData<T>);

impl<T: Inbound> Guest for Exported<T> {
    fn parse(context: Context, request: Request) -> Result<Outcome, GuestRefusal> {
        crate::log::report_panics();
        Ok(T::parse(&context, &request)?)
    }

    fn resume(context: Context, request: Request, resumption: Resumption) -> Result<Outcome, GuestRefusal> {
        crate::log::report_panics();
        Ok(T::resume(&context, &request, &resumption)?)
    }
}

/// Compiles only for a plugin.
#[doc(hidden)]
pub const fn check<T: Inbound>() {
    let _ = T::parse;
}

/// Makes a type that implements [`Inbound`](crate::inbound::Inbound) the plugin of its crate.
#[macro_export]
macro_rules! export_inbound {
    ($plugin:ty) => {
        // On other targets a plugin is an ordinary library: it is checked, and nothing is exported.
        #[cfg(not(target_arch = "wasm32"))]
        const _: () = $crate::inbound::check::<$plugin>();
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Plugin = $crate::export::ExportedInbound<$plugin>;
    $crate::export::inbound::export!(Plugin with_types_in $crate::export::inbound);
        };
    };
}
