//! `PUT /admin/plugins/{name}`: keeps a component as a version, and makes it the one that serves.

use super::{not_pushed, show};
use crate::admin::body;
use crate::admin::call::Call;
use crate::admin::etag::Condition;
use crate::admin::query::Query;
use crate::app::App;
use crate::plugins::Pushed;
use crate::problem::Problem;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use std::sync::Arc;

/// `PUT /admin/plugins/{name}`; with `?activate=false` the version is kept for later, with `?force=true` one in quarantine is let out.
pub async fn push(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let expected = Condition::of(request.headers()).versions();
    let mut query = Query::of(request.uri());
    let activate = query.read("activate", "true or false", |text| text.parse().ok()).unwrap_or(true);
    let force = query.read("force", "true or false", |text| text.parse().ok()).unwrap_or(false);
    query.finish()?;
    must_give_reason(&call, force)?;
    let component = body::raw(&app, request, body::WASM, app.config.admin.body_bytes_max).await?;
    if component.is_empty() {
        return Err(Problem::field("", "expected a component, found nothing"));
    }
    let audit = call.audit("plugin.pushed", &name, format!("bytes={} activate={activate}", component.len()));
    let component = component.to_vec();
    let pushed = Pushed { name: &name, component, activate, force, expected, file: None, audit };
    let moved = app.plugins.push(pushed).await.map_err(not_pushed)?;
    show::answer(&app, moved.plugin).await
}

/// Whoever overrules a quarantine says why.
pub(super) fn must_give_reason(call: &Call, force: bool) -> Result<(), Problem> {
    if force && call.reason.is_none() {
        let detail = "to let a version out of quarantine needs a reason: send it as X-Audit-Reason";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "reason_needed", detail));
    }
    Ok(())
}
