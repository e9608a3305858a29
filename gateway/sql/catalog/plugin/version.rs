//! Versions of plugins, and which of them are in quarantine.

use crate::corrupt::Reading;
use crate::database::Pool;
use crate::desk::Desk;
use crate::fault::Failure;
use crate::journal::page_of;
use hookwright_core::plugin::PluginVersionRecord;
use hookwright_store::{Page, PageRequest, StoreError};

use std::collections::BTreeSet;

struct Row {
    id: i64,
    plugin: String,
    digest: String,
    world: String,
    contract: String,
    version: Option<String>,
    description: Option<String>,
    size: i64,
    fixtures: i64,
    created_at: i64,
    created_by: String,
    quarantine: Option<String>,
}

impl Row {
    fn read(self) -> Result<PluginVersionRecord, StoreError> {
        let reading = Reading { table: "plugin_version", row: self.id };
        let quarantine = self.quarantine.map(|text| reading.json("quarantine", &text)).transpose()?;
        Ok(PluginVersionRecord {
            digest: self.digest,
            plugin: self.plugin,
            world: self.world,
            contract: self.contract,
            version: self.version,
            description: self.description,
            size: reading.number("size", self.size)?,
            fixtures: reading.number("fixtures", self.fixtures)?,
            created_at: self.created_at,
            created_by: self.created_by,
            quarantine,
        })
    }
}

/// The versions of a plugin, newest first.
pub(in crate::catalog) async fn versions(
    reads: &Pool,
    plugin: String,
    page: PageRequest,
) -> Result<Page<PluginVersionRecord>, StoreError> {
    let (before, limit) = (page.before.unwrap_or(i64::MAX), i64::from(page.limit) + 1);
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, plugin, digest, world, contract, version, description, size, fixtures, created_at, created_by, quarantine
         FROM plugin_version WHERE plugin = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        plugin,
        before,
        limit
    )
    .fetch_all(reads)
    .await
    .map_err(Failure::from)?;
    let read = rows.into_iter().map(|row| Ok((row.id, row.read()?)));
    let page = page_of(read.collect::<Result<Vec<_>, StoreError>>()?, page.limit, |(id, _)| *id);
    Ok(Page { rows: page.rows.into_iter().map(|(_, record)| record).collect(), next: page.next })
}

/// One version of a plugin.
pub(in crate::catalog) async fn one(
    reads: &Pool,
    plugin: String,
    digest: String,
) -> Result<Option<PluginVersionRecord>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, plugin, digest, world, contract, version, description, size, fixtures, created_at, created_by, quarantine
         FROM plugin_version WHERE plugin = $1 AND digest = $2",
        plugin,
        digest
    )
    .fetch_optional(reads)
    .await
    .map_err(Failure::from)?;
    row.map(Row::read).transpose()
}

/// The digests of a plugin's versions that are in quarantine.
pub(in crate::catalog) async fn quarantined(reads: &Pool, plugin: String) -> Result<BTreeSet<String>, StoreError> {
    let rows = sqlx::query!("SELECT digest FROM plugin_version WHERE plugin = $1 AND quarantine IS NOT NULL", plugin)
        .fetch_all(reads)
        .await
        .map_err(Failure::from)?;
    Ok(rows.into_iter().map(|row| row.digest).collect())
}

/// Quarantines of which no event was published yet, those of the oldest versions first.
pub(in crate::catalog) async fn untold(reads: &Pool, limit: u32) -> Result<Vec<PluginVersionRecord>, StoreError> {
    let limit = i64::from(limit);
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, plugin, digest, world, contract, version, description, size, fixtures, created_at, created_by, quarantine
         FROM plugin_version WHERE quarantine IS NOT NULL AND quarantine_told = 0 ORDER BY id LIMIT $1",
        limit
    )
    .fetch_all(reads)
    .await
    .map_err(Failure::from)?;
    rows.into_iter().map(Row::read).collect()
}

/// The event of a quarantine was published.
pub(in crate::catalog) async fn told(desk: &mut Desk, plugin: String, digest: String, at: i64) -> Result<(), Failure> {
    sqlx::query!(
        "UPDATE plugin_version SET quarantine_told = 1
         WHERE plugin = $1 AND digest = $2 AND json_extract(quarantine, '$.at') = $3",
        plugin,
        digest,
        at
    )
    .execute(&mut desk.connection)
    .await?;
    Ok(())
}
