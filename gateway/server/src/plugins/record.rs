//! Recording: fixtures made of what is on record, with every value replaced and with what the version that serves makes of them as the expectation.

use super::Plugins;
use super::redact::{Body, RedactionKey, Redactor};
use super::trial::Tried;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookwright_core::event::Event;
use hookwright_core::message::RawMessage;
use hookwright_core::source::Source;
use hookwright_core::subscription::Transform;
use hookwright_plugin_host::World;
use hookwright_plugin_host::fixture::{Fixture, without_empty};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

/// Makes the fixtures of one recording, in which the same value has the same replacement throughout.
pub struct Recorder<'a> {
    plugins: &'a Plugins,
    version: &'a Tried,
    redactor: Redactor,
}

impl Plugins {
    /// A recorder that asks this version what to expect. The key must be random, and is not to be kept.
    pub fn recorder<'a>(
        &'a self,
        version: &'a Tried,
        key: &RedactionKey,
        keep: impl IntoIterator<Item = String>,
    ) -> Recorder<'a> {
        Recorder { plugins: self, version, redactor: Redactor::new(key, keep) }
    }
}

impl Recorder<'_> {
    /// A fixture of a message; `None` if the version gives no answer to it, or it is too large for a fixture.
    pub async fn message(&mut self, source: &Source, raw: &RawMessage) -> Option<Map<String, Value>> {
        let input = self.request(source, raw);
        self.expecting(&source.settings, source.deadline_ms, input).await
    }

    /// The same of an event and of the binding that shapes it.
    pub async fn event(&mut self, binding: &Transform, event: &Event) -> Option<Map<String, Value>> {
        let data: Value = serde_json::from_str(&event.data).ok()?;
        let input = json!({ "event": { "type": event.event_type.as_str(), "data": self.redactor.json(&data) } });
        self.expecting(&binding.settings, binding.deadline_ms, input).await
    }

    /// What a plugin is asked about a message. Ids and times are left out: fixtures have their own.
    fn request(&mut self, source: &Source, raw: &RawMessage) -> Value {
        let assurance = match raw.tier.as_str() {
            "verified" => "verified",
            "authenticated" => "authenticated",
            _ => "open",
        };
        let mut input = json!({
            "method": raw.method,
            "hook": self.redactor.path(&raw.hook),
            "assurance": assurance,
            "scheme": source.verification.kind().replace('_', "-"),
        });
        let query: Vec<(String, String)> = form_urlencoded::parse(raw.query.as_bytes())
            .map(|(name, value)| (name.to_string(), self.redactor.value(&name, &value)))
            .collect();
        if !query.is_empty() {
            input["query"] = json!(query);
        }
        if let Some((name, value)) = raw.headers.iter().find(|(name, _)| name == "content-type") {
            input["headers"] = json!({ name: value });
        }
        match self.redactor.body(&raw.body) {
            Body::Empty => {}
            Body::Json(body) => input["body"] = body,
            Body::Text(body) => input["body_text"] = body.into(),
            Body::Bytes(body) => input["body_base64"] = STANDARD.encode(body).into(),
        }
        input
    }

    async fn expecting(&self, settings: &Value, deadline_ms: Option<u32>, input: Value) -> Option<Map<String, Value>> {
        let world = self.version.world();
        // Whatever comes is what is expected from then on.
        let asked =
            json!({ "world": world.as_str(), "settings": settings, "input": input, "expected": { "failure": {} } });
        let fixture = Fixture::parse("recorded", asked.to_string().as_bytes()).ok()?;
        let limits = self.plugins.limits(world, deadline_ms, 1);
        let mut reports =
            self.plugins.host.run_fixtures(self.version.code(), std::slice::from_ref(&fixture), limits).await;
        let got = reports.pop()?.got;
        // A crash is nothing to expect, and neither is a host that had no time.
        let answer = got.as_object().filter(|answer| !answer.contains_key("failure"))?;
        let expected = answer.iter().map(|(kind, answer)| (kind.clone(), without_empty(answer))).collect();
        let mut json = fixture.expecting(Value::Object(expected)).json().clone();
        // The file that it is written into names it.
        json.remove("name");
        let what = if world == World::Inbound { "a message" } else { "an event" };
        json.insert("description".to_owned(), format!("Recorded from {what}; its values were replaced.").into());
        Some(json)
    }
}
