//! A wrong key is refused before anything is written.

use crate::place::{Place, publishing};
use hookwright_core::seal::Keyring;
use hookwright_store::{Intake, StoreError};

#[tokio::test]
async fn a_wrong_key_is_refused_by_name_and_the_file_stays_as_it_is() {
    let place = Place::new();
    let store = place.open().await;
    store.submit(publishing("{}")).await.unwrap();
    store.close().await.unwrap();
    let before = std::fs::read(place.path()).unwrap();

    let error = place.open_with_key([2; 32]).await.unwrap_err();
    let StoreError::Unsuitable(sentence) = &error else { panic!("{error}") };
    let right = Keyring::from_keys(&[1; 32], &[]).active().to_string();
    let wrong = Keyring::from_keys(&[2; 32], &[]).active().to_string();
    assert!(sentence.contains(&right) && sentence.contains(&wrong), "{sentence}");
    assert!(std::fs::read(place.path()).unwrap() == before, "the file was changed");

    place.open().await.close().await.unwrap();
}

#[tokio::test]
async fn a_changed_key_check_is_refused() {
    let place = Place::new();
    place.open().await.close().await.unwrap();
    place.execute("UPDATE meta SET value = zeroblob(60) WHERE name = 'key_check'").await;
    let error = place.open_with_key([1; 32]).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unsuitable(sentence) if sentence.contains("was changed")), "{error}");
}
