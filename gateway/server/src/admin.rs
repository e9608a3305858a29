//! The administration: everything the platform and its operators ask of the gateway over HTTP.
//!
//! Every request passes [`request_id::carry`] and [`call::admit`] before its handler; every body passes [`body`]. Handlers read, ask the store, and tell the dispatcher
//! and the upkeep what changed; they decide nothing that a store's transaction decides.

mod access;
mod answer;
mod audit;
mod body;
mod call;
mod content;
mod customers;
mod deliveries;
mod establishments;
mod etag;
mod event_types;
mod events;
mod front;
mod in_flight;
mod keys;
mod messages;
mod metrics;
mod nearest;
mod patch;
mod plugins;
mod presets;
mod query;
mod retention;
mod sources;
mod subscriptions;

pub use front::Front;

use crate::app::App;
use crate::problem::{Problem, request_id};
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post, put};

/// Everything below `/admin`, and 404 for all else.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(registrations())
        .merge(records())
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_allowed)
        .layer(from_fn_with_state((app.clone(), in_flight::InFlight::default()), call::admit))
        .layer(from_fn(request_id::carry))
        .with_state(app)
}

/// What operators set up.
fn registrations() -> Router<App> {
    let subscription =
        get(subscriptions::get).put(subscriptions::put).patch(subscriptions::patch).delete(subscriptions::delete);
    let source = get(sources::get).put(sources::put).patch(sources::patch).delete(sources::delete);
    Router::new()
        .route("/admin/subscriptions", get(subscriptions::list).post(subscriptions::create))
        .route("/admin/subscriptions/{id}", subscription)
        .route("/admin/subscriptions/{id}/health", get(subscriptions::health))
        .route("/admin/subscriptions/{id}/pause", post(subscriptions::pause))
        .route("/admin/subscriptions/{id}/resume", post(subscriptions::resume))
        .route("/admin/subscriptions/{id}/rotate-secret", post(subscriptions::rotate_secret))
        .route("/admin/subscriptions/{id}/test", post(subscriptions::test))
        .route("/admin/sources", get(sources::list).post(sources::create))
        .route("/admin/sources/{id}", source)
        .route("/admin/plugins", get(plugins::list))
        .merge(plugins())
        .route("/admin/keys", get(keys::list).post(keys::create))
        .route("/admin/keys/{id}", get(keys::get).delete(keys::revoke))
        .route("/admin/event-types", get(event_types::list))
        .route("/admin/presets", get(presets::list))
        .route("/admin/presets/{id}", get(presets::get))
}

/// Plugins and their versions.
fn plugins() -> Router<App> {
    let canary = get(plugins::show_canary).post(plugins::begin_canary).delete(plugins::end_canary);
    Router::new()
        .route("/admin/plugins/{name}", put(plugins::push).get(plugins::get).patch(plugins::patch))
        .route("/admin/plugins/{name}/versions", get(plugins::versions))
        .route("/admin/plugins/{name}/versions/{digest}", get(plugins::version))
        .route("/admin/plugins/{name}/history", get(plugins::history))
        .route("/admin/plugins/{name}/activate", post(plugins::activate))
        .route("/admin/plugins/{name}/rollback", post(plugins::rollback))
        .route("/admin/plugins/{name}/canary", canary)
        .route("/admin/plugins/{name}/try", post(plugins::try_version))
        .route("/admin/plugins/{name}/reprocess", post(plugins::reprocess))
        .route("/admin/plugins/{name}/record", post(plugins::record))
}

/// What happened.
fn records() -> Router<App> {
    Router::new()
        .route("/admin/events", get(events::list).post(events::publish))
        .route("/admin/events/{id}", get(events::get))
        .route("/admin/events/{id}/explain", get(events::explain))
        .route("/admin/deliveries", get(deliveries::list))
        .route("/admin/deliveries/{id}", get(deliveries::get))
        .route("/admin/deliveries/{id}/retry", post(deliveries::retry))
        .route("/admin/messages", get(messages::list))
        .route("/admin/messages/{id}", get(messages::get))
        .route("/admin/messages/{id}/reprocess", post(messages::reprocess))
        .route("/admin/customers", get(customers::list))
        .route("/admin/customers/{id}", get(customers::get).put(customers::put))
        .route("/admin/establishments", get(establishments::list))
        .route("/admin/establishments/{id}", get(establishments::get))
        .route("/admin/audit", get(audit::list))
        .route("/admin/retention", get(retention::show))
        .route("/metrics", get(metrics::metrics))
}

async fn nothing_here() -> Problem {
    Problem::not_found("path")
}

async fn not_allowed() -> Problem {
    Problem::method_not_allowed()
}
