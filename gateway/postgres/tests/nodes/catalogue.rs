//! What one node changes of the catalogue holds on every node: at once for what is published, within a second in memory.

use crate::circle::{Circle, until};
use hookwright_store::contract::Factory;
use hookwright_store::contract::operator::change;
use hookwright_store::contract::subscriber::{subscribe, switch};
use hookwright_store::contract::trial::Trial;
use std::time::Duration;
use tokio::time::Instant;

const LEASE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_made_on_one_node_gets_what_is_published_on_another_at_once() {
    let Some(circle) = Circle::new(LEASE) else { return };
    let (first, second) = (circle.node(), circle.node());
    let one = Trial::begin(&first).await;
    let two = Trial::begin(&second).await;
    for round in 0..20 {
        let subscription = subscribe(&one, &["*"]).await;
        let event = two.store.event(two.publish("order.placed", "{}").await).await.unwrap().unwrap();
        assert_eq!(event.fan_out.len(), 1, "round {round}: it was there before");
        switch(&one, subscription.id, false).await;
        let event = two.store.event(two.publish("order.placed", "{}").await).await.unwrap().unwrap();
        assert_eq!(event.fan_out.len(), 0, "round {round}: it was off before");
    }
    first.close().await;
    second.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_follows_within_a_second() {
    let Some(circle) = Circle::new(LEASE) else { return };
    let (first, second) = (circle.node(), circle.node());
    let one = Trial::begin(&first).await;
    let two = Trial::begin(&second).await;
    for _ in 0..5 {
        let began = Instant::now();
        let subscription = subscribe(&one, &["*"]).await;
        until("the other has it in memory", || two.subscription(subscription.id).is_some()).await;
        let changed = tokio::time::timeout(Duration::from_secs(5), two.store.changed()).await;
        changed.expect("whoever follows is told");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        // A change by the other one does not build on what it had before.
        let off = switch(&two, subscription.id, false).await;
        until("the first has it in memory", || one.subscription(subscription.id).is_some_and(|is| !is.active)).await;
        assert_eq!(one.subscription(subscription.id).unwrap().version, off.version);
    }
    first.close().await;
    second.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_that_change_one_subscription_one_is_told_that_it_is_stale() {
    let Some(circle) = Circle::new(LEASE) else { return };
    let (first, second) = (circle.node(), circle.node());
    let one = Trial::begin(&first).await;
    let two = Trial::begin(&second).await;
    let subscription = subscribe(&one, &["*"]).await;
    let write = async |node: &Trial<'_>, name: &str| {
        let changed = hookwright_core::subscription::Subscription { name: name.to_owned(), ..(*subscription).clone() };
        let change = change(node, "subscription.updated", subscription.id);
        node.store.update_subscription(changed, subscription.version, change).await
    };
    let (a, b) = tokio::join!(write(&one, "a"), write(&two, "b"));
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    // The audit is one chain all the same.
    for _ in 0..10 {
        let put = |node| subscribe(node, &["a.b"]);
        tokio::join!(put(&one), put(&two));
    }
    let mut audit = one.audit().await;
    audit.reverse();
    assert!(audit.len() >= 22);
    assert!(audit.windows(2).all(|pair| pair[1].previous == pair[0].hash && pair[1].id > pair[0].id));
    assert!(audit.iter().all(hookwright_core::audit::is_intact));
    first.close().await;
    second.close().await;
}
