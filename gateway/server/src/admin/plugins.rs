//! `/admin/plugins`: the plugins, their versions, and which of them serves.

use super::answer;
use super::body;
use super::call::Call;
use super::query::Query;
use crate::app::App;
use crate::plugins::PushError;
use crate::problem::{Problem, chain};
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use hookwright_core::timestamp::format_ms;
use hookwright_store::{PageRequest, PluginRecord, PluginVersionRecord};
use http::{StatusCode, Uri};
use serde::Serialize;
use std::sync::Arc;

/// Versions that are shown with their plugin, the newest first.
const VERSIONS_MAX: u32 = 50;

/// A plugin; `world`, `version` and `description` are those of the version that serves.
#[derive(Serialize)]
struct Shown {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    world: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    active: String,
    /// Why the active version does not serve, if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
    updated_at: String,
    versions: Vec<Kept>,
}

/// A version of a plugin.
#[derive(Serialize)]
struct Kept {
    digest: String,
    active: bool,
    world: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    size: u64,
    created_at: String,
    created_by: String,
}

impl Kept {
    fn of(record: PluginVersionRecord, active: &str) -> Self {
        Self {
            active: record.digest == active,
            digest: record.digest,
            world: record.world,
            version: record.version,
            description: record.description,
            size: record.size,
            created_at: format_ms(record.created_at),
            created_by: record.created_by,
        }
    }
}

/// `GET /admin/plugins`, by name.
pub async fn list(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let limit = query.limit() as usize;
    let after = query.text("cursor");
    query.finish()?;
    let mut plugins = app.store.plugins().await?;
    plugins.sort_by(|one, other| one.name.cmp(&other.name));
    plugins.retain(|plugin| after.as_ref().is_none_or(|after| plugin.name > *after));
    let more = plugins.len() > limit;
    plugins.truncate(limit);
    let mut rows = Vec::with_capacity(plugins.len());
    for plugin in plugins {
        rows.push(shown(&app, plugin).await?);
    }
    let next = rows.last().filter(|_| more).map(|row| row.name.clone());
    answer::list(rows, next)
}

/// `GET /admin/plugins/{name}`.
pub async fn get(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Problem> {
    let plugins = app.store.plugins().await?;
    let plugin = plugins.into_iter().find(|plugin| plugin.name == name).ok_or_else(|| Problem::not_found("plugin"))?;
    answer::ok(&shown(&app, plugin).await?)
}

/// `PUT /admin/plugins/{name}`: keeps a component as a version, and makes it the one that serves.
pub async fn push(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let component = body::raw(&app, request, body::WASM, app.config.admin.body_bytes_max).await?;
    if component.is_empty() {
        return Err(Problem::field("", "expected a component, found nothing"));
    }
    let detail = format!("bytes={}", component.len());
    let change = call.change("plugin.pushed", &name, detail);
    let record = app.plugins.push(&name, component.to_vec(), change).await.map_err(refused)?;
    app.upkeep.plugin_changed(&name);
    answer::ok(&shown(&app, record).await?)
}

async fn shown(app: &App, plugin: PluginRecord) -> Result<Shown, Problem> {
    let page = PageRequest { before: None, limit: VERSIONS_MAX };
    let versions = app.store.plugin_versions(plugin.name.clone(), page).await?;
    let versions: Vec<_> = versions.rows.into_iter().map(|record| Kept::of(record, &plugin.active)).collect();
    let active = versions.iter().find(|version| version.active);
    Ok(Shown {
        world: active.map(|version| version.world.clone()),
        version: active.and_then(|version| version.version.clone()),
        description: active.and_then(|version| version.description.clone()),
        id: plugin.id.to_string(),
        trouble: app.plugins.troubles().remove(&plugin.name),
        name: plugin.name,
        active: plugin.active,
        updated_at: format_ms(plugin.updated_at),
        versions,
    })
}

fn refused(error: PushError) -> Problem {
    let detail = chain(&error);
    match error {
        PushError::Name => Problem::field("{name}", detail),
        PushError::Load(_) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "plugin_refused", detail),
        PushError::OtherWorld { .. } => Problem::new(StatusCode::CONFLICT, "plugin_world", detail),
        PushError::Store(error) => error.into(),
        PushError::Interrupted => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the gateway is stopping").retry_after(5)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_that_the_end_interrupts_may_be_repeated() {
        let problem = refused(PushError::Interrupted);
        insta::assert_snapshot!(String::from_utf8(problem.body("req_1")).unwrap());
    }
}
