//! `/admin/subscriptions`: who receives which events, and how.

mod binding;
mod edit;
mod header;
mod health;
mod legacy;
mod options;
mod read;
mod rotate;
mod secret;
mod show;
mod test;
mod tls;

use super::answer;
use super::body;
use super::call::Call;
use super::etag::Condition;
use super::query::{self, Query};
use crate::app::App;
use crate::chance;
use crate::problem::Problem;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use edit::{Edit, change};
pub use health::{fares, health, waits_for};
use hookwright_core::id::SubscriptionId;
use hookwright_core::secret::{LiveSecret, SigningSecret};
use hookwright_core::subscription::Subscription;
use hookwright_store::{Change, KeyScope};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::Value;
use std::sync::Arc;
pub use test::test;

/// `GET /admin/subscriptions`.
pub async fn list(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let page = query.page::<SubscriptionId>();
    query.finish()?;
    let all = app.store.subscriptions();
    let (rows, next) = query::page_of(&all, |subscription| subscription.id.get(), page);
    let with_values = call.caller.may(KeyScope::Admin);
    let rows = rows.into_iter().map(|subscription| show::Shown::of(subscription, with_values, call.now_ms)).collect();
    answer::list(rows, query::cursor::<SubscriptionId>(next))
}

/// `POST /admin/subscriptions`.
pub async fn create(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    request: Request,
) -> Result<Response, Problem> {
    let bytes = body::sound_json(&app, request, body::JSON).await?;
    if let Some(response) = call.replay(&app, &bytes).await? {
        return Ok(response);
    }
    let wanted = read::read(&app, &body::value(&bytes)?, None).await?;
    let key = wanted.secret.clone().unwrap_or_else(|| SigningSecret::generate(chance::bytes()).into());
    let secret = LiveSecret::lasting(app.ids.next(), key.clone(), call.now_ms);
    let actor = call.caller.actor.clone();
    let subscription = wanted.into_new(app.ids.next(), secret, actor);
    legacy::check(&subscription)?;
    let id = subscription.id;
    let fresh = answer::store(StatusCode::CREATED, &show::Shown::with_secret(&subscription, &key, call.now_ms))?;
    let change = Change {
        audit: call.audit("subscription.created", &id, ""),
        claim: call.claim(&bytes).map(|claim| (claim, fresh.clone())),
    };
    let (response, created) = call.settle(app.store.create_subscription(subscription, change).await?, &fresh)?;
    if created.is_some() {
        app.dispatcher.subscription_changed(id);
    }
    Ok(response)
}

/// `GET /admin/subscriptions/{id}`.
pub async fn get(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let subscription = find(&app, &id)?;
    answer::ok(&show::Shown::of(&subscription, call.caller.may(KeyScope::Admin), call.now_ms))
}

/// `PUT /admin/subscriptions/{id}`.
pub async fn put(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let bytes = body::sound_json(&app, request, body::JSON).await?;
    change(&app, &call, &id, &Condition::of(&headers), &Edit::Replace(body::value(&bytes)?)).await
}

/// `PATCH /admin/subscriptions/{id}`.
pub async fn patch(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let bytes = body::sound_json(&app, request, body::MERGE_PATCH).await?;
    change(&app, &call, &id, &Condition::of(&headers), &Edit::Merge(body::value(&bytes)?)).await
}

/// `POST /admin/subscriptions/{id}/pause`.
pub async fn pause(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    body::none(&app, request).await?;
    change(&app, &call, &id, &Condition::of(&headers), &Edit::Pause).await
}

/// `POST /admin/subscriptions/{id}/resume`.
pub async fn resume(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    body::none(&app, request).await?;
    change(&app, &call, &id, &Condition::of(&headers), &Edit::Resume).await
}

/// `POST /admin/subscriptions/{id}/rotate-secret`.
pub async fn rotate_secret(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let bytes = body::optional_json(&app, request).await?;
    let stated = if bytes.is_empty() { Value::Object(serde_json::Map::new()) } else { body::value(&bytes)? };
    let edit = Edit::Rotate(rotate::Rotation::read(&stated)?, bytes);
    change(&app, &call, &id, &Condition::of(&headers), &edit).await
}

/// `DELETE /admin/subscriptions/{id}`.
pub async fn delete(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let subscription = find(&app, &id)?;
    Condition::of(&headers).check(subscription.version)?;
    let change = call.change("subscription.deleted", &subscription.id, "");
    if !app.store.delete_subscription(subscription.id, change).await? {
        return Err(Problem::not_found("subscription"));
    }
    app.dispatcher.subscription_changed(subscription.id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The subscription of an id in a path.
fn find(app: &App, id: &str) -> Result<Arc<Subscription>, Problem> {
    let id: SubscriptionId = id.parse().map_err(|_| Problem::not_found("subscription"))?;
    let all = app.store.subscriptions();
    all.iter().find(|subscription| subscription.id == id).cloned().ok_or_else(|| Problem::not_found("subscription"))
}
