//! `/admin/establishments`: in which regions customers are established.

use super::answer;
use super::query::{self, Query};
use crate::app::App;
use crate::problem::Problem;
use axum::extract::{Path, State};
use axum::response::Response;
use hookwright_core::establishment::Establishment;
use hookwright_core::id::EstablishmentId;
use hookwright_core::timestamp::format_ms;
use hookwright_store::EstablishmentFilter;
use http::Uri;
use serde::Serialize;

#[derive(Serialize)]
struct Shown<'a> {
    id: String,
    customer_id: &'a str,
    region: String,
    established: bool,
    since: String,
    until: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    appointment_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    updated_at: String,
}

impl<'a> Shown<'a> {
    fn of(record: &'a Establishment) -> Self {
        Self {
            id: record.id.to_string(),
            customer_id: &record.customer_id,
            region: record.region.to_string(),
            established: record.established,
            since: format_ms(record.since),
            until: format_ms(record.until),
            appointment_id: record.appointment_id.as_deref(),
            message_id: record.message_id.map(|id| id.to_string()),
            updated_at: format_ms(record.updated_at),
        }
    }
}

/// `GET /admin/establishments`.
pub async fn list(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let page = query.page::<EstablishmentId>();
    let filter = EstablishmentFilter {
        customer_id: query.text("customer_id"),
        region: query
            .read("region", "an ISO 3166-2 code of the United States, such as US-TX", |text| text.parse().ok()),
    };
    query.finish()?;
    let page = app.store.establishments(filter, page).await?;
    answer::list(page.rows.iter().map(Shown::of).collect(), query::cursor::<EstablishmentId>(page.next))
}

/// `GET /admin/establishments/{id}`.
pub async fn get(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let missing = || Problem::not_found("establishment");
    let id: EstablishmentId = id.parse().map_err(|_| missing())?;
    let record = app.store.establishment(id).await?.ok_or_else(missing)?;
    answer::ok(&Shown::of(&record))
}
