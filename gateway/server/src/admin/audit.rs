//! `/admin/audit`: who did what to what, when and why.

use super::answer;
use super::query::{self, Query};
use crate::app::App;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use hookwright_core::audit::AuditEntry;
use hookwright_core::id::AuditId;
use hookwright_core::timestamp::format_ms;
use http::Uri;
use serde::Serialize;

#[derive(Serialize)]
struct Shown<'a> {
    id: String,
    at: String,
    actor: &'a str,
    action: &'a str,
    target: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    detail: &'a str,
    previous_hash: String,
    hash: String,
}

impl<'a> Shown<'a> {
    fn of(entry: &'a AuditEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            at: format_ms(entry.draft.at),
            actor: &entry.draft.actor,
            action: &entry.draft.action,
            target: &entry.draft.target,
            reason: entry.draft.reason.as_deref(),
            request_id: entry.draft.request_id.as_deref(),
            detail: &entry.draft.detail,
            previous_hash: hex::encode(entry.previous),
            hash: hex::encode(entry.hash),
        }
    }
}

/// `GET /admin/audit`.
pub async fn list(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let page = query.page::<AuditId>();
    query.finish()?;
    let page = app.store.audit(page).await?;
    answer::list(page.rows.iter().map(Shown::of).collect(), query::cursor::<AuditId>(page.next))
}
