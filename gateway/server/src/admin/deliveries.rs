//! `/admin/deliveries`: what became of each event on its way to each subscription.

mod retry;
mod show;

pub use retry::retry;
pub use show::Row;

use super::answer;
use super::call::Call;
use super::query::{self, Query};
use crate::app::App;
use crate::problem::Problem;
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use hookwright_core::delivery::{Attempt, Delivery, DeliveryStatus};
use hookwright_core::envelope;
use hookwright_core::id::{DeliveryId, EventId, SubscriptionId};
use hookwright_store::DeliveryFilter;
use http::Uri;
use std::sync::Arc;

/// `GET /admin/deliveries`.
pub async fn list(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let page = query.page::<DeliveryId>();
    let filter = DeliveryFilter {
        subscription_id: query.id::<SubscriptionId>("subscription_id"),
        event_id: query.id::<EventId>("event_id"),
        status: query.read("status", "pending, delivered, failed or retrying", DeliveryStatus::from_word),
    };
    query.finish()?;
    let page = app.store.deliveries(filter, page).await?;
    let rows = page.rows.iter().map(Row::of).collect();
    answer::list(rows, query::cursor::<DeliveryId>(page.next))
}

/// `GET /admin/deliveries/{id}`.
pub async fn get(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (delivery, attempts) = find(&app, &id).await?;
    let event = app.store.event(delivery.event_id).await?;
    let envelope = event.map(|event| envelope::build(&event, delivery.subscription_id));
    if call.sees_bodies() {
        call.record_reading(&app, "delivery.read", &delivery.id).await?;
    }
    answer::ok(&show::Whole::of(&delivery, &attempts, envelope.as_deref(), call.sees_bodies())?)
}

/// The delivery of an id in a path, with its attempts.
async fn find(app: &App, id: &str) -> Result<(Delivery, Vec<Attempt>), Problem> {
    let id: DeliveryId = id.parse().map_err(|_| Problem::not_found("delivery"))?;
    app.store.delivery(id).await?.ok_or_else(|| Problem::not_found("delivery"))
}
