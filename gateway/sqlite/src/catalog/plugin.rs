//! Plugins: names, the version of each that serves, and content-addressed components.

use super::claim;
use crate::corrupt::Reading;
use crate::desk::Desk;
use crate::fault::Failure;
use crate::journal::page_of;
use hookwright_core::id::PluginId;
use hookwright_store::{Change, Page, PageRequest, PluginRecord, PluginVersionRecord, StoreError};
use sqlx::SqlitePool;

struct Row {
    id: i64,
    name: String,
    active: String,
    updated_at: i64,
}

impl Row {
    fn read(self) -> Result<PluginRecord, StoreError> {
        let id = Reading { table: "plugin", row: self.id }.id("id", self.id)?;
        Ok(PluginRecord { id, name: self.name, active: self.active, updated_at: self.updated_at })
    }
}

/// Every plugin, by name.
pub(super) async fn all(reads: &SqlitePool) -> Result<Vec<PluginRecord>, StoreError> {
    let rows = sqlx::query_as!(Row, "SELECT id, name, active, updated_at FROM plugin ORDER BY name")
        .fetch_all(reads)
        .await
        .map_err(Failure::from)?;
    rows.into_iter().map(Row::read).collect()
}

/// The versions of a plugin, newest first.
pub(super) async fn versions(
    reads: &SqlitePool,
    plugin: String,
    page: PageRequest,
) -> Result<Page<PluginVersionRecord>, StoreError> {
    let (before, limit) = (page.before.unwrap_or(i64::MAX), i64::from(page.limit) + 1);
    let rows = sqlx::query!(
        "SELECT id, plugin, digest, world, version, description, size, created_at, created_by
         FROM plugin_version WHERE plugin = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        plugin,
        before,
        limit
    )
    .fetch_all(reads)
    .await
    .map_err(Failure::from)?;
    let read = rows.into_iter().map(|row| {
        let record = PluginVersionRecord {
            digest: row.digest,
            plugin: row.plugin,
            world: row.world,
            version: row.version,
            description: row.description,
            size: Reading { table: "plugin_version", row: row.id }.number("size", row.size)?,
            created_at: row.created_at,
            created_by: row.created_by,
        };
        Ok((row.id, record))
    });
    let page = page_of(read.collect::<Result<Vec<_>, StoreError>>()?, page.limit, |(id, _)| *id);
    Ok(Page { rows: page.rows.into_iter().map(|(_, record)| record).collect(), next: page.next })
}

/// A component's bytes.
pub(super) async fn component(reads: &SqlitePool, digest: String) -> Result<Option<Vec<u8>>, StoreError> {
    let row = sqlx::query!("SELECT bytes FROM component WHERE digest = $1", digest)
        .fetch_optional(reads)
        .await
        .map_err(Failure::from)?;
    Ok(row.map(|row| row.bytes))
}

/// Keeps a version, if it is new, and makes it the one that serves.
pub(super) async fn push(
    desk: &mut Desk,
    version: PluginVersionRecord,
    component: Vec<u8>,
    change: Change,
) -> Result<PluginRecord, Failure> {
    let now_ms = desk.now_ms();
    sqlx::query!(
        "INSERT INTO component (digest, bytes) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING",
        version.digest,
        component
    )
    .execute(&mut desk.connection)
    .await?;
    let (id, size) = (desk.ids.next::<PluginId>().get(), i64::try_from(version.size).unwrap_or(i64::MAX));
    sqlx::query!(
        "INSERT INTO plugin_version (id, plugin, digest, world, version, description, size, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (plugin, digest) DO NOTHING",
        id,
        version.plugin,
        version.digest,
        version.world,
        version.version,
        version.description,
        size,
        version.created_at,
        version.created_by
    )
    .execute(&mut desk.connection)
    .await?;
    let id = desk.ids.next::<PluginId>().get();
    let row = sqlx::query_as!(
        Row,
        "INSERT INTO plugin (id, name, active, updated_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET active = excluded.active, updated_at = excluded.updated_at
         RETURNING id, name, active, updated_at",
        id,
        version.plugin,
        version.digest,
        now_ms
    )
    .fetch_one(&mut desk.connection)
    .await?;
    claim::keep(desk, &change).await?;
    desk.audit(change.audit).await?;
    Ok(row.read()?)
}
