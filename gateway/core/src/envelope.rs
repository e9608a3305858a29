//! The envelope: the body of every delivery that no transform replaced.
//!
//! Its members and their order are the product's contract (`spec/webhooks-system.md`, "Payload Structure"). The bytes are built once per delivery and those bytes are signed.

use crate::event::Event;
use crate::id::SubscriptionId;
use crate::timestamp::format_ms;

/// The version of the envelope's form, sent as `metadata.api_version`.
pub const API_VERSION: &str = "1.0";

/// Builds the envelope of `event` for one subscription. The data is spliced in as the text that was published.
pub fn build(event: &Event, subscription: SubscriptionId) -> Vec<u8> {
    let mut body = Vec::with_capacity(event.data.len() + 220);
    // Ids, types and times hold no character that JSON escapes: their own constructors see to that.
    body.extend_from_slice(b"{\"id\":\"");
    body.extend_from_slice(event.id.to_string().as_bytes());
    body.extend_from_slice(b"\",\"type\":\"");
    body.extend_from_slice(event.event_type.as_str().as_bytes());
    body.extend_from_slice(b"\",\"created_at\":\"");
    body.extend_from_slice(format_ms(event.created_at).as_bytes());
    body.extend_from_slice(b"\",\"data\":");
    body.extend_from_slice(event.data.as_bytes());
    body.extend_from_slice(b",\"metadata\":{\"api_version\":\"");
    body.extend_from_slice(API_VERSION.as_bytes());
    body.extend_from_slice(b"\",\"webhook_subscription_id\":\"");
    body.extend_from_slice(subscription.to_string().as_bytes());
    body.extend_from_slice(b"\"}}");
    body
}
