//! Outbound plugin: events as profile updates of a marketing API.
//!
//! It makes of an event the body that Klaviyo's *Create Event* takes (a JSON:API document, see
//! <https://developers.klaviyo.com/en/reference/create_event>): the metric, the profile with its location, the time, a
//! unique id, and properties. Fields are renamed and nested on the way. What is clinical never leaves: only the fields
//! of each event type that are named below go out, and of those only what the settings keep.
//!
//! Settings, all optional: `api_key` is not among them, set the `authorization` header on the subscription.
//! * `revision`: the API's revision, sent as a header. Default `2024-10-15`.
//! * `properties`: the names of the properties that may go out. Default all those below.
//! * `metrics`: names for metrics by event type, such as `{"order.placed": "Placed Order"}`.
//!
//! Event types it does not know are skipped.

use hookwright_plugin_sdk::json::{Document, Mismatch, Node};
use hookwright_plugin_sdk::outbound::{Context, Decision, Delivery, Event, Fault, Outbound, Outgoing};
use hookwright_plugin_sdk::timestamp::to_rfc3339;
use hookwright_plugin_sdk::{export_outbound, log};
use serde_json::{Map, Value, json};

mod metric;

use metric::Metric;

const REVISION: &str = "2024-10-15";

/// The plugin.
pub struct KlaviyoProfile;

impl Outbound for KlaviyoProfile {
    fn transform(context: &Context, event: &Event, _delivery: &Delivery) -> Result<Decision, Fault> {
        let settings = Document::settings(context)?;
        let settings = settings.root();
        settings.object()?;
        let Some(metric) = Metric::of(&event.event_type) else {
            return Ok(Decision::skip("the event type has no metric in the marketing API"));
        };
        let data = Document::data(event)?;
        let data = data.root();
        data.object()?;
        let Some(profile) = profile(&data)? else {
            return Ok(Decision::skip("the event names no customer"));
        };
        let body = json!({
            "data": {
                "type": "event",
                "attributes": {
                    "metric": {
                        "data": { "type": "metric", "attributes": { "name": metric_name(&settings, event, &metric)? } },
                    },
                    "profile": { "data": { "type": "profile", "attributes": profile } },
                    "properties": properties(&settings, &data, &metric)?,
                    "time": to_rfc3339(event.created_at_ms),
                    "unique_id": event.id,
                },
            },
        });
        Ok(Outgoing::json(&body)?.header("revision", revision(&settings)?).into())
    }
}

fn revision<'a>(settings: &Node<'a>) -> Result<&'a str, Mismatch> {
    let Some(revision) = settings.get("revision").optional() else { return Ok(REVISION) };
    let text = revision.text()?;
    let legal = text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    if legal { Ok(text) } else { Err(revision.mismatch("a revision of the API, such as 2024-10-15")) }
}

fn metric_name<'a>(settings: &Node<'a>, event: &Event, metric: &Metric) -> Result<&'a str, Mismatch> {
    let Some(metrics) = settings.get("metrics").optional() else { return Ok(metric.name) };
    metrics.object()?;
    metrics.get(&event.event_type).optional().map_or(Ok(metric.name), |name| name.text())
}

/// Who the event is about: at least an id or an e-mail address. Name, telephone and place are read from `customer` if
/// there is one, else from the data itself.
fn profile(data: &Node<'_>) -> Result<Option<Map<String, Value>>, Mismatch> {
    let customer = data.get("customer").optional().unwrap_or_else(|| data.clone());
    let mut profile = Map::new();
    let external_id = data.get("customer_id").optional().or_else(|| customer.get("id").optional());
    if let Some(id) = external_id {
        profile.insert("external_id".to_owned(), id.id()?.into());
    }
    for (from, to) in
        [("email", "email"), ("phone", "phone_number"), ("first_name", "first_name"), ("last_name", "last_name")]
    {
        copy_text(&customer, from, &mut profile, to)?;
    }
    if !profile.contains_key("external_id") && !profile.contains_key("email") {
        return Ok(None);
    }
    if let Some(address) = customer.get("address").optional() {
        profile.insert("location".to_owned(), Value::Object(location(&address)?));
    }
    Ok(Some(profile))
}

fn location(address: &Node<'_>) -> Result<Map<String, Value>, Mismatch> {
    address.object()?;
    let mut location = Map::new();
    for (from, to) in [("city", "city"), ("state", "region"), ("postal_code", "zip"), ("country", "country")] {
        copy_text(address, from, &mut location, to)?;
    }
    Ok(location)
}

fn copy_text(from: &Node<'_>, name: &str, to: &mut Map<String, Value>, new_name: &str) -> Result<(), Mismatch> {
    if let Some(node) = from.get(name).optional() {
        to.insert(new_name.to_owned(), node.text()?.into());
    }
    Ok(())
}

fn properties(settings: &Node<'_>, data: &Node<'_>, metric: &Metric) -> Result<Map<String, Value>, Mismatch> {
    let kept = kept_properties(settings)?;
    let mut properties = Map::new();
    for property in metric.properties {
        if kept.as_ref().is_some_and(|kept| !kept.contains(&property.name)) {
            continue;
        }
        match property.path.iter().fold(data.clone(), |node, key| node.get(key)).value() {
            None => {}
            Some(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => {
                properties.insert(property.name.to_owned(), value.clone());
            }
            // An object under a harmless name could hold anything.
            Some(_) => log::warn(&format!("{} is not a plain value and is left out", property.name)),
        }
    }
    Ok(properties)
}

fn kept_properties<'a>(settings: &Node<'a>) -> Result<Option<Vec<&'a str>>, Mismatch> {
    let Some(properties) = settings.get("properties").optional() else { return Ok(None) };
    properties.items()?.map(|name| name.text()).collect::<Result<_, _>>().map(Some)
}

export_outbound!(KlaviyoProfile);

#[cfg(test)]
mod tests;
