//! `/admin/events`: publishes, and shows what was published.

mod explain;
mod publish;
mod show;

pub use explain::explain;
pub use publish::{publish, take};

use super::answer;
use super::call::Call;
use super::deliveries;
use super::query::{self, Query};
use crate::app::App;
use crate::problem::Problem;
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use hookwright_core::event::Event;
use hookwright_core::id::EventId;
use hookwright_store::{DeliveryFilter, EventFilter, PageRequest};
use http::Uri;
use std::sync::Arc;

/// The most deliveries that are shown with their event; the list of deliveries, filtered by event, has them all.
const DELIVERIES_MAX: u32 = 200;

/// `GET /admin/events`.
pub async fn list(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let page = query.page::<EventId>();
    let filter = EventFilter { event_type: query.text("type") };
    query.finish()?;
    let page = app.store.events(filter, page).await?;
    let rows = page.rows.iter().map(show::Row::of).collect();
    answer::list(rows, query::cursor::<EventId>(page.next))
}

/// `GET /admin/events/{id}`.
pub async fn get(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let event = find(&app, &id).await?;
    let filter = DeliveryFilter { event_id: Some(event.id), ..DeliveryFilter::default() };
    let deliveries = app.store.deliveries(filter, PageRequest { before: None, limit: DELIVERIES_MAX }).await?;
    let deliveries = deliveries.rows.iter().map(deliveries::Row::of).collect();
    if call.sees_bodies() {
        call.record_reading(&app, "event.read", &event.id).await?;
    }
    answer::ok(&show::Whole::of(&event, deliveries, call.sees_bodies())?)
}

/// The event of an id in a path.
async fn find(app: &App, id: &str) -> Result<Arc<Event>, Problem> {
    let id: EventId = id.parse().map_err(|_| Problem::not_found("event"))?;
    app.store.event(id).await?.ok_or_else(|| Problem::not_found("event"))
}
