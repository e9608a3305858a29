//! What some partners put around a resource, or send in its place.

use hookwright_plugin_sdk::inbound::Request;
use hookwright_plugin_sdk::json::{Mismatch, Node};

use crate::arrival::Arrival;
use crate::library::Library;
use crate::message_id::fitting;
use crate::settings::Settings;

/// What a body brings that may be wrapped.
///
/// * Zus: `message_id`, `resourceId` and, if it was agreed so, the `resource` itself.
/// * Health Gorilla: a pointer, `{"resource": "Encounter", "id": "Encounter/…"}`; the event's id is in a header.
/// * `CloudEvents` (Particle Health and others): the resource is the `data`.
/// * Any other: the settings tell where the resource is.
pub(crate) fn open<'a>(
    root: &Node<'a>,
    request: &Request,
    settings: &Settings,
    library: &mut Library<'a>,
) -> Result<Arrival<'a>, Mismatch> {
    root.object()?;
    if let Some(pointer) = &settings.resource_at {
        let inner = follow(root, pointer);
        inner.object()?;
        return Arrival::of_resource(&inner, settings, library);
    }
    if root.get("resourceType").optional().is_some() {
        return Arrival::of_resource(root, settings, library);
    }
    if root.get("specversion").optional().is_some() {
        return cloud_event(root, settings, library);
    }
    if let Some(name) = root.get("resourceId").optional() {
        return zus(root, name, settings, library);
    }
    let pointer = root.get("id");
    if pointer.as_text().is_some_and(|id| id.contains('/')) && root.get("resource").as_text().is_some() {
        let mut arrival = Arrival::naming(pointer);
        let event_id = request.headers.iter().find(|(name, _)| name == "x-hg-eventid");
        arrival.message_id = event_id.map(|(_, id)| fitting(format!("event:{id}")));
        return Ok(arrival);
    }
    Err(root.get("resourceType").mismatch("the type of a FHIR resource"))
}

fn cloud_event<'a>(root: &Node<'a>, settings: &Settings, library: &mut Library<'a>) -> Result<Arrival<'a>, Mismatch> {
    let data = root.get("data");
    if data.get("resourceType").optional().is_none() {
        return Ok(Arrival::idle("the event carries no FHIR resource"));
    }
    let mut arrival = Arrival::of_resource(&data, settings, library)?;
    // The specification makes the two together unique.
    let id = root.get("id").text()?;
    arrival.message_id = Some(fitting(format!("{}#{id}", root.get("source").as_text().unwrap_or_default())));
    Ok(arrival)
}

fn zus<'a>(
    root: &Node<'a>,
    name: Node<'a>,
    settings: &Settings,
    library: &mut Library<'a>,
) -> Result<Arrival<'a>, Mismatch> {
    let mut arrival = match root.get("resource").optional() {
        Some(resource) => Arrival::of_resource(&resource, settings, library)?,
        None => Arrival::naming(name),
    };
    if let Some(id) = root.get("message_id").optional() {
        arrival.message_id = Some(fitting(format!("message:{}", id.id()?)));
    }
    Ok(arrival)
}

/// The place that a JSON pointer names.
fn follow<'a>(root: &Node<'a>, pointer: &str) -> Node<'a> {
    let mut place = root.clone();
    for step in pointer.split('/').skip(1) {
        let step = unescaped(step);
        let item = step.parse::<usize>().ok().map(|index| place.at(index)).and_then(Node::optional);
        place = item.unwrap_or_else(|| place.get(&step));
    }
    place
}

/// A step of a JSON pointer as the key that it names.
pub(crate) fn unescaped(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}
