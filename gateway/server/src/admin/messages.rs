//! `/admin/messages`: what partners sent, and what became of it.

mod reprocess;
mod show;

pub use reprocess::reprocess;

use super::answer;
use super::call::Call;
use super::query::{self, Query};
use crate::app::App;
use crate::problem::Problem;
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use hookwright_core::id::{MessageId, SourceId};
use hookwright_core::message::{Message, MessageStatus};
use hookwright_store::MessageFilter;
use http::Uri;
use std::sync::Arc;

/// `GET /admin/messages`.
pub async fn list(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let page = query.page::<MessageId>();
    let expected = "processed, ignored, rejected, quarantined, waiting or held";
    let filter = MessageFilter {
        source_id: query
            .read("source", "the slug of a source, or an id that begins with src_", |text| source(&app, text)),
        status: query.read("status", expected, MessageStatus::from_word),
    };
    query.finish()?;
    let page = app.store.messages(filter, page).await?;
    let rows = page.rows.iter().map(show::Row::of).collect();
    answer::list(rows, query::cursor::<MessageId>(page.next))
}

/// A source by its id, be it deleted, or by its slug.
fn source(app: &App, text: &str) -> Option<SourceId> {
    let by_slug = || app.store.sources().iter().find(|source| source.slug == text).map(|source| source.id);
    text.parse().ok().or_else(by_slug)
}

/// `GET /admin/messages/{id}`.
pub async fn get(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let message = find(&app, &id).await?;
    if call.sees_bodies() {
        call.record_reading(&app, "message.read", &message.id).await?;
    }
    answer::ok(&show::Whole::of(&message, call.sees_bodies()))
}

/// The message of an id in a path.
async fn find(app: &App, id: &str) -> Result<Message, Problem> {
    let id: MessageId = id.parse().map_err(|_| Problem::not_found("message"))?;
    app.store.message(id).await?.ok_or_else(|| Problem::not_found("message"))
}
