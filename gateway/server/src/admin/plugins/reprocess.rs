//! `POST /admin/plugins/{name}/reprocess`: the quarantined messages of a plugin's sources, taken up again.

use super::find;
use super::moves::nothing_more;
use crate::admin::answer;
use crate::admin::body;
use crate::admin::call::Call;
use crate::app::App;
use crate::problem::Problem;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;

/// Quarantined messages that are counted, at most.
const COUNT_MAX: u32 = 10_000;

#[derive(Serialize)]
struct Answer<'a> {
    plugin: &'a str,
    version: Option<String>,
    /// Messages that are taken up, in their order, beside other work; how far it is, the messages themselves tell.
    messages: usize,
}

/// `POST /admin/plugins/{name}/reprocess`. To see first what would come of it, `try` takes `{"quarantined": true}`.
pub async fn reprocess(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let bytes = body::optional_json(&app, request).await?;
    nothing_more(&bytes)?;
    find(&app, &name).await?;
    let Some(version) = app.plugins.active(&name) else {
        let detail = "no version of the plugin serves: activate one first";
        return Err(Problem::new(StatusCode::CONFLICT, "nothing_serves", detail));
    };
    let mut messages = 0;
    for source in app.store.sources().iter().filter(|source| source.plugin == name) {
        messages += app.store.quarantined(source.id, None, COUNT_MAX).await?.len();
    }
    app.store.record(call.audit("plugin.reprocess", &name, format!("messages={messages} version={version}"))).await?;
    app.upkeep.reprocess(&name);
    let stored = answer::store(StatusCode::ACCEPTED, &Answer { plugin: &name, version: Some(version), messages })?;
    Ok(answer::stored(&stored, ""))
}
