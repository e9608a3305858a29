//! `/admin/presets`: the partners that the gateway knows.

use super::answer;
use super::query::Query;
use crate::problem::Problem;
use axum::extract::Path;
use axum::response::Response;
use hookwright_core::preset::{all, preset};
use http::Uri;

/// `GET /admin/presets`, by id.
pub async fn list(uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let limit = query.limit();
    let from = query.read("cursor", "the next_cursor of the page before", after).unwrap_or(0);
    query.finish()?;
    let rest = all().get(from..).unwrap_or_default();
    let rows: Vec<_> = rest.iter().take(limit as usize).collect();
    let next = if rest.len() > rows.len() { rows.last().map(|row| row.id.clone()) } else { None };
    answer::list(rows, next)
}

/// `GET /admin/presets/{id}`.
pub async fn get(Path(id): Path<String>) -> Result<Response, Problem> {
    answer::ok(preset(&id).ok_or_else(|| Problem::not_found("preset"))?)
}

/// Where the page after this id begins.
fn after(cursor: &str) -> Option<usize> {
    all().iter().position(|preset| preset.id == cursor).map(|at| at + 1)
}
