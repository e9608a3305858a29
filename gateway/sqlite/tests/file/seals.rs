//! Content is sealed at rest: no body, name, address, secret or answer can be found in the files.

use crate::place::{MARKER, Place, attempt, bring_source, change, publishing, putting, receiving, subscribe};
use hookwright_core::delivery::Next;
use hookwright_core::idempotency::{Claim, StoredAnswer};
use hookwright_store::{Catalog, EventFilter, Intake, Journal, Outbox};

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn nothing_that_was_said_in_confidence_is_in_the_files() {
    let place = Place::new();
    let store = place.open().await;
    subscribe(&store).await;
    let source = bring_source(&store).await;
    store.submit(receiving(&store, &source)).await.unwrap();
    store.submit(putting()).await.unwrap();
    store.submit(publishing(&format!(r#"{{"name":"{MARKER}"}}"#))).await.unwrap();
    let pending = store.fresh().await.deliveries;
    let first = pending.last().unwrap();
    store.finish(attempt(&store, first, Next::Retry { due_at: 9 })).await.unwrap();
    let claim = Claim { key: [7; 32], body_hash: [8; 32] };
    let answer = StoredAnswer { status: 201, body: MARKER.into() };
    store.retry(first.id, hookwright_store::Change { claim: Some((claim, answer)), ..change("retry") }).await.unwrap();

    let wal_too = place.bytes();
    for secret in [MARKER, "0123456789abcdef0123456789abcdef", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"] {
        assert!(!contains(&wal_too, secret), "{secret} is in the database or its log");
    }
    // What the test looks for would be found if it were there.
    assert!(contains(&wal_too, "cus_1") && contains(&wal_too, "order.placed"));

    store.close().await.unwrap();
    assert!(!contains(&place.bytes(), MARKER));
    let store = place.open().await;
    let (_, attempts) = store.delivery(first.id).await.unwrap().unwrap();
    assert_eq!(attempts[0].response_body, MARKER.as_bytes());
    assert_eq!(store.customer("cus_1".to_owned()).await.unwrap().unwrap().name.unwrap(), MARKER);
    assert_eq!(store.sources()[0].secrets[0].secret.reveal(), MARKER);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_sealed_record_does_not_open_in_another_row() {
    let place = Place::new();
    let store = place.open().await;
    store.submit(publishing("1")).await.unwrap();
    store.submit(publishing("2")).await.unwrap();
    store.close().await.unwrap();
    place.execute("UPDATE event SET data = (SELECT data FROM event ORDER BY id LIMIT 1)").await;
    let store = place.open().await;
    let rows = store
        .events(EventFilter::default(), hookwright_store::PageRequest { before: None, limit: 9 })
        .await
        .unwrap()
        .rows;
    assert!(store.event(rows[1].id).await.is_ok());
    let error = store.event(rows[0].id).await.unwrap_err();
    assert!(matches!(error, hookwright_store::StoreError::Sealed { table: "event", .. }), "{error}");
    store.close().await.unwrap();
}
