//! Whether a database and this program go together, said in one sentence where they do not. Nothing is written before everything was looked at.

use crate::connection::Door;
use crate::database::Connection;
use crate::fault::Failure;
use crate::sealer::{Sealer, column};
use crate::suitable::{KEY_CHECK, check_keys, check_schema};
use crate::upgrade;
use hookwright_store::StoreError;
use sqlx::Executor;
use sqlx::migrate::Migrator;
use std::collections::BTreeMap;

/// The schema.
pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../../sqlx-data/postgres/migrations");
/// The oldest PostgreSQL this store runs on, as `server_version_num` has it: older ones get no more fixes, or soon none
/// (<https://www.postgresql.org/support/versioning/>).
const VERSION_MIN: i32 = 140_000;
/// Connections of a node besides those that read: three that write groups and one that writes alone, the keeper's, the listener's, the collector's, the notifier's, and one
/// for when shards are given away.
const WRITING: u32 = 9;

/// What a server says of itself and of this user.
#[derive(Debug, sqlx::FromRow)]
struct Server {
    number: i32,
    version: String,
    standby: bool,
    read_only: bool,
    encoding: String,
    /// Where tables are made; `None` where there is no such schema.
    schema: Option<String>,
    may_create: bool,
    /// Connections that this user may have here at all.
    connections: i32,
}

/// What is in the schema.
#[derive(Debug, sqlx::FromRow)]
struct Contents {
    has_steps: bool,
    has_meta: bool,
    /// A table besides the list of steps.
    other: Option<String>,
    /// A table that this user does not own, and its owner.
    foreign: Option<String>,
    owner: Option<String>,
}

/// Looks at server, rights, contents and keys.
pub(crate) async fn examine(
    connection: &mut Connection,
    door: &Door,
    readers: u32,
    sealer: &Sealer,
) -> Result<(), StoreError> {
    let server = server(connection).await?;
    let place = door.database_at();
    check_server(&server, &place, door, readers)?;
    let contents = contents(connection).await?;
    if let (Some(table), Some(owner)) = (&contents.foreign, &contents.owner) {
        let user = door.options().get_username();
        return Err(unsuitable(format!(
            "table {table} of {place} belongs to {owner}: connect as that user, or let {owner} `GRANT {owner} TO {user}`"
        )));
    }
    let steps = if contents.has_steps { steps(connection).await? } else { BTreeMap::new() };
    let floor = if contents.has_meta { upgrade::floor(connection).await? } else { None };
    check_contents(&contents, &steps, floor, &place)?;
    if !contents.has_meta {
        return Ok(());
    }
    let record: Option<Vec<u8>> = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'key_check'")
        .fetch_optional(connection)
        .await
        .map_err(Failure::from)?;
    record.map_or(Ok(()), |record| check_keys(&place, sealer, &record))
}

fn check_server(server: &Server, place: &str, door: &Door, readers: u32) -> Result<(), StoreError> {
    let (user, database) = (door.options().get_username(), door.database());
    check_version(server)?;
    if server.standby {
        return Err(unsuitable(format!(
            "{} is a replica, which only reads: name the server that takes writes",
            door.place()
        )));
    }
    if server.read_only {
        return Err(unsuitable(format!(
            "{place} only reads (default_transaction_read_only is on, for the server, the database or user {user})"
        )));
    }
    if server.encoding != "UTF8" {
        return Err(unsuitable(format!(
            "{place} is encoded as {}, and UTF8 is needed: make it with `createdb --encoding=UTF8 --template=template0 {database}`",
            server.encoding
        )));
    }
    let Some(schema) = &server.schema else {
        return Err(unsuitable(format!(
            "{place} has no schema to make tables in: none of user {user}'s search_path is there"
        )));
    };
    if !server.may_create {
        return Err(unsuitable(format!(
            "user {user} may not make tables in schema {schema} of {place}: `GRANT CREATE ON SCHEMA {schema} TO {user}`"
        )));
    }
    let needed = readers.saturating_add(WRITING);
    if u32::try_from(server.connections).unwrap_or(0) < needed {
        return Err(unsuitable(format!(
            "{place} gives user {user} {} connections at most, and a node takes {needed}: raise the limit, or lower database.readers_max",
            server.connections
        )));
    }
    Ok(())
}

fn check_version(server: &Server) -> Result<(), StoreError> {
    if server.number >= VERSION_MIN {
        return Ok(());
    }
    Err(unsuitable(format!("PostgreSQL {} answers, and {} or newer is needed", server.version, VERSION_MIN / 10_000)))
}

fn check_contents(
    contents: &Contents,
    steps: &BTreeMap<i64, Vec<u8>>,
    floor: Option<i64>,
    place: &str,
) -> Result<(), StoreError> {
    let ours = MIGRATIONS.iter().next().map(|first| (first.version, first.checksum.to_vec()));
    let began = steps.iter().next().map(|(version, checksum)| (*version, checksum.clone()));
    match (&contents.other, began) {
        // Ours in any case where nothing was done yet.
        (None, None) => Ok(()),
        (_, began) if began == ours => {
            let (known, newest) = (upgrade::known(), steps.keys().max().copied());
            if newest.is_some_and(|newest| upgrade::may_work_on(newest, floor, known)) {
                return Ok(());
            }
            check_schema(place, newest, Some(known))
        }
        (other, _) => {
            let such = other.as_ref().map(|table| format!(" (such as {table})")).unwrap_or_default();
            Err(unsuitable(format!(
                "{place} holds tables of another program{such}: name a database, or a user with a search_path, of the gateway's own"
            )))
        }
    }
}

async fn server(connection: &mut Connection) -> Result<Server, Failure> {
    let server = sqlx::query_as(
        "SELECT current_setting('server_version_num')::int4 AS number,
                current_setting('server_version') AS version,
                pg_is_in_recovery() AS standby,
                current_setting('transaction_read_only') = 'on' AS read_only,
                current_setting('server_encoding') AS encoding,
                current_schema()::text AS schema,
                coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
                least(
                    current_setting('max_connections')::int4
                        - CASE WHEN r.rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::int4 END,
                    nullif(r.rolconnlimit, -1),
                    nullif(d.datconnlimit, -1)
                ) AS connections
         FROM pg_roles AS r, pg_database AS d
         WHERE r.rolname = current_user AND d.datname = current_database()",
    );
    Ok(server.fetch_one(connection).await?)
}

async fn contents(connection: &mut Connection) -> Result<Contents, Failure> {
    let contents = sqlx::query_as(
        "WITH
         -- What an extension brought along is nobody's.
         found AS (
             SELECT c.relname::text AS name, c.relowner AS owner, pg_has_role(c.relowner, 'USAGE') AS is_ours
             FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
             WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
               AND NOT EXISTS (
                   SELECT FROM pg_depend AS e
                   WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e'
               )
         ),
         foreigner AS (SELECT name, pg_get_userbyid(owner)::text AS owner FROM found WHERE NOT is_ours ORDER BY name LIMIT 1)
         SELECT coalesce(bool_or(name = '_sqlx_migrations'), false) AS has_steps,
                coalesce(bool_or(name = 'meta'), false) AS has_meta,
                min(name) FILTER (WHERE name <> '_sqlx_migrations') AS other,
                (SELECT name FROM foreigner) AS foreign,
                (SELECT owner FROM foreigner) AS owner
         FROM found",
    );
    Ok(contents.fetch_one(connection).await?)
}

/// The steps that were taken, and what each was.
async fn steps(connection: &mut Connection) -> Result<BTreeMap<i64, Vec<u8>>, Failure> {
    let steps: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations").fetch_all(connection).await?;
    Ok(steps.into_iter().collect())
}

/// Brings the schema up to date; tells the steps that were taken. The connection's limits are lifted, and it is of no use for anything else afterwards.
pub(crate) async fn migrate(connection: &mut Connection, place: &str) -> Result<Vec<String>, StoreError> {
    let contents = contents(connection).await?;
    let applied = if contents.has_steps { steps(connection).await? } else { BTreeMap::new() };
    let missing: Vec<String> = MIGRATIONS
        .iter()
        .filter(|step| !applied.contains_key(&step.version))
        .map(|step| format!("{} {}", step.version, step.description))
        .collect();
    if missing.is_empty() {
        return Ok(missing);
    }
    if !applied.is_empty() {
        upgrade::refuse_beside_older(connection, place, upgrade::FLOOR).await?;
    }
    // A step may take as long as it takes, and wait for the same step of another node.
    connection.execute("SET statement_timeout = 0; SET lock_timeout = '5min'").await.map_err(Failure::from)?;
    MIGRATIONS
        .run_direct(None, connection, false)
        .await
        .map_err(|error| unsuitable(format!("the schema could not be brought up to date: {error}")))?;
    upgrade::raise_floor(connection).await?;
    Ok(missing)
}

/// Seals the known text, once, so that a later start with other keys is noticed before it writes; or opens it.
pub(crate) async fn keep_key_check(
    connection: &mut Connection,
    sealer: &Sealer,
    door: &Door,
) -> Result<(), StoreError> {
    let record = sealer.seal(column::key_check(), KEY_CHECK);
    sqlx::query!("INSERT INTO meta (name, value) VALUES ('key_check', $1) ON CONFLICT DO NOTHING", record)
        .execute(&mut *connection)
        .await
        .map_err(Failure::from)?;
    let row = sqlx::query!("SELECT value FROM meta WHERE name = 'key_check'").fetch_one(connection).await;
    check_keys(&door.database_at(), sealer, &row.map_err(Failure::from)?.value)
}

fn unsuitable(why: String) -> StoreError {
    StoreError::Unsuitable(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_are_refused_by_name() {
        let server = |number, version: &str| Server {
            number,
            version: version.to_owned(),
            standby: false,
            read_only: false,
            encoding: "UTF8".to_owned(),
            schema: None,
            may_create: true,
            connections: 100,
        };
        assert!(check_version(&server(140_000, "14.0")).is_ok() && check_version(&server(180_001, "18.1")).is_ok());
        let said = check_version(&server(130_022, "13.22")).unwrap_err().to_string();
        assert_eq!(said, "PostgreSQL 13.22 answers, and 14 or newer is needed");
    }
}
