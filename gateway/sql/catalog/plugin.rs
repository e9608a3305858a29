//! Plugins: their pointers, versions and history, and content-addressed components.

#[path = "plugin/version.rs"]
mod version;
#[path = "plugin/write.rs"]
mod write;

pub(super) use version::{one, quarantined, told, untold, versions};
pub(super) use write::write;

use crate::corrupt::Reading;
use crate::database::Pool;
use crate::fault::Failure;
use hookwright_core::plugin::{Activation, Cause, PluginRecord};
use hookwright_store::{PluginFile, StoreError};

struct Row {
    id: i64,
    name: String,
    world: String,
    active: Option<String>,
    canary: Option<String>,
    policy: String,
    updated_at: i64,
    revision: i64,
}

impl Row {
    fn read(self) -> Result<PluginRecord, StoreError> {
        let reading = Reading { table: "plugin", row: self.id };
        let canary = self.canary.map(|text| reading.json("canary", &text)).transpose()?;
        Ok(PluginRecord {
            id: reading.id("id", self.id)?,
            name: self.name,
            world: self.world,
            active: self.active,
            canary,
            policy: reading.json("policy", &self.policy)?,
            updated_at: self.updated_at,
            revision: self.revision,
        })
    }
}

/// Every plugin, by name.
pub(super) async fn all(reads: &Pool) -> Result<Vec<PluginRecord>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, name, world, active, canary, policy, updated_at, revision FROM plugin ORDER BY name"
    )
    .fetch_all(reads)
    .await
    .map_err(Failure::from)?;
    rows.into_iter().map(Row::read).collect()
}

/// A component's bytes.
pub(super) async fn component(reads: &Pool, digest: String) -> Result<Option<Vec<u8>>, StoreError> {
    let row = sqlx::query!("SELECT bytes FROM component WHERE digest = $1", digest)
        .fetch_optional(reads)
        .await
        .map_err(Failure::from)?;
    Ok(row.map(|row| row.bytes))
}

/// What served under a plugin's name, the newest first.
pub(super) async fn history(reads: &Pool, plugin: String, limit: u32) -> Result<Vec<Activation>, StoreError> {
    let limit = i64::from(limit);
    let rows = sqlx::query!(
        "SELECT id, digest, previous, cause, at, by FROM plugin_activation WHERE plugin = $1 ORDER BY id DESC LIMIT $2",
        plugin,
        limit
    )
    .fetch_all(reads)
    .await
    .map_err(Failure::from)?;
    let read = rows.into_iter().map(|row| {
        let reading = Reading { table: "plugin_activation", row: row.id };
        let cause = reading.word("cause", Cause::from_word(&row.cause))?;
        Ok(Activation { digest: row.digest, previous: row.previous, cause, at: row.at, by: row.by })
    });
    read.collect()
}

/// What the files of the watched directory held.
pub(super) async fn files(reads: &Pool) -> Result<Vec<PluginFile>, StoreError> {
    let rows = sqlx::query_as!(PluginFile, "SELECT file, digest FROM plugin_file ORDER BY file")
        .fetch_all(reads)
        .await
        .map_err(Failure::from)?;
    Ok(rows)
}
