//! Whether the gateway lives, and whether it is ready.

use crate::app::App;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// A store that takes longer to answer is not ready.
const STORE_DEADLINE: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
}

#[derive(Serialize)]
struct Details {
    version: &'static str,
    /// Digests by name.
    plugins: BTreeMap<String, String>,
    /// What could not be loaded: a code by name. The whole story is for those who may read `/admin/plugins`.
    plugin_troubles: BTreeMap<String, String>,
}

/// `/healthz` and `/readyz`, for either listener; they need no key.
pub fn routes(app: App) -> Router {
    Router::new().route("/healthz", get(health)).route("/readyz", get(ready)).with_state(app)
}

async fn health() -> Response {
    uncached(Json(Health { status: "ok" }))
}

async fn ready(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    let reasons = reasons(&app).await;
    let wanted = query.unwrap_or_default().split('&').any(|part| part == "details" || part.starts_with("details="));
    let details = wanted.then(|| Details {
        version: env!("CARGO_PKG_VERSION"),
        plugins: app.plugins.serving().into_iter().collect(),
        plugin_troubles: app.plugins.troubles().into_iter().map(|(name, trouble)| (name, trouble.code)).collect(),
    });
    let (code, status) =
        if reasons.is_empty() { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not_ready") };
    uncached((code, Json(Readiness { status, reasons, details })))
}

/// Why not. The cause itself goes to the log: anybody may ask here.
async fn reasons(app: &App) -> Vec<&'static str> {
    let mut reasons = Vec::new();
    match tokio::time::timeout(STORE_DEADLINE, app.store.ready()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(error = %crate::problem::chain(&error), "the store is not ready");
            reasons.push("store_unavailable");
        }
        Err(_) => reasons.push("store_slow"),
    }
    if !app.dispatcher.is_running() {
        reasons.push("dispatcher_stopped");
    }
    if !app.fetcher.is_running() {
        reasons.push("fetcher_stopped");
    }
    if !app.upkeep.is_running() {
        reasons.push("upkeep_stopped");
    }
    reasons
}

fn uncached(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
