//! The SQLite that is linked in.

use crate::place::Place;
use hookwright_sqlite::{SQLITE_VERSION_MIN, check_version};

#[tokio::test]
async fn the_linked_sqlite_is_new_enough() {
    let place = Place::new();
    place.open().await.close().await.unwrap();
    let mut connection = place.connect().await;
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut connection).await.unwrap();
    check_version(&version).unwrap();
    assert_eq!(SQLITE_VERSION_MIN, (3, 51, 3));
}

#[tokio::test]
async fn durability_is_full_and_every_table_is_strict() {
    let place = Place::new();
    let store = place.open().await;
    let mut connection = place.connect().await;
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await.unwrap();
    assert_eq!(mode, "wal");
    let loose: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM pragma_table_list
         WHERE type = 'table' AND strict = 0 AND schema = 'main' AND name NOT LIKE 'sqlite_%' AND name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(loose, Vec::<String>::new());
    let wrong = sqlx::query("INSERT INTO resumable (message_id) VALUES ('seven')").execute(&mut connection).await;
    assert!(wrong.is_err(), "a text was taken for a number");
    store.close().await.unwrap();
}
