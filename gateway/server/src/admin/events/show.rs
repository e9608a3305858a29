//! Events as the API shows them.

use crate::admin::{answer, deliveries};
use crate::problem::Problem;
use hookwright_core::event::Event;
use hookwright_core::timestamp::format_ms;
use hookwright_store::EventRow;
use serde::Serialize;
use serde_json::value::RawValue;

/// An event in a list.
#[derive(Serialize)]
pub struct Row {
    id: String,
    r#type: String,
    created_at: String,
    origin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    delivery_count: u32,
}

impl Row {
    /// A row of the store.
    pub fn of(row: &EventRow) -> Self {
        Self {
            id: row.id.to_string(),
            r#type: row.event_type.clone(),
            created_at: format_ms(row.created_at),
            origin: row.origin.clone(),
            message_id: row.message_id.map(|id| id.to_string()),
            delivery_count: row.deliveries,
        }
    }
}

/// An event with its data, where the caller may see it, and its deliveries.
#[derive(Serialize)]
pub struct Whole<'a> {
    id: String,
    r#type: &'a str,
    created_at: String,
    origin: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ordering_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    redacted: bool,
    delivery_count: usize,
    deliveries: Vec<deliveries::Row>,
}

impl<'a> Whole<'a> {
    /// An event, with the data as the text that was published. An ordering key is the publisher's text like the data, and shown to the same callers.
    pub fn of(event: &'a Event, deliveries: Vec<deliveries::Row>, with_data: bool) -> Result<Self, Problem> {
        let data = if with_data { Some(answer::verbatim(&event.data)?) } else { None };
        Ok(Self {
            id: event.id.to_string(),
            r#type: event.event_type.as_str(),
            created_at: format_ms(event.created_at),
            origin: &event.origin,
            message_id: event.message_id.map(|id| id.to_string()),
            ordering_key: event.ordering_key.as_deref().filter(|_| with_data),
            data,
            redacted: !with_data,
            delivery_count: event.fan_out.len(),
            deliveries,
        })
    }
}
