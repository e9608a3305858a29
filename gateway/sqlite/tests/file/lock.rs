//! One process, one store to a file.

use crate::place::Place;
use hookwright_store::{Intake, Journal, StoreError};

#[tokio::test]
async fn a_second_store_on_the_file_is_refused_and_told_which_file() {
    let place = Place::new();
    let store = place.open().await;
    let error = place.open_with_key([1; 32]).await.unwrap_err();
    let StoreError::Unsuitable(sentence) = &error else { panic!("{error}") };
    assert!(sentence.contains("in use by another process"), "{sentence}");
    assert!(sentence.contains(&place.path().display().to_string()), "{sentence}");
    store.close().await.unwrap();
    place.open().await.close().await.unwrap();
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let place = Place::new();
    let store = place.open().await;
    store.close().await.unwrap();
    store.close().await.unwrap();
    let error = store.submit(crate::place::publishing("{}")).await.unwrap_err();
    assert!(matches!(error, StoreError::Closed), "{error}");
    assert!(store.ready().await.is_err());
}

#[tokio::test]
async fn closing_leaves_one_file_with_everything_in_it() {
    let place = Place::new();
    let store = place.open().await;
    store.submit(crate::place::publishing("{}")).await.unwrap();
    store.close().await.unwrap();
    let wal = place.path().with_extension("db-wal");
    assert!(!wal.exists() || std::fs::metadata(wal).unwrap().len() == 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_database_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let store = place.open().await;
    store.submit(crate::place::publishing("{}")).await.unwrap();
    for suffix in ["db", "db-wal", "db-shm"] {
        let file = std::fs::metadata(place.path().with_extension(suffix)).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600, "{suffix}");
    }
    store.close().await.unwrap();
}
