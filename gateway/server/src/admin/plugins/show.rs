//! Plugins, versions and their history, as they are read.

use super::find;
use crate::admin::answer;
use crate::admin::query::Query;
use crate::app::App;
use crate::plugins::Trouble;
use crate::problem::Problem;
use axum::extract::{Path, State};
use axum::response::Response;
use hookwright_core::plugin::{Activation, Canary, PluginPolicy, PluginRecord, PluginVersionRecord, Quarantine};
use hookwright_core::timestamp::format_ms;
use hookwright_store::PageRequest;
use http::Uri;
use serde::Serialize;
use std::collections::BTreeSet;

/// Versions that are shown with their plugin, the newest first.
const VERSIONS_MAX: u32 = 50;
const HISTORY_MAX: u32 = 200;

/// A plugin; `version` and `description` are those of the version that serves.
#[derive(Serialize)]
struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    world: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    active: Option<String>,
    /// What serves in this process, if that is not the active version.
    #[serde(skip_serializing_if = "Option::is_none")]
    serving: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<ShownCanary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PluginPolicy>,
    /// Why the active version does not serve, or the last push was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<Trouble>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<i64>,
    versions: Vec<Kept>,
}

/// A candidate in brief.
#[derive(Serialize)]
struct ShownCanary {
    digest: String,
    mode: &'static str,
    running: bool,
}

impl ShownCanary {
    fn of(canary: &Canary) -> Self {
        Self { digest: canary.digest.clone(), mode: canary.mode.as_str(), running: canary.ended.is_none() }
    }
}

/// A version of a plugin.
#[derive(Serialize)]
struct Kept {
    digest: String,
    active: bool,
    world: String,
    contract: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    size: u64,
    fixtures: u32,
    created_at: String,
    created_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    quarantine: Option<Quarantined>,
}

#[derive(Serialize)]
struct Quarantined {
    at: String,
    reason: String,
    by: String,
}

impl Kept {
    fn of(record: PluginVersionRecord, active: Option<&str>) -> Self {
        let quarantined = |Quarantine { at, reason, by }: Quarantine| Quarantined { at: format_ms(at), reason, by };
        Self {
            active: Some(record.digest.as_str()) == active,
            digest: record.digest,
            world: record.world,
            contract: record.contract,
            version: record.version,
            description: record.description,
            size: record.size,
            fixtures: record.fixtures,
            created_at: format_ms(record.created_at),
            created_by: record.created_by,
            quarantine: record.quarantine.map(quarantined),
        }
    }
}

/// One change of what served.
#[derive(Serialize)]
struct Change {
    digest: String,
    previous: Option<String>,
    cause: &'static str,
    at: String,
    by: String,
}

impl Change {
    fn of(activation: Activation) -> Self {
        Self {
            digest: activation.digest,
            previous: activation.previous,
            cause: activation.cause.as_str(),
            at: format_ms(activation.at),
            by: activation.by,
        }
    }
}

/// `GET /admin/plugins`, by name. What could not be pushed at all is there too, with its trouble and without a version.
pub async fn list(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let limit = query.limit() as usize;
    let after = query.text("cursor");
    query.finish()?;
    let mut plugins = app.store.plugins().await?;
    let troubles = app.plugins.troubles();
    let names: BTreeSet<String> =
        plugins.iter().map(|plugin| plugin.name.clone()).chain(troubles.into_keys()).collect();
    let mut rows = Vec::new();
    let mut more = false;
    for name in names.into_iter().filter(|name| after.as_ref().is_none_or(|after| name > after)) {
        if rows.len() == limit {
            more = true;
            break;
        }
        let at = plugins.iter().position(|plugin| plugin.name == name);
        rows.push(match at.map(|at| plugins.swap_remove(at)) {
            Some(plugin) => shown(&app, plugin).await?,
            None => without_record(&app, name),
        });
    }
    let next = rows.last().filter(|_| more).map(|row| row.name.clone());
    answer::list(rows, next)
}

/// `GET /admin/plugins/{name}`.
pub async fn get(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Problem> {
    match app.plugins.record(&name).await? {
        Some(plugin) => answer(&app, plugin).await,
        None if app.plugins.troubles().contains_key(&name) => answer::ok(&without_record(&app, name)),
        None => Err(Problem::not_found("plugin")),
    }
}

/// `GET /admin/plugins/{name}/versions`, the newest first.
pub async fn versions(State(app): State<App>, Path(name): Path<String>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let limit = query.limit();
    let before = query.read("cursor", "the cursor of a page", |text| text.parse::<i64>().ok());
    query.finish()?;
    let plugin = find(&app, &name).await?;
    let page = app.store.plugin_versions(name, PageRequest { before, limit }).await?;
    let rows = page.rows.into_iter().map(|record| Kept::of(record, plugin.active.as_deref())).collect::<Vec<_>>();
    answer::list(rows, page.next)
}

/// `GET /admin/plugins/{name}/versions/{digest}`.
pub async fn version(
    State(app): State<App>,
    Path((name, digest)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let plugin = find(&app, &name).await?;
    let version = app.store.plugin_version(name, digest).await?.ok_or_else(|| Problem::not_found("version"))?;
    answer::ok(&Kept::of(version, plugin.active.as_deref()))
}

/// `GET /admin/plugins/{name}/history`: what served, the newest first.
pub async fn history(State(app): State<App>, Path(name): Path<String>, uri: Uri) -> Result<Response, Problem> {
    Query::of(&uri).finish()?;
    find(&app, &name).await?;
    let history = app.store.plugin_history(name, HISTORY_MAX).await?;
    answer::list(history.into_iter().map(Change::of).collect(), None::<String>)
}

/// A plugin as an answer.
pub(super) async fn answer(app: &App, plugin: PluginRecord) -> Result<Response, Problem> {
    answer::ok(&shown(app, plugin).await?)
}

async fn shown(app: &App, plugin: PluginRecord) -> Result<Shown, Problem> {
    let page = PageRequest { before: None, limit: VERSIONS_MAX };
    let versions = app.store.plugin_versions(plugin.name.clone(), page).await?;
    let serves = match &plugin.active {
        Some(digest) => app.store.plugin_version(plugin.name.clone(), digest.clone()).await?,
        None => None,
    };
    let versions = versions.rows.into_iter().map(|record| Kept::of(record, plugin.active.as_deref())).collect();
    let serving = app.plugins.active(&plugin.name);
    Ok(Shown {
        id: Some(plugin.id.to_string()),
        world: Some(plugin.world),
        version: serves.as_ref().and_then(|version| version.version.clone()),
        description: serves.and_then(|version| version.description),
        serving: serving.filter(|serving| Some(serving) != plugin.active.as_ref()),
        canary: plugin.canary.as_ref().map(ShownCanary::of),
        policy: Some(plugin.policy),
        trouble: app.plugins.troubles().remove(&plugin.name),
        name: plugin.name,
        active: plugin.active,
        updated_at: Some(format_ms(plugin.updated_at)),
        revision: Some(plugin.revision),
        versions,
    })
}

/// A name under which nothing was ever taken in.
fn without_record(app: &App, name: String) -> Shown {
    Shown {
        id: None,
        world: None,
        version: None,
        description: None,
        active: None,
        serving: None,
        canary: None,
        policy: None,
        trouble: app.plugins.troubles().remove(&name),
        name,
        updated_at: None,
        revision: None,
        versions: Vec::new(),
    }
}
