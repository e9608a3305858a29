//! `POST /admin/plugins/{name}/record`: fixtures made of what is on record, with every value replaced.

use super::trial::{ids, last_deliveries, last_messages, uses, version};
use crate::admin::answer;
use crate::admin::body::{self, Faults, Object, child};
use crate::admin::call::Call;
use crate::app::App;
use crate::chance;
use crate::plugins::Recorder;
use crate::problem::Problem;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use hookwright_core::id::{DeliveryId, MessageId};
use hookwright_plugin_host::World;
use hookwright_store::KeyScope;
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Records of one recording.
const RECORDS_MAX: u32 = 200;
const USUAL: u32 = 10;
/// What the fixtures of one answer may have together, in bytes.
const BYTES_MAX: usize = 16 << 20;
const KEEP_MAX: usize = 200;
const POINTER_CHARACTERS_MAX: usize = 500;

/// What is to be recorded.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    last: u32,
    messages: Vec<MessageId>,
    deliveries: Vec<DeliveryId>,
    keep: Vec<String>,
}

#[derive(Default, Serialize)]
struct Answer {
    plugin: String,
    /// The version whose answers are expected.
    version: String,
    /// Records of which there is no fixture: gone, of another plugin, too large, or the plugin failed on them.
    left_out: usize,
    fixtures: Vec<Map<String, Value>>,
    #[serde(skip)]
    bytes: usize,
}

impl Answer {
    fn add(&mut self, fixture: Option<Map<String, Value>>) {
        let size = |fixture: &Map<String, Value>| serde_json::to_vec(fixture).map_or(BYTES_MAX, |bytes| bytes.len());
        match fixture.map(|fixture| (size(&fixture), fixture)) {
            Some((size, fixture)) if self.bytes + size <= BYTES_MAX => {
                self.bytes += size;
                self.fixtures.push(fixture);
            }
            _ => self.left_out += 1,
        }
    }
}

/// `POST /admin/plugins/{name}/record`.
pub async fn record(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    call.caller.must(KeyScope::Phi)?;
    let bytes = body::sound_json(&app, request, body::JSON).await?;
    let wanted = read(&body::value(&bytes)?)?;
    let active = version(&app, &name, None).await?;
    call.record_reading(&app, "plugin.recorded", &name).await?;
    // Made for this recording, and gone with it: nobody can find out a value by trying.
    let key = chance::bytes::<64>();
    let mut recorder = app.plugins.recorder(&active, &key, wanted.keep.clone());
    let mut answer = Answer { plugin: name.clone(), version: active.digest(), ..Answer::default() };
    match active.world() {
        World::Inbound => messages(&app, &name, &wanted, &mut recorder, &mut answer).await?,
        World::Outbound => deliveries(&app, &name, &wanted, &mut recorder, &mut answer).await?,
    }
    answer::ok(&answer)
}

async fn messages(
    app: &App,
    name: &str,
    wanted: &Wanted,
    recorder: &mut Recorder<'_>,
    answer: &mut Answer,
) -> Result<(), Problem> {
    let ids =
        if wanted.messages.is_empty() { last_messages(app, name, wanted.last).await? } else { wanted.messages.clone() };
    let sources = app.store.sources();
    for id in ids {
        let Some(message) = app.store.message(id).await? else {
            answer.add(None);
            continue;
        };
        let source = sources.iter().find(|source| source.id == message.raw.source_id && source.plugin == name);
        answer.add(match source {
            Some(source) => recorder.message(source, &message.raw).await,
            None => None,
        });
    }
    Ok(())
}

async fn deliveries(
    app: &App,
    name: &str,
    wanted: &Wanted,
    recorder: &mut Recorder<'_>,
    answer: &mut Answer,
) -> Result<(), Problem> {
    let ids = if wanted.deliveries.is_empty() {
        last_deliveries(app, name, wanted.last).await?
    } else {
        wanted.deliveries.clone()
    };
    let subscriptions = app.store.subscriptions();
    for id in ids {
        let Some((delivery, _)) = app.store.delivery(id).await? else {
            answer.add(None);
            continue;
        };
        let subscription = subscriptions.iter().find(|one| one.id == delivery.subscription_id && uses(one, name));
        let binding = subscription.and_then(|subscription| subscription.transform.as_ref());
        let event = app.store.event(delivery.event_id).await?;
        answer.add(match (binding, event) {
            (Some(binding), Some(event)) => recorder.event(binding, &event).await,
            _ => None,
        });
    }
    Ok(())
}

fn read(value: &Value) -> Result<Wanted, Problem> {
    let mut faults = Faults::default();
    let mut wanted = Wanted::default();
    if let Some(mut object) = Object::read(value, "", &mut faults) {
        wanted.last = object.number("last", 1..=RECORDS_MAX, &mut faults).unwrap_or(USUAL);
        wanted.messages = ids(&mut object, "messages", "the id of a message", &mut faults);
        wanted.deliveries = ids(&mut object, "deliveries", "the id of a delivery", &mut faults);
        wanted.keep = pointers(&mut object, &mut faults);
        for (name, count) in [("messages", wanted.messages.len()), ("deliveries", wanted.deliveries.len())] {
            if count > RECORDS_MAX as usize {
                faults.add(object.pointer(name), format!("must have at most {RECORDS_MAX} entries"));
            }
        }
        object.finish(&[], &mut faults);
    }
    faults.finish()?;
    Ok(wanted)
}

/// What is to stay, in the body or in the event's data. Not everything at once: the empty pointer is none of these.
fn pointers(object: &mut Object<'_>, faults: &mut Faults) -> Vec<String> {
    let Some(list) = object.list("keep", KEEP_MAX, faults) else { return Vec::new() };
    let mut pointers = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let is_pointer = |text: &&str| text.starts_with('/') && text.chars().count() <= POINTER_CHARACTERS_MAX;
        match value.as_str().filter(is_pointer) {
            Some(pointer) => pointers.push(pointer.to_owned()),
            None => faults.add(child("/keep", &index.to_string()), "expected a JSON pointer, such as /patient/state"),
        }
    }
    pointers
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ten_are_recorded_unless_more_is_said() {
        assert_eq!(read(&json!({})).unwrap(), Wanted { last: 10, ..Wanted::default() });
        let bad = json!({"last": 201, "messages": ["dlv_1"], "deliveries": 1, "keep": ["", "a", "/a"], "kept": 1});
        let body = String::from_utf8(read(&bad).unwrap_err().body("r")).unwrap();
        for pointer in ["/last", "/messages/0", "/deliveries", "/keep/0", "/keep/1", "/kept"] {
            assert!(body.contains(&format!("\"{pointer}\"")), "{pointer} in {body}");
        }
        assert!(!body.contains("/keep/2"));
    }

    #[test]
    fn an_answer_stays_within_its_size() {
        let mut answer = Answer::default();
        let fixture = |size: usize| json!({ "body_text": "x".repeat(size) }).as_object().cloned();
        answer.add(fixture(BYTES_MAX / 2));
        answer.add(fixture(BYTES_MAX / 2));
        answer.add(fixture(10));
        answer.add(None);
        assert_eq!((answer.fixtures.len(), answer.left_out), (2, 2));
    }
}
