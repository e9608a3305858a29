//! Plugins that shape what subscribers receive: implement [`Outbound`] and call
//! [`export_outbound!`](crate::export_outbound).

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::Serialize;

pub use crate::bindings::inbound::hookwright::plugin::call::{Attribute, Context, Header};
pub use crate::bindings::outbound::exports::hookwright::plugin::dispatch::{
    Decision, Delivery, Event, NoSend, Outgoing,
};

use crate::bindings::outbound::exports::hookwright::plugin::dispatch::{Fault as GuestFault, Guest};
use crate::json::Mismatch;

/// An outbound plugin.
pub trait Outbound {
    /// Shapes one event for one subscription.
    fn transform(context: &Context, event: &Event, delivery: &Delivery) -> Result<Decision, Fault>;
}

impl Outgoing {
    /// A POST of this value as JSON.
    pub fn json(value: &impl Serialize) -> Result<Self, Fault> {
        let body = serde_json::to_vec(value).map_err(|_| Fault::new("internal", "the body cannot be written"))?;
        Ok(Self {
            method: "POST".to_owned(),
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
            body,
            attributes: Vec::new(),
        })
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl From<Outgoing> for Decision {
    fn from(outgoing: Outgoing) -> Self {
        Self::Send(outgoing)
    }
}

impl Decision {
    /// Sends nothing, for this reason. The reason is for the operator and must not be about a patient.
    pub fn skip(reason: &str) -> Self {
        Self::Skip(NoSend { reason: reason.to_owned(), attributes: Vec::new() })
    }
}

/// Why no decision is possible. Code and message are fixed words of the plugin's; neither they nor the location may hold
/// a value of the event.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// In kebab-case: `malformed`, `settings`, `internal` or the plugin's own.
    pub code: &'static str,
    /// What went wrong.
    pub message: Cow<'static, str>,
    /// Where: a JSON pointer into the data, or into the settings if the code is `settings`.
    pub location: Option<String>,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// Whatever the contract has no field for.
    pub attributes: Vec<Attribute>,
}

impl Fault {
    /// A fault with this code, in kebab-case, that trying again will not cure.
    pub fn new(code: &'static str, message: &'static str) -> Self {
        Self { code, message: message.into(), location: None, retryable: false, attributes: Vec::new() }
    }
}

impl From<Mismatch> for Fault {
    fn from(mismatch: Mismatch) -> Self {
        let message = format!("expected {}", mismatch.expected).into();
        let code = mismatch.code;
        Self { location: mismatch.into_location(), message, ..Self::new(code, "") }
    }
}

impl From<Fault> for GuestFault {
    fn from(fault: Fault) -> Self {
        Self {
            code: fault.code.to_owned(),
            message: fault.message.into_owned(),
            location: fault.location,
            retryable: fault.retryable,
            attributes: fault.attributes,
        }
    }
}

/// Joins a plugin to the generated bindings.
#[doc(hidden)]
pub struct Exported<T>(PhantomData<T>);

impl<T: Outbound> Guest for Exported<T> {
    fn transform(context: Context, event: Event, delivery: Delivery) -> Result<Decision, GuestFault> {
        crate::log::report_panics();
        Ok(T::transform(&context, &event, &delivery)?)
    }
}

/// Compiles only for a plugin.
#[doc(hidden)]
pub const fn check<T: Outbound>() {
    let _ = T::transform;
}

/// Makes a type that implements [`Outbound`](crate::outbound::Outbound) the plugin of its crate.
#[macro_export]
macro_rules! export_outbound {
    ($plugin:ty) => {
        // On other targets a plugin is an ordinary library: it is checked, and nothing is exported.
        #[cfg(not(target_arch = "wasm32"))]
        const _: () = $crate::outbound::check::<$plugin>();
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Plugin = $crate::export::ExportedOutbound<$plugin>;
    $crate::export::outbound::export!(Plugin with_types_in $crate::export::outbound);
        };
    };
}
