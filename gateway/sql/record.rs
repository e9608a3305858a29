//! What of the records is packed, and how.

use crate::corrupt::Reading;
use crate::parcel::json;
use hookwright_core::id::EventId;
use hookwright_core::message::Parsed;
use hookwright_core::region::Address;
use hookwright_store::StoreError;

/// What a name and an address are sealed as.
pub(crate) type Person = (Option<String>, Option<Address>);
/// Query and headers; the body follows them.
pub(crate) type MessageParts = (String, Vec<(String, String)>);
/// What the plugin found, and its log lines.
pub(crate) type Findings = (Option<Parsed>, Vec<String>);

/// Ids as a JSON list of numbers.
pub(crate) fn numbers(events: &[EventId]) -> String {
    json(&events.iter().map(|event| event.get()).collect::<Vec<_>>())
}

/// The events of a message: a JSON list of numbers.
pub(crate) fn event_ids(reading: &Reading<i64>, text: &str) -> Result<Vec<EventId>, StoreError> {
    let numbers: Vec<i64> = reading.json("events", text)?;
    numbers.into_iter().map(|number| reading.id("events", number)).collect()
}
