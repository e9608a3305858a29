//! `/admin/sources`: partners' ways in.

mod fetch;
mod handshakes;
mod read;
mod scheme;
mod secrets;
mod show;

use super::answer;
use super::body;
use super::call::Call;
use super::etag::{self, Condition};
use super::patch;
use super::query::{self, Query};
use crate::app::App;
use crate::problem::Problem;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use hookwright_core::id::SourceId;
use hookwright_core::preset;
use hookwright_core::source::Source;
use hookwright_store::{Change, StoreError};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::Value;
use std::sync::Arc;

/// How often a change without a condition is made again because somebody else was faster.
const TRIES: usize = 64;

/// `GET /admin/sources`.
pub async fn list(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let page = query.page::<SourceId>();
    query.finish()?;
    let all = app.store.sources();
    let (rows, next) = query::page_of(&all, |source| source.id.get(), page);
    answer::list(rows.into_iter().map(|source| show::Shown::of(source)).collect(), query::cursor::<SourceId>(next))
}

/// `POST /admin/sources`.
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
    let source = wanted.into_new(app.ids.next(), call.now_ms);
    let plugin = source.plugin.clone();
    let fresh = answer::store(StatusCode::CREATED, &show::Shown::with_secrets(&source))?;
    let change = Change {
        audit: call.audit("source.created", &source.id, format!("slug={}", source.slug)),
        claim: call.claim(&bytes).map(|claim| (claim, fresh.clone())),
    };
    let created = app.store.create_source(source, change).await.map_err(taken)?;
    let (response, created) = call.settle(created, &fresh)?;
    if created.is_some() {
        app.upkeep.plugin_changed(&plugin);
    }
    Ok(response)
}

/// `GET /admin/sources/{id}`.
pub async fn get(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    answer::ok(&show::Shown::of(&*find(&app, &id)?))
}

/// `PUT /admin/sources/{id}`.
pub async fn put(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let bytes = body::sound_json(&app, request, body::JSON).await?;
    let body = body::value(&bytes)?;
    change(&app, &call, &id, &Condition::of(&headers), |_| body.clone()).await
}

/// `PATCH /admin/sources/{id}`.
pub async fn patch(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let bytes = body::sound_json(&app, request, body::MERGE_PATCH).await?;
    let body = body::value(&bytes)?;
    let merged = |current: &Source| {
        let mut whole = show::document(current);
        preset::forget(&mut whole, &body);
        patch::merge(&mut whole, body.clone());
        whole
    };
    change(&app, &call, &id, &Condition::of(&headers), merged).await
}

/// `DELETE /admin/sources/{id}`.
pub async fn delete(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let source = find(&app, &id)?;
    Condition::of(&headers).check(source.version)?;
    let change = call.change("source.deleted", &source.id, format!("slug={}", source.slug));
    if !app.store.delete_source(source.id, change).await? {
        return Err(Problem::not_found("source"));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Makes a source what `wanted` says of it. Without a condition, the last writer wins.
async fn change(
    app: &App,
    call: &Call,
    id: &str,
    condition: &Condition,
    wanted: impl Fn(&Source) -> Value + Send,
) -> Result<Response, Problem> {
    for _ in 0..TRIES {
        let current = find(app, id)?;
        condition.check(current.version)?;
        let body = wanted(&current);
        let wanted = read::read(app, &body, Some(&current)).await?;
        let mut next = wanted.into_changed(&current);
        next.version = current.version + 1;
        next.updated_at = call.now_ms;
        let fresh = answer::store(StatusCode::OK, &show::Shown::of(&next))?;
        let change = call.change("source.updated", &current.id, format!("version={}", next.version));
        match app.store.update_source(next, current.version, change).await {
            Err(StoreError::Stale) if condition.is_open() => {}
            Err(error) => return Err(taken(error)),
            Ok(claimed) => {
                let (response, saved) = call.settle(claimed, &fresh)?;
                if matches!(saved, Some(None)) {
                    return Err(Problem::not_found("source"));
                }
                // Messages that an earlier plugin, or the same with other settings, could not read may be readable now.
                app.upkeep.source_changed(current.id);
                return Ok(response);
            }
        }
    }
    Err(etag::stale())
}

/// A slug of somebody else's is a fault of one field.
fn taken(error: StoreError) -> Problem {
    let pointer = match &error {
        StoreError::Taken { what } => format!("/{what}"),
        _ => return error.into(),
    };
    let detail = "another source has this slug".to_owned();
    Problem::from(error).errors(vec![crate::problem::FieldFault { pointer, detail }])
}

/// The source of an id in a path.
fn find(app: &App, id: &str) -> Result<Arc<Source>, Problem> {
    let id: SourceId = id.parse().map_err(|_| Problem::not_found("source"))?;
    let all = app.store.sources();
    all.iter().find(|source| source.id == id).cloned().ok_or_else(|| Problem::not_found("source"))
}
