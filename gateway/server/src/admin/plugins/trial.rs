//! `POST /admin/plugins/{name}/try`: what a version would make of what is on record, without any effect.

use super::find;
use super::moves::whole_digest;
use crate::admin::answer;
use crate::admin::body::{self, Faults, Object, child};
use crate::admin::call::Call;
use crate::app::App;
use crate::plugins::{Trial, Tried};
use crate::problem::Problem;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use futures_util::{StreamExt, stream};
use hookwright_core::id::{DeliveryId, EventId, MessageId};
use hookwright_core::subscription::Subscription;
use hookwright_plugin_host::World;
use hookwright_store::{DeliveryFilter, KeyScope, MessageFilter, PageRequest};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// Records that one request tries.
const RECORDS_MAX: u32 = 1_000;
/// Trials under way at once: calls that count must not wait for them.
const UNDER_WAY_MAX: usize = 2;
/// Rows that are read from the store together.
const PAGE: u32 = 200;

/// What is to be tried.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    version: Option<String>,
    last: u32,
    messages: Vec<MessageId>,
    deliveries: Vec<DeliveryId>,
    events: Vec<EventId>,
    quarantined: bool,
    reveal: bool,
}

#[derive(Serialize)]
struct Answer {
    plugin: String,
    version: String,
    tried: usize,
    equal: usize,
    differs: usize,
    /// Of those tried: how many fail now.
    fails: usize,
    /// Records that could not be tried: gone, or of another plugin.
    left_out: usize,
    results: Vec<Trial>,
}

/// `POST /admin/plugins/{name}/try`.
pub async fn try_version(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let bytes = body::sound_json(&app, request, body::JSON).await?;
    let wanted = read(&body::value(&bytes)?)?;
    let tried = version(&app, &name, wanted.version.clone()).await?;
    if wanted.reveal {
        call.caller.must(KeyScope::Phi)?;
        call.record_reading(&app, "plugin.tried_with_values", &name).await?;
    }
    let results = match tried.world() {
        World::Inbound => messages(&app, &name, &tried, &wanted).await?,
        World::Outbound => deliveries(&app, &name, &tried, &wanted).await?,
    };
    answer::ok(&told(&name, &tried, results))
}

fn told(name: &str, tried: &Tried, results: Vec<Option<Trial>>) -> Answer {
    let left_out = results.iter().filter(|trial| trial.is_none()).count();
    let results: Vec<Trial> = results.into_iter().flatten().collect();
    let equal = results.iter().filter(|trial| trial.equal).count();
    let well =
        |trial: &&Trial| matches!(trial.now.outcome.as_str(), "accepted" | "ignored" | "refused" | "send" | "skip");
    let fails = results.len() - results.iter().filter(well).count();
    Answer {
        plugin: name.to_owned(),
        version: tried.digest(),
        tried: results.len(),
        equal,
        differs: results.len() - equal,
        fails,
        left_out,
        results,
    }
}

/// The version to try: the one named, or the one that serves.
pub(super) async fn version(app: &App, name: &str, named: Option<String>) -> Result<Tried, Problem> {
    let plugin = find(app, name).await?;
    let running = plugin.running_canary().map(|canary| canary.digest.clone());
    let digest = match named.as_deref() {
        None | Some("active") => plugin.active,
        Some("candidate") => running,
        Some(digest) => Some(whole_digest(app, name, digest.to_lowercase(), "/version").await?),
    };
    let absent = || Problem::new(StatusCode::CONFLICT, "unknown_version", "the plugin has no such version");
    let digest = digest.ok_or_else(absent)?;
    if app.store.plugin_version(name.to_owned(), digest.clone()).await?.is_none() {
        return Err(absent());
    }
    app.plugins.to_try(name, &digest).await?.ok_or_else(|| {
        let detail = "the version cannot be loaded: see the plugin's trouble, and push it again";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "plugin_refused", detail)
    })
}

/// Messages of the plugin's sources, oldest first.
async fn messages(app: &App, name: &str, tried: &Tried, wanted: &Wanted) -> Result<Vec<Option<Trial>>, Problem> {
    let ids = if wanted.messages.is_empty() { message_ids(app, name, wanted).await? } else { wanted.messages.clone() };
    let sources = app.store.sources();
    let trials = stream::iter(ids).map(|id| {
        let sources = Arc::clone(&sources);
        async move {
            let Some(message) = app.store.message(id).await? else { return Ok(None) };
            let source = sources.iter().find(|source| source.id == message.raw.source_id && source.plugin == name);
            let Some(source) = source else { return Ok(None) };
            Ok::<_, Problem>(Some(app.plugins.try_message(tried, source, &message, wanted.reveal).await))
        }
    });
    collected(trials.buffered(UNDER_WAY_MAX)).await
}

async fn collected(
    trials: impl stream::Stream<Item = Result<Option<Trial>, Problem>>,
) -> Result<Vec<Option<Trial>>, Problem> {
    let mut trials = std::pin::pin!(trials);
    let mut results = Vec::new();
    while let Some(trial) = trials.next().await {
        results.push(trial?);
    }
    Ok(results)
}

/// The last messages of every source of the plugin, in the order in which they came.
pub(super) async fn last_messages(app: &App, name: &str, last: u32) -> Result<Vec<MessageId>, Problem> {
    let mut ids = Vec::new();
    for source in app.store.sources().iter().filter(|source| source.plugin == name) {
        let filter = MessageFilter { source_id: Some(source.id), status: None };
        let mut page = PageRequest { before: None, limit: last.min(PAGE) };
        let mut left = last;
        while left > 0 {
            let found = app.store.messages(filter.clone(), page).await?;
            left = left.saturating_sub(u32::try_from(found.rows.len()).unwrap_or(u32::MAX));
            ids.extend(found.rows.iter().map(|row| row.id));
            let Some(next) = found.next else { break };
            page = PageRequest { before: Some(next), limit: left.min(PAGE) };
        }
    }
    ids.sort_unstable();
    Ok(ids.split_off(ids.len().saturating_sub(last as usize)))
}

async fn message_ids(app: &App, name: &str, wanted: &Wanted) -> Result<Vec<MessageId>, Problem> {
    if !wanted.quarantined {
        return last_messages(app, name, wanted.last).await;
    }
    let mut ids = Vec::new();
    for source in app.store.sources().iter().filter(|source| source.plugin == name) {
        ids.extend(app.store.quarantined(source.id, None, wanted.last).await?);
    }
    ids.sort_unstable();
    ids.truncate(wanted.last as usize);
    Ok(ids)
}

async fn deliveries(app: &App, name: &str, tried: &Tried, wanted: &Wanted) -> Result<Vec<Option<Trial>>, Problem> {
    let ids = if wanted.deliveries.is_empty() && wanted.events.is_empty() {
        last_deliveries(app, name, wanted.last).await?
    } else {
        let mut ids = wanted.deliveries.clone();
        for event in &wanted.events {
            let filter = DeliveryFilter { event_id: Some(*event), ..DeliveryFilter::default() };
            let page = app.store.deliveries(filter, PageRequest { before: None, limit: PAGE }).await?;
            ids.extend(page.rows.iter().map(|delivery| delivery.id));
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let subscriptions = app.store.subscriptions();
    let trials = stream::iter(ids).map(|id| {
        let subscriptions = Arc::clone(&subscriptions);
        async move {
            let Some((delivery, attempts)) = app.store.delivery(id).await? else { return Ok(None) };
            let subscription = subscriptions.iter().find(|one| one.id == delivery.subscription_id && uses(one, name));
            let event = app.store.event(delivery.event_id).await?;
            let (Some(subscription), Some(event)) = (subscription, event) else { return Ok(None) };
            let whole = (&delivery, attempts.as_slice());
            Ok::<_, Problem>(app.plugins.try_delivery(tried, subscription, whole, &event, wanted.reveal).await)
        }
    });
    collected(trials.buffered(UNDER_WAY_MAX)).await
}

/// Whether a subscription's deliveries go through the plugin.
pub(super) fn uses(subscription: &Subscription, name: &str) -> bool {
    subscription.transform.as_ref().is_some_and(|transform| transform.plugin == name)
}

/// The last deliveries to every subscription of the plugin, in the order in which they came.
pub(super) async fn last_deliveries(app: &App, name: &str, last: u32) -> Result<Vec<DeliveryId>, Problem> {
    let mut ids = Vec::new();
    for subscription in app.store.subscriptions().iter().filter(|subscription| uses(subscription, name)) {
        let filter = DeliveryFilter { subscription_id: Some(subscription.id), ..DeliveryFilter::default() };
        let mut page = PageRequest { before: None, limit: last.min(PAGE) };
        let mut left = last;
        while left > 0 {
            let found = app.store.deliveries(filter.clone(), page).await?;
            left = left.saturating_sub(u32::try_from(found.rows.len()).unwrap_or(u32::MAX));
            ids.extend(found.rows.iter().map(|row| row.id));
            let Some(next) = found.next else { break };
            page = PageRequest { before: Some(next), limit: left.min(PAGE) };
        }
    }
    ids.sort_unstable();
    Ok(ids.split_off(ids.len().saturating_sub(last as usize)))
}

fn read(value: &Value) -> Result<Wanted, Problem> {
    let mut faults = Faults::default();
    let mut wanted = Wanted::default();
    if let Some(mut object) = Object::read(value, "", &mut faults) {
        wanted.version = object.text("version", 64, &mut faults).map(str::to_owned);
        wanted.last = object.number("last", 1..=RECORDS_MAX, &mut faults).unwrap_or(PAGE);
        wanted.messages = ids(&mut object, "messages", "the id of a message", &mut faults);
        wanted.deliveries = ids(&mut object, "deliveries", "the id of a delivery", &mut faults);
        wanted.events = ids(&mut object, "events", "the id of an event", &mut faults);
        wanted.quarantined = object.flag("quarantined", &mut faults).unwrap_or(false);
        wanted.reveal = object.flag("reveal", &mut faults).unwrap_or(false);
        object.finish(&[], &mut faults);
    }
    faults.finish()?;
    Ok(wanted)
}

/// Ids of a list.
pub(super) fn ids<I: std::str::FromStr>(
    object: &mut Object<'_>,
    name: &'static str,
    what: &str,
    faults: &mut Faults,
) -> Vec<I> {
    let Some(list) = object.list(name, RECORDS_MAX as usize, faults) else { return Vec::new() };
    let mut ids = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        match value.as_str().and_then(|text| text.parse().ok()) {
            Some(id) => ids.push(id),
            None => faults.add(child(&object.pointer(name), &index.to_string()), format!("expected {what}")),
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_last_two_hundred_are_tried_unless_more_is_said() {
        let wanted = read(&json!({})).unwrap();
        assert_eq!(wanted, Wanted { last: 200, ..Wanted::default() });
        let bad = json!({"last": 0, "messages": ["evt_1"], "events": 7, "verison": "x"});
        let body = String::from_utf8(read(&bad).unwrap_err().body("r")).unwrap();
        for pointer in ["/last", "/messages/0", "/events", "/verison"] {
            assert!(body.contains(pointer), "{pointer} in {body}");
        }
    }
}
