//! The tables of nodes and shards.

use crate::database::Connection;
use crate::desk;
use crate::fault::Failure;
use crate::keeper::Identity;
use crate::load::load_orphaned;
use crate::process::Process;
use crate::store::Shared;
use crate::upgrade;
use hookwright_store::StoreError;
use sqlx::{Connection as _, Executor};
use std::time::Duration;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn ms(lease: Duration) -> i64 {
    i64::try_from(lease.as_millis()).unwrap_or(i64::MAX)
}

/// Takes a number that no living node has: one that nobody had, or whose holder was heard of longest ago, since a node that only stood still comes back under its
/// number, on which its ids rest. Tells the database's clock as well.
pub(crate) async fn register(
    connection: &mut Connection,
    run: &[u8],
    name: &str,
    lease: Duration,
) -> Result<(i64, i64), Failure> {
    let this = Process::this();
    if let Some(this) = &this {
        end_dead(connection, this).await?;
    }
    let process = this.map(|this| this.text());
    for _ in 0..16 {
        let row = sqlx::query!(
            r#"INSERT INTO node (id, run, name, version, process, schema, started_at, lease_until)
               SELECT n, $1, $2, $3, $5, $6, now_ms(), now_ms() + $4
               FROM generate_series(1, 1023) AS n LEFT JOIN node AS o ON o.id = n
               WHERE o.id IS NULL OR o.lease_until <= now_ms() ORDER BY o.lease_until NULLS FIRST, n LIMIT 1
               ON CONFLICT (id) DO UPDATE
               SET run = excluded.run, name = excluded.name, version = excluded.version, process = excluded.process, schema = excluded.schema, retiring = 0,
                   started_at = excluded.started_at, lease_until = excluded.lease_until
               WHERE node.lease_until <= now_ms()
               RETURNING id, started_at"#,
            run,
            name,
            VERSION,
            ms(lease),
            process,
            upgrade::known()
        )
        .fetch_optional(&mut *connection)
        .await?;
        // Nobody, if another took the same number in that moment.
        let Some(row) = row else { continue };
        // What the number's former holder owned is nobody's.
        sqlx::query!("UPDATE shard SET node_id = NULL WHERE node_id = $1", row.id).execute(&mut *connection).await?;
        return Ok((row.id, row.started_at));
    }
    Err(StoreError::Unavailable("no number is free for this node: 1,023 nodes share the database already".into())
        .into())
}

/// Ends the leases of nodes that this one knows to be dead: former runs on this machine.
async fn end_dead(connection: &mut Connection, this: &Process) -> Result<(), Failure> {
    let rows =
        sqlx::query!("SELECT id, run, process FROM node WHERE lease_until > now_ms()").fetch_all(&mut *connection);
    for row in rows.await? {
        let process = row.process.as_deref().and_then(Process::parse);
        if process.is_some_and(|process| this.knows_dead(&process)) {
            tracing::info!(node = row.id, "a former run on this machine has ended without a word; its lease ends now");
            sqlx::query!("UPDATE node SET lease_until = 0 WHERE id = $1 AND run = $2", row.id, row.run)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

/// Renews the lease of a node that still has it; tells the database's clock.
pub(crate) async fn renew(
    connection: &mut Connection,
    node: &Identity,
    is_retiring: bool,
) -> Result<Option<i64>, Failure> {
    let row = sqlx::query!(
        r#"UPDATE node SET lease_until = now_ms() + $3, retiring = $4 WHERE id = $1 AND run = $2 AND lease_until > now_ms()
           RETURNING lease_until"#,
        node.id,
        node.run,
        ms(node.lease),
        i64::from(is_retiring)
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| row.lease_until - ms(node.lease)))
}

/// Takes the same number again after the lease ended, if nobody else has it: ids carry it.
pub(crate) async fn begin_anew(connection: &mut Connection, node: &Identity) -> Result<i64, Failure> {
    let mut transaction = connection.begin().await?;
    let row = sqlx::query!(
        "INSERT INTO node (id, run, name, version, schema, started_at, lease_until) VALUES ($1, $2, $3, $4, $6, now_ms(), now_ms() + $5)
         ON CONFLICT (id) DO UPDATE
         SET run = excluded.run, name = excluded.name, version = excluded.version, schema = excluded.schema, started_at = excluded.started_at, lease_until = excluded.lease_until
         WHERE node.lease_until <= now_ms()
         RETURNING started_at",
        node.id,
        node.run,
        node.name,
        VERSION,
        ms(node.lease),
        upgrade::known()
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let taken =
        || StoreError::Unsuitable(format!("another node has taken the number {} of this one meanwhile", node.id));
    let row = row.ok_or_else(taken)?;
    sqlx::query!("UPDATE shard SET node_id = NULL WHERE node_id = $1", node.id).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(row.started_at)
}

/// Who owns what, and how many nodes share it.
pub(crate) struct Owners {
    pub(crate) shards: Vec<(i64, Option<i64>)>,
    pub(crate) live: usize,
}

/// Reads who owns what.
pub(crate) async fn owners(connection: &mut Connection) -> Result<Owners, Failure> {
    let rows = sqlx::query!("SELECT id, node_id FROM shard").fetch_all(&mut *connection).await?;
    let live = sqlx::query!(r#"SELECT count(*) AS "live!" FROM node WHERE lease_until > now_ms() AND retiring = 0"#);
    let live = usize::try_from(live.fetch_one(connection).await?.live).unwrap_or(1);
    Ok(Owners { shards: rows.into_iter().map(|row| (row.id, row.node_id)).collect(), live })
}

/// Takes shards that no living node owns.
pub(crate) async fn take(connection: &mut Connection, node: &Identity, limit: usize) -> Result<Vec<i64>, Failure> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = sqlx::query!(
        "WITH free AS (
             SELECT s.id FROM shard AS s LEFT JOIN node AS n ON n.id = s.node_id AND n.lease_until > now_ms()
             WHERE n.id IS NULL ORDER BY s.id LIMIT $3 FOR UPDATE OF s SKIP LOCKED)
         UPDATE shard AS s SET node_id = $1, epoch = s.epoch + 1 FROM free AS f
         WHERE s.id = f.id AND EXISTS (SELECT 1 FROM node WHERE id = $1 AND run = $2 AND lease_until > now_ms())
         RETURNING s.id",
        node.id,
        node.run,
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Makes shards of this node anybody's.
pub(crate) async fn release(connection: &mut Connection, node: &Identity, shards: &[i64]) -> Result<(), Failure> {
    sqlx::query!("UPDATE shard SET node_id = NULL WHERE id = ANY($1) AND node_id = $2", shards, node.id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends this node's lease.
pub(crate) async fn leave(connection: &mut Connection, node: &Identity) -> Result<(), Failure> {
    sqlx::query!(
        "UPDATE shard SET node_id = NULL WHERE node_id = $1 AND EXISTS (SELECT 1 FROM node WHERE id = $1 AND run = $2)",
        node.id,
        node.run
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("DELETE FROM node WHERE id = $1 AND run = $2", node.id, node.run).execute(connection).await?;
    Ok(())
}

/// What whoever leads does now and then.
pub(crate) async fn tidy(shared: &Shared, connection: &mut Connection) -> Result<(), Failure> {
    let orphaned = load_orphaned(connection).await?;
    if !orphaned.is_empty() {
        desk::end_orphans(shared, orphaned);
    }
    connection.execute("DELETE FROM node WHERE lease_until < now_ms() - 86400000").await?;
    Ok(())
}
