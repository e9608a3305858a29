//! Versions of the program side by side, while nodes are replaced one by one.
//!
//! A step of the schema is written so that the version before it goes on working beside it: it adds (a table, a column with a default, an index), and only a later
//! version takes away what nobody uses any more. Such a later step raises [`FLOOR`]. The floor stands in the database: a program that knows the schema up to it may
//! work there although the schema is newer. A program that is about to raise it refuses while nodes run that would be below.

use crate::corrupt::Reading;
use crate::database::Connection;
use crate::fault::Failure;
use crate::suitability::MIGRATIONS;
use hookwright_store::StoreError;

/// The oldest schema that a program must know to run beside this one. Before the second, none knows messages whose partner is being asked.
pub(crate) const FLOOR: i64 = 2;

/// The newest schema that this program knows.
pub(crate) fn known() -> i64 {
    MIGRATIONS.iter().map(|step| step.version).max().unwrap_or(0)
}

/// Whether this program may work on a schema that is newer than it.
pub(crate) fn may_work_on(newest: i64, floor: Option<i64>, known: i64) -> bool {
    newest <= known || floor.is_some_and(|floor| floor <= known)
}

/// The floor that stands in the database.
pub(crate) async fn floor(connection: &mut Connection) -> Result<Option<i64>, Failure> {
    let row: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT value FROM meta WHERE name = 'schema_floor'").fetch_optional(connection).await?;
    let corrupt = || Reading { table: "meta", row: "schema_floor" }.corrupt("value");
    let read = row.map(|value| value.try_into().map(i64::from_be_bytes).map_err(|_| corrupt())).transpose();
    Ok(read?)
}

/// Raises the floor to this program's.
pub(crate) async fn raise_floor(connection: &mut Connection) -> Result<(), Failure> {
    let raised = floor(connection).await?.map_or(FLOOR, |floor| floor.max(FLOOR)).to_be_bytes().to_vec();
    sqlx::query!(
        "INSERT INTO meta (name, value) VALUES ('schema_floor', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        raised
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Refuses to change the schema while nodes run that could not go on.
pub(crate) async fn refuse_beside_older(connection: &mut Connection, place: &str, floor: i64) -> Result<(), Failure> {
    let rows =
        sqlx::query!("SELECT name, version FROM node WHERE lease_until > now_ms() AND schema < $1 ORDER BY id", floor);
    let older = rows.fetch_all(connection).await?;
    if older.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = older.iter().map(|node| format!("{} ({})", node.name, node.version)).collect();
    Err(StoreError::Unsuitable(format!(
        "the schema of {place} cannot be brought up to date beside nodes of an older version: stop {} first",
        names.join(", ")
    ))
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hookwright_test_postgres::Cluster;
    use sqlx::{ConnectOptions, Executor};
    use std::str::FromStr;

    #[test]
    fn a_newer_schema_is_worked_on_down_to_its_floor() {
        assert!(may_work_on(3, None, 3) && may_work_on(2, Some(1), 3));
        assert!(may_work_on(4, Some(3), 3) && may_work_on(9, Some(1), 3));
        assert!(!may_work_on(4, Some(4), 3) && !may_work_on(4, None, 3), "without a floor nothing is promised");
    }

    #[tokio::test]
    async fn nodes_below_the_floor_are_named_and_only_while_they_live() {
        let Some(cluster) = Cluster::shared() else { return };
        let url = cluster.create_database();
        let mut connection = sqlx::postgres::PgConnectOptions::from_str(&url).unwrap().connect().await.unwrap();
        MIGRATIONS.run_direct(None, &mut connection, false).await.unwrap();
        assert_eq!(floor(&mut connection).await.unwrap(), None);
        raise_floor(&mut connection).await.unwrap();
        assert_eq!(floor(&mut connection).await.unwrap(), Some(FLOOR));
        connection
            .execute(
                "INSERT INTO node (id, run, name, version, schema, started_at, lease_until)
                 VALUES (1, 'a', 'old', '0.1.0', 4, 0, now_ms() + 60000), (2, 'b', 'new', '0.2.0', 5, 0, now_ms() + 60000),
                        (3, 'c', 'dead', '0.0.1', 1, 0, now_ms() - 1)",
            )
            .await
            .unwrap();
        refuse_beside_older(&mut connection, "x", 4).await.unwrap();
        let refused = StoreError::from(refuse_beside_older(&mut connection, "x", 5).await.unwrap_err()).to_string();
        assert!(refused.ends_with("stop old (0.1.0) first"), "{refused}");
        drop(connection);
        cluster.drop_database(&url);
    }
}
