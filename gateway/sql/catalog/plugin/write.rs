//! A change of a plugin, written whole or not at all.

use super::Row;
use crate::catalog::claim;
use crate::desk::Desk;
use crate::directory::Update;
use crate::fault::Failure;
use crate::parcel::json;
use hookwright_core::id::PluginId;
use hookwright_core::plugin::{Activation, PluginRecord, PluginVersionRecord, Quarantine};
use hookwright_store::{Change, PluginFile, PluginWrite, Saved, StoreError};

/// Writes the change on condition of the revision that was read.
pub(in crate::catalog) async fn write(
    desk: &mut Desk,
    write: PluginWrite,
    change: Change,
) -> Result<Saved<PluginRecord>, Failure> {
    if let Some(claimed) = claim::prior(desk, &change).await? {
        return Ok(claimed);
    }
    let row = match write.expected {
        0 => insert(desk, &write.plugin).await?,
        expected => update(desk, &write.plugin, expected).await?,
    };
    let record = row.ok_or(StoreError::Stale)?.read()?;
    if let Some((version, component)) = write.version {
        keep(desk, version, component).await?;
    }
    if let Some(activation) = write.activation {
        remember(desk, &record.name, activation).await?;
    }
    if let Some((digest, quarantine)) = write.quarantine {
        mark(desk, &record.name, &digest, quarantine.as_ref()).await?;
    }
    if let Some(PluginFile { file, digest }) = write.file {
        sqlx::query!(
            "INSERT INTO plugin_file (file, digest) VALUES ($1, $2) ON CONFLICT (file) DO UPDATE SET digest = excluded.digest",
            file,
            digest
        )
        .execute(&mut desk.connection)
        .await?;
    }
    desk.updates.push(Update::Plugin);
    claim::keep(desk, &change).await?;
    desk.audit(change.audit).await?;
    Ok(Saved::Fresh(record))
}

async fn insert(desk: &mut Desk, plugin: &PluginRecord) -> Result<Option<Row>, Failure> {
    let id = desk.ids.next::<PluginId>().get();
    let (canary, policy) = (plugin.canary.as_ref().map(json), json(&plugin.policy));
    let row = sqlx::query_as!(
        Row,
        "INSERT INTO plugin (id, name, world, active, canary, policy, updated_at, revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1)
         ON CONFLICT (name) DO NOTHING
         RETURNING id, name, world, active, canary, policy, updated_at, revision",
        id,
        plugin.name,
        plugin.world,
        plugin.active,
        canary,
        policy,
        plugin.updated_at
    )
    .fetch_optional(&mut desk.connection)
    .await?;
    Ok(row)
}

async fn update(desk: &mut Desk, plugin: &PluginRecord, expected: i64) -> Result<Option<Row>, Failure> {
    let (canary, policy) = (plugin.canary.as_ref().map(json), json(&plugin.policy));
    let row = sqlx::query_as!(
        Row,
        "UPDATE plugin SET active = $1, canary = $2, policy = $3, updated_at = $4, revision = revision + 1
         WHERE name = $5 AND revision = $6
         RETURNING id, name, world, active, canary, policy, updated_at, revision",
        plugin.active,
        canary,
        policy,
        plugin.updated_at,
        plugin.name,
        expected
    )
    .fetch_optional(&mut desk.connection)
    .await?;
    Ok(row)
}

/// Keeps a version and its component, unless they are there.
async fn keep(desk: &mut Desk, version: PluginVersionRecord, component: Vec<u8>) -> Result<(), Failure> {
    sqlx::query!(
        "INSERT INTO component (digest, bytes) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING",
        version.digest,
        component
    )
    .execute(&mut desk.connection)
    .await?;
    let (id, size) = (desk.ids.next::<PluginId>().get(), i64::try_from(version.size).unwrap_or(i64::MAX));
    let fixtures = i64::from(version.fixtures);
    sqlx::query!(
        "INSERT INTO plugin_version
             (id, plugin, digest, world, contract, version, description, size, fixtures, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (plugin, digest) DO NOTHING",
        id,
        version.plugin,
        version.digest,
        version.world,
        version.contract,
        version.version,
        version.description,
        size,
        fixtures,
        version.created_at,
        version.created_by
    )
    .execute(&mut desk.connection)
    .await?;
    Ok(())
}

async fn remember(desk: &mut Desk, plugin: &str, activation: Activation) -> Result<(), Failure> {
    let (id, cause) = (desk.ids.next::<PluginId>().get(), activation.cause.as_str());
    sqlx::query!(
        "INSERT INTO plugin_activation (id, plugin, digest, previous, cause, at, by) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id,
        plugin,
        activation.digest,
        activation.previous,
        cause,
        activation.at,
        activation.by
    )
    .execute(&mut desk.connection)
    .await?;
    Ok(())
}

/// A quarantine that begins has not been told; one that has ended need not be. Whoever names a version that is not there has read something else than what is here.
async fn mark(desk: &mut Desk, plugin: &str, digest: &str, quarantine: Option<&Quarantine>) -> Result<(), Failure> {
    let quarantine = quarantine.map(json);
    let marked = sqlx::query!(
        "UPDATE plugin_version SET quarantine = $1, quarantine_told = 0 WHERE plugin = $2 AND digest = $3",
        quarantine,
        plugin,
        digest
    )
    .execute(&mut desk.connection)
    .await?;
    if marked.rows_affected() == 0 { Err(StoreError::Stale.into()) } else { Ok(()) }
}
