//! By what a repetition of a message is known.

use std::fmt::Write as _;

use hookwright_plugin_sdk::json::Node;
use sha2::{Digest as _, Sha256};

use crate::library::own_path;
use crate::notification::Status;

/// The contract's bound.
const ID_BYTES_MAX: usize = 256;
/// Shorter ids of events are numbers within their bundle.
const UNIQUE_BYTES_MIN: usize = 16;

/// Of a notification: the ids of its events, where they have any; or else the subscription with the numbers, times and
/// foci of the events, and the time of the bundle where they have none; or else the id of the bundle.
pub(crate) fn of_notification(status: &Status<'_>, bundle: &Node<'_>) -> Option<String> {
    let unique = |id: &&str| id.len() >= UNIQUE_BYTES_MIN;
    let ids: Option<Vec<_>> = status.events.iter().map(|event| event.id.filter(unique)).collect();
    if let Some(ids) = ids.filter(|ids| !ids.is_empty()) {
        return Some(fitting(format!("event:{}", ids.join(","))));
    }
    let mut text = format!("notification:{}", status.subscription.unwrap_or_default());
    let mut told = false;
    for event in &status.events {
        let (number, at) = (event.number.as_deref(), event.at.as_text());
        told |= number.is_some() || at.is_some();
        // Writing to a String cannot fail.
        let _ = write!(text, ",{}@{}", number.unwrap_or_default(), at.unwrap_or_default());
        let focus =
            event.focus.get("reference").as_text().or_else(|| event.focus.get("identifier").get("value").as_text());
        let _ = write!(text, "={}", focus.unwrap_or_default());
    }
    // Some servers number the events of each bundle anew, and two changes of one resource would pass for one.
    if status.events.iter().any(|event| event.at.as_text().is_none()) {
        let _ = write!(text, ";{}", bundle.get("timestamp").as_text().unwrap_or_default());
    }
    if told {
        return Some(fitting(text));
    }
    bundle.get("id").as_text().map(|id| fitting(format!("bundle:{id}")))
}

/// Of a resource: its version, or else the time of its last change.
pub(crate) fn of_resource(resource: &Node<'_>) -> Option<String> {
    let meta = resource.get("meta");
    let path = own_path(resource)?;
    let version = meta.get("versionId").id().ok().map(|version| format!("{path}/_history/{version}"));
    let changed = || meta.get("lastUpdated").as_text().map(|at| format!("{path}@{at}"));
    version.or_else(changed).map(fitting)
}

/// Of several resources, if each has one.
pub(crate) fn of_resources(resources: &[Node<'_>]) -> Option<String> {
    let ids: Option<Vec<_>> = resources.iter().map(of_resource).collect();
    ids.filter(|ids| !ids.is_empty()).map(|ids| fitting(ids.join(",")))
}

/// An id that the contract takes: itself, or its hash.
pub(crate) fn fitting(id: String) -> String {
    if id.len() <= ID_BYTES_MAX && !id.chars().any(char::is_control) {
        return id;
    }
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(id.as_bytes()) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
