//! A node that is gone, or cut off, and what the others do.

use crate::circle::{Circle, PATIENCE, handed, served, until};
use hookwright_core::id::SubscriptionId;
use hookwright_store::contract::Factory;
use hookwright_store::contract::subscriber::subscribe;
use hookwright_store::contract::trial::Trial;
use std::time::Duration;
use tokio::time::{Instant, timeout};

const LEASE: Duration = Duration::from_secs(4);

/// What a node that was killed owned is taken over when its lease is over, and not before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_node_owned_is_taken_over_when_its_lease_is_over() {
    let Some(circle) = Circle::new(LEASE) else { return };
    // A node that nothing is heard of any more: it has everything, and died a moment ago.
    let first = circle.node();
    let one = Trial::begin(&first).await;
    let mut ids: Vec<SubscriptionId> = Vec::new();
    for _ in 0..10 {
        ids.push(subscribe(&one, &["*"]).await.id);
    }
    one.publish("order.placed", "{}").await;
    first.close().await;
    circle.ask("INSERT INTO node (id, run, name, version, schema, started_at, lease_until) VALUES (77, 'dead', 'dead', '', 1, 0, now_ms() + 4000)");
    circle.ask("UPDATE shard SET node_id = 77");
    let began = Instant::now();
    let second = circle.node();
    let two = Trial::begin(&second).await;
    assert_eq!(served(&two, &ids), 0);
    assert!(two.pending().await.is_empty(), "what is another's is not shown");
    until("everything is taken over", || served(&two, &ids) == 10).await;
    assert!(began.elapsed() >= Duration::from_millis(3_900), "not before the lease is over: {:?}", began.elapsed());
    assert!(began.elapsed() < LEASE + Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(two.pending().await.len(), 10, "what was left is found in the table");
    second.close().await;
}

/// A node that the database does not hear of stops sending before its lease is over; it goes on when it is heard of again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_not_heard_of_fences_itself() {
    let Some(circle) = Circle::new(LEASE) else { return };
    let first = circle.node();
    let one = Trial::begin(&first).await;
    let subscription = subscribe(&one, &["*"]).await;
    assert!(one.store.permit(subscription.id).is_some());
    one.store.ready().await.unwrap();
    // Its row is locked: no lease can be renewed.
    let lock = std::thread::spawn({
        let (cluster, url) = (circle.cluster, circle.url.clone());
        move || cluster.execute(&url, "BEGIN; SELECT 1 FROM node FOR UPDATE; SELECT pg_sleep(6); COMMIT")
    });
    let revoked = async {
        loop {
            if one.store.fresh().await.revoked {
                return;
            }
        }
    };
    let began = Instant::now();
    timeout(PATIENCE, revoked).await.expect("what is under way is cut short");
    assert!(began.elapsed() < LEASE, "before the lease is over: {:?}", began.elapsed());
    assert!(one.store.permit(subscription.id).is_none() && one.store.served().is_empty());
    assert!(!one.store.leads());
    one.store.ready().await.unwrap_err();
    lock.join().unwrap();
    until("it serves again", || one.store.permit(subscription.id).is_some()).await;
    // What was committed meanwhile is handed over or in the table.
    one.publish("order.placed", "{}").await;
    assert_eq!(handed(&one, 1).await.len(), 1);
    first.close().await;
}
