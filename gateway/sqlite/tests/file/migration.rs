//! Whose file it is, and of which version.

use crate::place::{Place, entropy};
use hookwright_core::seal::Keyring;
use hookwright_sqlite::{SqliteConfig, migrate};
use hookwright_store::StoreError;

fn sentence(error: StoreError) -> String {
    match error {
        StoreError::Unsuitable(sentence) => sentence,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let place = Place::new();
    place.open().await.close().await.unwrap();
    place
        .execute("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'x', 1, x'00', 0)")
        .await;
    let before = std::fs::read(place.path()).unwrap();
    let sentence = sentence(place.open_with_key([1; 32]).await.unwrap_err());
    assert!(sentence.contains("newer version") && sentence.contains("99"), "{sentence}");
    assert!(std::fs::read(place.path()).unwrap() == before, "the file was changed");
}

#[tokio::test]
async fn anothers_database_is_left_alone() {
    let place = Place::new();
    std::fs::write(place.path(), b"").unwrap();
    place.execute("CREATE TABLE theirs (x)").await;
    let before = std::fs::read(place.path()).unwrap();
    let sentence = sentence(place.open_with_key([1; 32]).await.unwrap_err());
    assert!(sentence.contains("another program"), "{sentence}");
    assert!(std::fs::read(place.path()).unwrap() == before, "the file was changed");
}

#[tokio::test]
async fn what_is_no_database_is_left_alone() {
    let place = Place::new();
    let text = b"# my notes\n".repeat(1_000);
    std::fs::write(place.path(), &text).unwrap();
    let sentence = sentence(place.open_with_key([1; 32]).await.unwrap_err());
    assert!(sentence.contains("no SQLite database"), "{sentence}");
    assert!(std::fs::read(place.path()).unwrap() == text, "the file was changed");
}

#[tokio::test]
async fn migrating_tells_its_steps_once() {
    let place = Place::new();
    let config = || SqliteConfig::new(place.path(), Keyring::from_keys(&[1; 32], &[]));
    assert_eq!(
        migrate(config(), entropy()).await.unwrap(),
        ["1 first", "2 plugin pointers", "3 delivery engine", "4 partners"]
    );
    assert_eq!(migrate(config(), entropy()).await.unwrap(), Vec::<String>::new());
    place.open().await.close().await.unwrap();
}
