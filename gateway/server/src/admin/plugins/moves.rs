//! Moves of a plugin's pointers that operators order.

use super::not_moved;
use super::push::must_give_reason;
use crate::admin::answer;
use crate::admin::body::{self, Faults, Object};
use crate::admin::call::Call;
use crate::admin::etag::Condition;
use crate::app::App;
use crate::plugins::{Order, serves};
use crate::problem::Problem;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use hookwright_core::plugin::moves::{Move, Moved};
use hookwright_core::plugin::{Cause, PluginPolicy, PluginRecord, PolicyChange};
use hookwright_core::timestamp::format_ms;
use hookwright_store::Change;
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// Failures one after the other, and calls of one instance, that may be asked for.
const FAILURES_MAX: u32 = 1_000;
const REUSE_MAX: u32 = 10_000;

/// Where the pointers stand after a move.
#[derive(Serialize)]
struct Pointers<'a> {
    name: &'a str,
    active: Option<&'a str>,
    /// What served before.
    previous: Option<&'a str>,
    canary: Option<CanaryPointer<'a>>,
    policy: PluginPolicy,
    updated_at: String,
    revision: i64,
}

#[derive(Serialize)]
struct CanaryPointer<'a> {
    digest: &'a str,
    mode: &'static str,
    running: bool,
}

impl<'a> Pointers<'a> {
    fn after(moved: &'a Moved) -> Self {
        let plugin: &PluginRecord = &moved.plugin;
        let canary = plugin.canary.as_ref().map(|canary| CanaryPointer {
            digest: &canary.digest,
            mode: canary.mode.as_str(),
            running: canary.ended.is_none(),
        });
        Self {
            name: &plugin.name,
            active: plugin.active.as_deref(),
            previous: moved.activation.as_ref().and_then(|activation| activation.previous.as_deref()),
            canary,
            policy: plugin.policy,
            updated_at: format_ms(plugin.updated_at),
            revision: plugin.revision + 1,
        }
    }
}

/// One order of an operator, from its body to its answer.
pub(super) struct Ordered<'a> {
    pub(super) app: &'a App,
    pub(super) call: &'a Call,
    pub(super) name: &'a str,
    pub(super) condition: Condition,
    pub(super) body: &'a [u8],
    pub(super) action: &'static str,
}

impl Ordered<'_> {
    /// Makes the move and answers with where the pointers stand.
    pub(super) async fn make(&self, wanted: Move) -> Result<Response, Problem> {
        let fresh = std::sync::Mutex::new(None);
        let change = |moved: &Moved| {
            self.condition.check(moved.plugin.revision)?;
            let stored = answer::store(StatusCode::OK, &Pointers::after(moved))?;
            let audit = self.call.audit(self.action, &self.name, detail(moved));
            let claim = self.call.claim(self.body).map(|claim| (claim, stored.clone()));
            *fresh.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(stored);
            Ok(Change { audit, claim })
        };
        let order = Order::new(self.name, wanted, &self.call.caller.actor);
        let saved = self.app.plugins.make(order, change).await.map_err(not_moved)?;
        let stored = fresh.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let stored = stored.ok_or_else(|| Problem::unexpected(&"a move was made without an answer"))?;
        Ok(self.call.settle(saved, &stored)?.0)
    }
}

fn detail(moved: &Moved) -> String {
    let mut detail = format!("serves={}", serves(moved));
    if let Some(canary) = moved.plugin.running_canary() {
        detail = format!("{detail} candidate={} mode={}", canary.digest, canary.mode.as_str());
    }
    detail
}

/// `POST /admin/plugins/{name}/activate` `{"digest", "force"?}`.
pub async fn activate(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let condition = Condition::of(request.headers());
    let bytes = body::sound_json(&app, request, body::JSON).await?;
    if let Some(response) = call.replay(&app, &bytes).await? {
        return Ok(response);
    }
    let value = body::value(&bytes)?;
    let mut faults = Faults::default();
    let mut wanted = None;
    if let Some(mut object) = Object::read(&value, "", &mut faults) {
        let digest = object.required_text("digest", 64, &mut faults).map(str::to_lowercase);
        let force = object.flag("force", &mut faults).unwrap_or(false);
        object.finish(&[], &mut faults);
        wanted = digest.map(|digest| (digest, force));
    }
    faults.finish()?;
    let (digest, force) = wanted.ok_or_else(|| Problem::field("/digest", "expected the digest of a version"))?;
    must_give_reason(&call, force)?;
    let digest = whole_digest(&app, &name, digest, "/digest").await?;
    let order = Ordered { app: &app, call: &call, name: &name, condition, body: &bytes, action: "plugin.activated" };
    order.make(Move::Activate { digest, force, cause: Cause::Activate }).await
}

/// The digest that begins so, if exactly one version's does; people copy what tables show.
pub(super) async fn whole_digest(
    app: &App,
    name: &str,
    digest: String,
    pointer: &'static str,
) -> Result<String, Problem> {
    const SHORTEST: usize = 8;
    if digest.len() >= 64 {
        return Ok(digest);
    }
    if digest.len() < SHORTEST {
        return Err(Problem::field(pointer, "expected a digest, or at least 8 of its first digits"));
    }
    let page = hookwright_store::PageRequest { before: None, limit: 200 };
    let versions = app.store.plugin_versions(name.to_owned(), page).await?.rows;
    let mut found = versions.into_iter().filter(|version| version.digest.starts_with(&digest));
    match (found.next(), found.next()) {
        (Some(version), None) => Ok(version.digest),
        (Some(_), Some(_)) => Err(Problem::field(pointer, "several versions' digests begin so: give more digits")),
        (None, _) => Ok(digest),
    }
}

/// `POST /admin/plugins/{name}/rollback`: what served before serves again.
pub async fn rollback(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let condition = Condition::of(request.headers());
    let bytes = body::optional_json(&app, request).await?;
    if let Some(response) = call.replay(&app, &bytes).await? {
        return Ok(response);
    }
    nothing_more(&bytes)?;
    let order = Ordered { app: &app, call: &call, name: &name, condition, body: &bytes, action: "plugin.rolled_back" };
    order.make(Move::Rollback).await
}

/// A body that may be left out, and says nothing where it is there.
pub(super) fn nothing_more(bytes: &[u8]) -> Result<(), Problem> {
    if bytes.is_empty() {
        return Ok(());
    }
    let value = body::value(bytes)?;
    let mut faults = Faults::default();
    if let Some(object) = Object::read(&value, "", &mut faults) {
        object.finish(&[], &mut faults);
    }
    faults.finish()
}

/// `PATCH /admin/plugins/{name}` `{"policy": {"failures_max"?, "reuse"?, "reprocess"?}}`.
pub async fn patch(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let condition = Condition::of(request.headers());
    let bytes = body::sound_json(&app, request, body::MERGE_PATCH).await?;
    let current = super::find(&app, &name).await?;
    let change = policy(&body::value(&bytes)?)?;
    let order =
        Ordered { app: &app, call: &call, name: &name, condition, body: &bytes, action: "plugin.policy_changed" };
    let response = order.make(Move::Policy(change)).await?;
    if change.reprocess == Some(true) && !current.policy.reprocess {
        app.upkeep.plugin_changed(&name);
    }
    Ok(response)
}

fn policy(value: &Value) -> Result<PolicyChange, Problem> {
    let mut faults = Faults::default();
    let mut change = PolicyChange::default();
    if let Some(mut object) = Object::read(value, "", &mut faults) {
        if let Some(mut fields) = object.object("policy", &mut faults) {
            change = PolicyChange {
                failures_max: fields.number("failures_max", 0..=FAILURES_MAX, &mut faults),
                reuse: fields.number("reuse", 1..=REUSE_MAX, &mut faults),
                reprocess: fields.flag("reprocess", &mut faults),
            };
            fields.finish(&[], &mut faults);
        }
        object.finish(&[], &mut faults);
    }
    faults.finish()?;
    Ok(change)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_policy_changes_what_it_names() {
        let current = PluginPolicy::default();
        let changed = current.with(policy(&json!({"policy": {"failures_max": 0, "reprocess": false}})).unwrap());
        assert_eq!(changed, PluginPolicy { failures_max: 0, reprocess: false, ..current });
        assert_eq!(policy(&json!({})).map(|change| current.with(change)).unwrap(), current);
        for bad in [
            json!({"policy": {"failures_max": -1}}),
            json!({"policy": {"reuse": 0}}),
            json!({"policy": 7}),
            json!({"polcy": {}}),
        ] {
            assert_eq!(policy(&bad).unwrap_err().code(), "invalid", "{bad}");
        }
    }
}
