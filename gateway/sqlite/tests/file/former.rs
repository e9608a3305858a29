//! A file of a former version: its records are moved into the present schema, and none is lost.

use crate::place::{Place, START_MS, change, entropy};
use hookwright_core::id::PluginId;
use hookwright_core::idempotency::Claimed;
use hookwright_core::plugin::{Activation, Cause, PluginPolicy, PluginRecord, PluginVersionRecord};
use hookwright_core::seal::Keyring;
use hookwright_sqlite::{SqliteConfig, SqliteStore, migrate};
use hookwright_store::{Catalog, PageRequest, PluginWrite};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection};
use std::path::Path;

const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sqlx-data/sqlite/migrations");

/// As the first version wrote them: `emr` has three versions and serves the one in the middle, `klaviyo` and `mailchimp` share a component, and of `lost` the record of
/// the version that serves is gone.
const ROWS: &str = "
    INSERT INTO plugin (id, name, active, updated_at) VALUES
        (8001, 'emr', 'b2', 1700000000001), (8002, 'klaviyo', 'd4', 1700000000002),
        (8003, 'mailchimp', 'd4', 1700000000003), (8004, 'lost', 'e5', 1700000000004);
    INSERT INTO plugin_version (id, plugin, digest, world, version, description, size, created_at, created_by) VALUES
        (8011, 'emr', 'a1', 'inbound', NULL, NULL, 3, 1690000000001, 'local'),
        (8012, 'emr', 'b2', 'inbound', '1.0.0', 'müde', 3, 1690000000002, 'key:key_1'),
        (8013, 'emr', 'c3', 'inbound', '2.0.0', NULL, 5, 1690000000003, 'local'),
        (8014, 'klaviyo', 'd4', 'outbound', '3.0.0', 'shared', 6, 1690000000004, 'local'),
        (8015, 'mailchimp', 'd4', 'outbound', '3.0.0', 'shared', 6, 1690000000005, 'key:key_2');
    INSERT INTO component (digest, bytes) VALUES
        ('a1', CAST('one' AS BLOB)), ('b2', x'00ff00'), ('c3', CAST('three' AS BLOB)), ('d4', CAST('shared' AS BLOB));";

/// Everything of the two tables that keep what was pushed, in the columns that the first schema had.
const KEPT: &str = "
    SELECT json_array(id, plugin, digest, world, version, description, size, created_at, created_by) FROM plugin_version
    UNION ALL SELECT json_array(digest, hex(bytes)) FROM component ORDER BY 1";

/// Makes the file with nothing but the first migration.
async fn first_schema(place: &Place) -> SqliteConnection {
    let mut connection = SqliteConnectOptions::new()
        .filename(place.path())
        .create_if_missing(true)
        .page_size(8192)
        .journal_mode(SqliteJournalMode::Wal)
        .pragma("application_id", 0x486f_6f6b.to_string())
        .connect()
        .await
        .unwrap();
    let all = Migrator::new(Path::new(MIGRATIONS)).await.unwrap();
    let first: Vec<_> = all.iter().filter(|step| step.version == 1).cloned().collect();
    assert_eq!(first.len(), 1);
    Migrator::with_migrations(first).run_direct(None, &mut connection, false).await.unwrap();
    connection
}

async fn texts(connection: &mut SqliteConnection, query: &'static str) -> Vec<String> {
    sqlx::query_scalar(query).fetch_all(connection).await.unwrap()
}

/// A record as it must be after the move.
fn moved(id: i64, name: &str, world: &str, active: &str, updated_at: i64) -> PluginRecord {
    PluginRecord {
        id: PluginId::from_i64(id).unwrap(),
        name: name.to_owned(),
        world: world.to_owned(),
        active: Some(active.to_owned()),
        canary: None,
        policy: PluginPolicy::default(),
        updated_at,
        revision: 1,
    }
}

async fn history(store: &SqliteStore, plugin: &str) -> Vec<Activation> {
    store.plugin_history(plugin.to_owned(), 10).await.unwrap()
}

#[tokio::test]
async fn plugins_of_the_first_schema_are_moved_whole() {
    let place = Place::new();
    let mut connection = first_schema(&place).await;
    sqlx::raw_sql(ROWS).execute(&mut connection).await.unwrap();
    let kept = texts(&mut connection, KEPT).await;
    assert_eq!(kept.len(), 9);
    connection.close().await.unwrap();

    let store = place.open().await;
    let records = [
        moved(8001, "emr", "inbound", "b2", 1_700_000_000_001),
        moved(8002, "klaviyo", "outbound", "d4", 1_700_000_000_002),
        // Nothing says any more of which world it is.
        moved(8004, "lost", "inbound", "e5", 1_700_000_000_004),
        moved(8003, "mailchimp", "outbound", "d4", 1_700_000_000_003),
    ];
    assert_eq!(store.plugins().await.unwrap(), records);
    for record in &records {
        let one = Activation {
            digest: record.active.clone().unwrap(),
            previous: None,
            cause: Cause::Push,
            at: record.updated_at,
            by: "system".to_owned(),
        };
        assert_eq!(history(&store, &record.name).await, [one], "{}", record.name);
        assert!(store.plugin_quarantine(record.name.clone()).await.unwrap().is_empty());
    }
    let page = PageRequest { before: None, limit: 10 };
    let versions = store.plugin_versions("emr".to_owned(), page).await.unwrap().rows;
    assert_eq!(versions.iter().map(|one| one.digest.as_str()).collect::<Vec<_>>(), ["c3", "b2", "a1"]);
    let middle = PluginVersionRecord {
        digest: "b2".to_owned(),
        plugin: "emr".to_owned(),
        world: "inbound".to_owned(),
        contract: "0.1.0".to_owned(),
        version: Some("1.0.0".to_owned()),
        description: Some("müde".to_owned()),
        size: 3,
        fixtures: 0,
        created_at: 1_690_000_000_002,
        created_by: "key:key_1".to_owned(),
        quarantine: None,
    };
    assert_eq!(versions[1], middle);
    assert_eq!(store.plugin_component("b2".to_owned()).await.unwrap(), Some(vec![0, 0xff, 0]));
    assert!(
        store.plugin_files().await.unwrap().is_empty() && store.plugin_quarantines_untold(10).await.unwrap().is_empty()
    );
    store.close().await.unwrap();

    let mut connection = place.connect().await;
    assert_eq!(texts(&mut connection, KEPT).await, kept, "what was pushed is as it was");
    assert_eq!(texts(&mut connection, "PRAGMA integrity_check").await, ["ok"]);
    let loose = "SELECT name FROM pragma_table_list WHERE type = 'table' AND strict = 0 AND name LIKE '%plugin%'";
    assert_eq!(texts(&mut connection, loose).await, Vec::<String>::new());
    connection.close().await.unwrap();
}

#[tokio::test]
async fn moved_plugins_go_on_from_where_they_were() {
    let place = Place::new();
    let mut connection = first_schema(&place).await;
    sqlx::raw_sql(ROWS).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let config = SqliteConfig::new(place.path(), Keyring::from_keys(&[1; 32], &[]));
    assert_eq!(migrate(config, entropy()).await.unwrap(), ["2 plugin pointers", "3 delivery engine", "4 partners"]);

    let store = place.open().await;
    let read = store.plugins().await.unwrap().remove(0);
    let activation = Activation {
        digest: "c3".to_owned(),
        previous: read.active.clone(),
        cause: Cause::Activate,
        at: START_MS,
        by: "local".to_owned(),
    };
    let write = PluginWrite {
        expected: read.revision,
        plugin: PluginRecord { active: Some("c3".to_owned()), ..read.clone() },
        version: None,
        activation: Some(activation.clone()),
        quarantine: None,
        file: None,
    };
    let written = store.write_plugin(write, change("plugin.activated")).await.unwrap();
    let Claimed::Fresh(written) = written else { panic!("no claim, no replay") };
    assert_eq!((written.id, written.revision, written.active.as_deref()), (read.id, 2, Some("c3")));
    let history = history(&store, "emr").await;
    assert_eq!((history.len(), &history[0], history[1].digest.as_str()), (2, &activation, "b2"));
    store.close().await.unwrap();
}
