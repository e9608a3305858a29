//! What outbound plugins are asked and what they answer, as the contract's interface `dispatch` defines it.

use bytes::Bytes;

use crate::context::{Attributes, opaque_debug};

/// An event on its way to a subscriber.
#[derive(Clone)]
pub struct OutboundEvent {
    /// Its id (`evt_…`).
    pub id: String,
    /// Its type.
    pub event_type: String,
    /// When it was published, in unix milliseconds.
    pub created_at_ms: i64,
    /// Its data: the text of one JSON object.
    pub data: String,
    /// Whatever later versions of the contract add.
    pub attributes: Attributes,
}

/// Where the event is going.
#[derive(Clone, Debug)]
pub struct OutboundDelivery {
    /// The delivery's id (`dlv_…`).
    pub id: String,
    /// The subscription's id (`sub_…`).
    pub subscription_id: String,
    /// The subscription's name.
    pub subscription_name: String,
    /// Whatever later versions of the contract add.
    pub attributes: Attributes,
}

/// A request to send.
#[derive(Clone, PartialEq, Eq)]
pub struct SendRequest {
    /// `POST`, `PUT`, `PATCH`, `DELETE` or `GET`.
    pub method: String,
    /// A legal header value.
    pub content_type: String,
    /// Legal names in lower case and legal values; none of the gateway's own and none that frame the message.
    pub headers: Vec<(String, String)>,
    /// The bytes to sign and send.
    pub body: Bytes,
    /// Whatever the contract has no field for.
    pub attributes: Attributes,
}

/// What to do about an event for a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Send this.
    Send(SendRequest),
    /// Send nothing; the reason is for the operator.
    Skip {
        /// Why, in a few words.
        reason: String,
    },
}

/// Why a plugin could not decide. By contract it repeats no value of the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In kebab-case: `malformed`, `settings`, `internal` or the plugin's own.
    pub code: String,
    /// What went wrong.
    pub message: String,
    /// Where, as a JSON pointer.
    pub location: Option<String>,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// Whatever the contract has no field for.
    pub attributes: Attributes,
}

opaque_debug!(OutboundEvent, SendRequest);
