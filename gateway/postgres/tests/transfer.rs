//! A database that is filled from elsewhere: what it takes, what it refuses, and when gateways may start on it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking, in what its cases share as well")]

use hookwright_core::seal::Keyring;
use hookwright_postgres::{Arrival, Entropy, PostgresConfig, PostgresStore, PostgresTarget, migrate};
use hookwright_store::transfer::{Cell, Kind, Row, TABLES, Table, Tally};
use hookwright_store::{ManualClock, StoreError};
use hookwright_test_postgres::Cluster;
use rand::TryRng;
use std::collections::BTreeSet;
use std::sync::Arc;

/// An id of 2026, whose day is far from today's.
const ID: i64 = 66_000_000_000 << 22;

fn config(url: &str) -> PostgresConfig {
    PostgresConfig::new(url, Keyring::from_keys(&[1; 32], &[]))
}

fn entropy() -> Entropy {
    Arc::new(|bytes: &mut [u8]| rand::rngs::SysRng.try_fill_bytes(bytes).unwrap())
}

async fn target(url: &str, identity: &[u8]) -> Result<PostgresTarget, StoreError> {
    match PostgresTarget::open(config(url), entropy(), identity).await? {
        Arrival::Open(target) => Ok(target),
        Arrival::Complete => panic!("it is complete"),
    }
}

fn table(name: &str) -> &'static Table {
    TABLES.iter().find(|table| table.name == name).unwrap()
}

/// A row with something in every column, or with nothing wherever that is possible.
fn row(table: &Table, n: i64, full: bool) -> Row {
    let cell = |(at, (name, kind)): (usize, &(&str, Kind))| {
        let may_be_null = [
            "customer.region",
            "event.message_id",
            "event.ordering_key",
            "pending.order_key",
            "settled.reason",
            "settled.response_code",
            "message.waiting_for",
            "establishment.message_id",
        ];
        match kind {
            _ if !full && may_be_null.contains(&format!("{}.{name}", table.name).as_str()) => Cell::Null,
            Kind::Number if ["active", "revoked", "established", "warned", "quarantine_told"].contains(name) => {
                Cell::Number(1)
            }
            Kind::Number => Cell::Number(if at == 0 { ID + n } else { n }),
            Kind::Text if *name == "status" => Cell::Text("failed".to_owned()),
            Kind::Text if table.name == "meta" => Cell::Text("audit_anchor".to_owned()),
            Kind::Text => Cell::Text(format!("ä'\"\\{n}")),
            Kind::Bytes => Cell::Bytes(vec![0, 0xff, u8::try_from(n % 256).unwrap()]),
        }
    };
    table.columns.iter().enumerate().map(cell).collect()
}

#[tokio::test]
async fn what_is_put_comes_back_in_order_and_the_sum_tells() {
    let Some(cluster) = Cluster::shared() else { return };
    let url = cluster.create_database();
    let mut target = target(&url, b"one").await.unwrap();
    for table in &TABLES {
        let rows: Vec<Row> = if table.name == "meta" {
            vec![row(table, 1, true)]
        } else {
            (1..5).map(|n| row(table, n, n % 2 == 0)).collect()
        };
        assert_eq!(target.last(table).await.unwrap(), None);
        if PostgresTarget::is_daily(table) {
            target.make_room(table, (ID, ID + 5)).await.unwrap();
        }
        target.put(table, &rows[..1]).await.unwrap();
        target.put(table, &rows[1..]).await.unwrap();
        let back = target.page(table, None).await.unwrap();
        assert_eq!(back, rows, "{}", table.name);
        let after = target.page(table, Some(table.key_of(&rows[0]))).await.unwrap();
        assert_eq!(after, rows[1..], "{}", table.name);
        assert_eq!(target.last(table).await.unwrap().as_deref(), rows.last().map(|row| table.key_of(row)));
        assert_eq!(target.count(table).await.unwrap(), rows.len() as u64);
        let sum = |rows: &[Row]| {
            let mut tally = Tally::default();
            tally.add_all(rows);
            tally.sum()
        };
        assert_eq!(sum(&back), sum(&rows));
    }
    // Days have partitions of their own, so that they go at once.
    assert_eq!(cluster.execute(&url, "SELECT count(*) FROM event_default"), "0");
    drop(target);
    cluster.drop_database(&url);
}

#[tokio::test]
async fn every_column_that_the_two_stores_share_moves() {
    let Some(cluster) = Cluster::shared() else { return };
    let url = cluster.create_database();
    migrate(config(&url), entropy()).await.unwrap();
    let found = cluster.execute(
        &url,
        "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns AS c JOIN pg_class AS t ON t.relname = c.table_name
         WHERE c.table_schema = 'public' AND t.relkind IN ('r', 'p') AND NOT t.relispartition",
    );
    // What nodes keep of one another has no like in a store that is alone.
    let of_nodes = ["_sqlx_migrations", "node", "shard", "handoff", "parked", "revision", "audit_end"];
    let found: BTreeSet<String> = found
        .lines()
        .filter(|line| !of_nodes.contains(&line.split('|').next().unwrap()) && *line != "attempt|node_id|bigint")
        .map(str::to_owned)
        .collect();
    let word = |kind: &Kind| match kind {
        Kind::Number => "bigint",
        Kind::Text => "text",
        Kind::Bytes => "bytea",
    };
    let moves = |table: &'static Table| {
        table.columns.iter().map(move |(column, kind)| format!("{}|{column}|{}", table.name, word(kind)))
    };
    assert_eq!(TABLES.iter().flat_map(moves).collect::<BTreeSet<_>>(), found);
    cluster.drop_database(&url);
}

#[tokio::test]
async fn a_database_takes_one_source_and_no_gateway_until_all_has_arrived() {
    let Some(cluster) = Cluster::shared() else { return };
    let url = cluster.create_database();
    let mut first = target(&url, b"one").await.unwrap();
    first.put(table("event"), &[row(table("event"), 1, true)]).await.unwrap();
    first
        .put(
            table("audit"),
            &[{
                let mut entry = row(table("audit"), 2, true);
                *entry.last_mut().unwrap() = Cell::Bytes(vec![9; 32]);
                entry
            }],
        )
        .await
        .unwrap();
    let said = target(&url, b"one").await.map(drop).unwrap_err().to_string();
    assert!(said.ends_with("is being filled by another process"), "{said}");
    drop(first);
    // The server has noticed that its client is gone.
    let second = async {
        loop {
            match target(&url, b"one").await {
                Err(StoreError::Unsuitable(why)) if why.ends_with("another process") => tokio::task::yield_now().await,
                other => break other.unwrap(),
            }
        }
    };
    let mut second = tokio::time::timeout(std::time::Duration::from_secs(30), second).await.unwrap();
    assert_eq!(second.last(table("event")).await.unwrap(), Some(vec![Cell::Number(ID + 1)]));
    let clock = || Arc::new(ManualClock::at(1_750_000_000_000));
    let half = PostgresStore::open(config(&url), clock(), entropy()).await.unwrap_err().to_string();
    assert!(half.contains("is not filled yet: run `hookwright migrate --to` again"), "{half}");
    second.complete().await.unwrap();
    assert!(matches!(PostgresTarget::open(config(&url), entropy(), b"one").await.unwrap(), Arrival::Complete));
    let other = target(&url, b"two").await.map(drop).unwrap_err().to_string();
    assert!(other.contains("holds records already (table "), "{other}");
    // It goes on from what the records say.
    assert_eq!(
        cluster.execute(&url, "SELECT id, hash = decode(repeat('09', 32), 'hex') FROM audit_end"),
        format!("{}|t", ID + 2)
    );
    let store = PostgresStore::open(config(&url), clock(), entropy()).await.unwrap();
    assert!(store.ids().lock().next(0) > ID + 2);
    let used = target(&url, b"two").await.map(drop).unwrap_err().to_string();
    assert!(used.contains("holds records already"), "{used}");
    store.close().await.unwrap();
    cluster.drop_database(&url);
}

#[tokio::test]
async fn a_database_that_nodes_use_is_left_alone() {
    let Some(cluster) = Cluster::shared() else { return };
    let url = cluster.create_database();
    let store =
        PostgresStore::open(config(&url), Arc::new(ManualClock::at(1_750_000_000_000)), entropy()).await.unwrap();
    let said = target(&url, b"one").await.map(drop).unwrap_err().to_string();
    assert!(said.ends_with("is in use (living nodes: 1): stop them first"), "{said}");
    store.close().await.unwrap();
    let filled = target(&url, b"one").await.unwrap();
    drop(filled);
    let said = PostgresTarget::open(config(&url), entropy(), b"two").await.map(drop).unwrap_err().to_string();
    assert!(
        said.ends_with("is being filled from another database: name an empty one")
            || said.ends_with("by another process"),
        "{said}"
    );
    cluster.drop_database(&url);
}

#[tokio::test]
async fn text_that_postgresql_does_not_take_is_told_by_its_table() {
    let Some(cluster) = Cluster::shared() else { return };
    let url = cluster.create_database();
    let mut target = target(&url, b"one").await.unwrap();
    let rows = [vec![Cell::Text("a\0b".to_owned()), Cell::Text("d".to_owned())]];
    let said = target.put(table("plugin_file"), &rows).await.unwrap_err().to_string();
    assert!(said.starts_with("a record of table plugin_file cannot be kept in PostgreSQL: "), "{said}");
    drop(target);
    cluster.drop_database(&url);
}
