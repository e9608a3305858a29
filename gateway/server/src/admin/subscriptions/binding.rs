//! The plugin that reshapes a subscription's deliveries: whether there is one of that name, and of that version.

use crate::admin::body::{Faults, Object};
use crate::admin::nearest;
use crate::app::App;
use crate::problem::Problem;
use hookwright_core::subscription::{OnError, Transform};
use hookwright_store::PageRequest;
use serde_json::Value;

const OUTBOUND: &str = "outbound";
const ON_ERROR: [(&str, OnError); 4] = [
    ("retry", OnError::Retry),
    ("dead_letter", OnError::DeadLetter),
    ("pass_through", OnError::PassThrough),
    ("skip", OnError::Skip),
];
const VERSIONS_PER_READ: u32 = 200;
const SETTINGS_BYTES_MAX: usize = 64 * 1024;

/// What there is to bind to.
#[derive(Debug, Default)]
pub struct Candidates {
    names: Vec<String>,
    /// Of the named plugin: the digest of each version, and the world of all.
    versions: Vec<String>,
    world: Option<String>,
}

impl Candidates {
    /// Looks up what a body's `transform` names, if it names anything.
    pub async fn of(app: &App, body: &Value) -> Result<Self, Problem> {
        let Some(name) = body.pointer("/transform/plugin").and_then(Value::as_str) else { return Ok(Self::default()) };
        let plugins = app.store.plugins().await?;
        let names = plugins.iter().map(|plugin| plugin.name.clone()).collect();
        let Some(plugin) = plugins.iter().find(|plugin| plugin.name == name) else {
            return Ok(Self { names, ..Self::default() });
        };
        let mut versions = Vec::new();
        let mut before = None;
        loop {
            let page = PageRequest { before, limit: VERSIONS_PER_READ };
            let page = app.store.plugin_versions(plugin.name.clone(), page).await?;
            versions.extend(page.rows.into_iter().map(|version| version.digest));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        Ok(Self { names, versions, world: Some(plugin.world.clone()) })
    }

    fn check(&self, plugin: &str, version: &str, object: &Object<'_>, faults: &mut Faults) {
        let Some(world) = &self.world else {
            let near = nearest::to(plugin, self.names.iter().map(String::as_str));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            faults.add(object.pointer("plugin"), format!("there is no plugin of this name{hint}"));
            return;
        };
        if world != OUTBOUND {
            faults.add(object.pointer("plugin"), "is an inbound plugin; a transform needs an outbound one");
        } else if version != "active" && !self.versions.iter().any(|known| known == version) {
            faults.add(object.pointer("version"), "expected \"active\" or the digest of a version of this plugin");
        }
    }
}

/// Reads a binding.
pub fn read(mut object: Object<'_>, candidates: &Candidates, faults: &mut Faults) -> Option<Transform> {
    let plugin = object.required_text("plugin", 100, faults);
    let version = object.text("version", 100, faults).unwrap_or("active");
    let settings = object.map("settings", faults).cloned().unwrap_or_default();
    let on_error = object.word("on_error", &ON_ERROR, faults).unwrap_or_default();
    let deadline_ms = object.number("deadline_ms", 1..=2_000, faults);
    if let Some(plugin) = plugin {
        candidates.check(plugin, version, &object, faults);
    }
    let settings = Value::Object(settings);
    if settings.to_string().len() > SETTINGS_BYTES_MAX {
        faults.add(object.pointer("settings"), format!("must be at most {SETTINGS_BYTES_MAX} bytes of JSON"));
    }
    object.finish(&[], faults);
    Some(Transform { plugin: plugin?.to_owned(), version: version.to_owned(), settings, on_error, deadline_ms })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn candidates() -> Candidates {
        Candidates {
            names: vec!["klaviyo-profile".into(), "emr-video-call".into()],
            versions: vec!["d1".into(), "d2".into()],
            world: Some("outbound".into()),
        }
    }

    fn read(body: &Value, candidates: &Candidates) -> Result<Transform, String> {
        let mut faults = Faults::default();
        let object = Object::read(body, "/transform", &mut faults).unwrap();
        let transform = super::read(object, candidates, &mut faults);
        match faults.finish() {
            Ok(()) => Ok(transform.unwrap()),
            Err(problem) => Err(String::from_utf8(problem.body("r")).unwrap()),
        }
    }

    #[test]
    fn a_binding_is_read_with_its_defaults() {
        let transform = read(&json!({"plugin": "klaviyo-profile"}), &candidates()).unwrap();
        assert_eq!((transform.version.as_str(), transform.on_error), ("active", OnError::Retry));
        assert_eq!(transform.settings, json!({}));
    }

    #[test]
    fn what_is_not_there_or_of_the_other_world_is_refused() {
        let none = Candidates { world: None, ..candidates() };
        let unknown = read(&json!({"plugin": "klavyo-profile"}), &none).unwrap_err();
        assert!(unknown.contains("did you mean klaviyo-profile?") && unknown.contains("/transform/plugin"));
        let version = read(&json!({"plugin": "klaviyo-profile", "version": "d9"}), &candidates()).unwrap_err();
        assert!(version.contains("/transform/version"));
        let other = Candidates { world: Some("inbound".into()), ..candidates() };
        let inbound = read(&json!({"plugin": "klaviyo-profile", "version": "d2"}), &other).unwrap_err();
        assert!(inbound.contains("inbound plugin"));
        let wrong =
            read(&json!({"plugin": 7, "on_error": "explode", "settings": [], "plgin": 1}), &candidates()).unwrap_err();
        for pointer in ["/transform/plugin", "/transform/on_error", "/transform/settings", "/transform/plgin"] {
            assert!(wrong.contains(pointer), "{pointer}");
        }
    }
}
