//! Whether a database and this program go together, said in one sentence where they do not.

use crate::connection::Door;
use crate::database::Connection;
use crate::fault::{Failure, code};
use crate::sealer::{Sealer, column};
use hookwright_core::seal::SealError;
use hookwright_store::StoreError;
use sqlx::migrate::Migrator;

/// The schema.
pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../../sqlx-data/postgres/migrations");
/// What is sealed once, so that a start with other keys is noticed.
const KEY_CHECK: &[u8] = b"hookwright";

/// Why there is no connection, or the error itself where it may pass.
pub(crate) fn refused(error: Failure, door: &Door) -> StoreError {
    let Failure::Database(error) = error else { return error.into() };
    let options = door.options();
    let place = format!("{}:{}", options.get_host(), options.get_port());
    match code(&error).as_deref() {
        Some("28P01" | "28000") => {
            let user = options.get_username();
            StoreError::Unsuitable(format!("PostgreSQL at {place} does not let user {user} in: {error}"))
        }
        Some("3D000") => {
            let name = options.get_database().unwrap_or(options.get_username());
            StoreError::Unsuitable(format!(
                "PostgreSQL at {place} has no database {name}: make it with `createdb {name}`"
            ))
        }
        _ => StoreError::Unavailable(Box::new(error)),
    }
}

/// Brings the schema up to date; tells the steps that were taken.
pub(crate) async fn migrate(connection: &mut Connection) -> Result<Vec<String>, StoreError> {
    let there: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await
        .map_err(Failure::from)?;
    let applied: Vec<i64> = if there {
        let versions = sqlx::query_scalar("SELECT version FROM _sqlx_migrations").fetch_all(&mut *connection).await;
        versions.map_err(Failure::from)?
    } else {
        Vec::new()
    };
    MIGRATIONS
        .run_direct(None, connection, false)
        .await
        .map_err(|error| StoreError::Unsuitable(format!("the schema could not be brought up to date: {error}")))?;
    let steps = MIGRATIONS.iter().filter(|step| !applied.contains(&step.version));
    Ok(steps.map(|step| format!("{} {}", step.version, step.description)).collect())
}

/// Seals the known text, once, or opens it.
pub(crate) async fn check_keys(connection: &mut Connection, sealer: &Sealer) -> Result<(), StoreError> {
    let record = sealer.seal(column::key_check(), KEY_CHECK);
    sqlx::query!("INSERT INTO meta (name, value) VALUES ('key_check', $1) ON CONFLICT DO NOTHING", record)
        .execute(&mut *connection)
        .await
        .map_err(Failure::from)?;
    let row = sqlx::query!("SELECT value FROM meta WHERE name = 'key_check'").fetch_one(connection).await;
    let record = row.map_err(Failure::from)?.value;
    match sealer.keyring().open(column::key_check(), &record) {
        Ok(plain) if plain == KEY_CHECK => Ok(()),
        Err(SealError::UnknownKey(expected)) => {
            let given: Vec<String> = sealer.keyring().names().map(|name| name.to_string()).collect();
            let given = given.join(", ");
            Err(StoreError::Unsuitable(format!(
                "the database is sealed under key {expected}, and the key given is {given}"
            )))
        }
        Ok(_) | Err(_) => {
            Err(StoreError::Unsuitable("the key check of the database does not open: it was changed".to_owned()))
        }
    }
}
