//! Nodes come, share what there is to do, and hand to each other what is another's.

use crate::circle::{Circle, PATIENCE, handed, served, until};
use hookwright_core::delivery_options::{DeliveryOptions, Ordering};
use hookwright_core::id::{DeliveryId, SubscriptionId};
use hookwright_core::intake::{Publish, Work};
use hookwright_store::contract::Factory;
use hookwright_store::contract::operator::{change, publication, publish};
use hookwright_store::contract::subscriber::{draft, subscribe};
use hookwright_store::contract::trial::Trial;
use std::time::Duration;
use tokio::time::{Instant, timeout};

const LEASE: Duration = Duration::from_secs(10);

/// Waits until two nodes share the work, and what belongs to whom does not change any more.
async fn balanced(circle: &Circle) {
    let shares = "SELECT count(*), min(n), max(n) FROM (SELECT count(*) AS n FROM shard WHERE node_id IS NOT NULL GROUP BY node_id) AS c";
    until("both nodes own half", || circle.ask(shares) == "2|512|512").await;
}

/// The one of two nodes that serves a subscription, and the other one.
async fn owner_of<'t, 'f>(
    id: SubscriptionId,
    one: &'t Trial<'f>,
    two: &'t Trial<'f>,
) -> (&'t Trial<'f>, &'t Trial<'f>) {
    until("one of them serves it", || one.store.permit(id).is_some() != two.store.permit(id).is_some()).await;
    if one.store.permit(id).is_some() { (one, two) } else { (two, one) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_subscription_is_one_nodes_and_its_deliveries_reach_it() {
    let Some(circle) = Circle::new(LEASE) else { return };
    let (first, second) = (circle.node(), circle.node());
    let one = Trial::begin(&first).await;
    let mut ids: Vec<SubscriptionId> = Vec::new();
    for _ in 0..40 {
        ids.push(subscribe(&one, &["*"]).await.id);
    }
    assert_eq!(served(&one, &ids), 40, "one that is alone serves all");
    let two = Trial::begin(&second).await;
    assert_ne!(first.number(), second.number());
    until("both serve some, and together all", || {
        let (one, two) = (served(&one, &ids), served(&two, &ids));
        one > 5 && two > 5 && one + two == 40
    })
    .await;
    assert_eq!(
        circle.ask("SELECT min(n), max(n) FROM (SELECT count(*) AS n FROM shard GROUP BY node_id) AS c"),
        "512|512"
    );
    let (mine, others) = (served(&one, &ids), served(&two, &ids));
    one.publish("order.placed", "{}").await;
    two.publish("order.paid", "{}").await;
    let began = Instant::now();
    let (here, there) = tokio::join!(handed(&one, mine * 2), handed(&two, others * 2));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(here.iter().all(|one_of| one.store.permit(one_of.subscription_id).is_some()));
    assert!(there.iter().all(|one_of| two.store.permit(one_of.subscription_id).is_some()));
    assert!(here.iter().all(|one_of| two.store.permit(one_of.subscription_id).is_none()));
    first.close().await;
    until("the one that is left serves all", || served(&two, &ids) == 40).await;
    second.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_in_one_after_the_other_is_in_that_order_whichever_nodes_it_came_by() {
    let Some(circle) = Circle::new(LEASE) else { return };
    let (first, second) = (circle.node(), circle.node());
    let one = Trial::begin(&first).await;
    let two = Trial::begin(&second).await;
    // Clocks that are five minutes apart.
    two.clock.advance(-300_000);
    let options = DeliveryOptions { ordering: Ordering::Key, ..DeliveryOptions::default() };
    let subscription = hookwright_core::subscription::Subscription { options, ..draft(&one, &["*"]) };
    let id = subscription.id;
    balanced(&circle).await;
    one.store.create_subscription(subscription, change(&one, "subscription.created", id)).await.unwrap();
    let keyed = || {
        let mut event = publication("order.placed", "{}");
        event.draft.ordering_key = Some("k".into());
        Work::Publish(Box::new(Publish { events: vec![event], ..publish("order.placed", "{}") }))
    };
    for number in 0..200 {
        let by = if number % 2 == 0 { &one } else { &two };
        by.submit(keyed()).await;
    }
    let (owner, _) = owner_of(id, &one, &two).await;
    let came = handed(owner, 200).await;
    let ids: Vec<DeliveryId> = came.iter().map(|one_of| one_of.id).collect();
    assert!(ids.is_sorted(), "they are handed over in order");
    // Ids are in the order of the commits, whatever the clocks say.
    let in_order = circle.ask("SELECT count(*) FROM (SELECT id, lag(created_at) OVER (ORDER BY id) AS before, created_at FROM event) AS e WHERE before = created_at");
    assert_eq!(in_order, "0", "every event came by another node than the one before it");
    first.close().await;
    second.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_asked_of_any_node_reaches_the_owner() {
    let Some(circle) = Circle::new(LEASE) else { return };
    let (first, second) = (circle.node(), circle.node());
    let one = Trial::begin(&first).await;
    let two = Trial::begin(&second).await;
    let subscription = subscribe(&one, &["*"]).await;
    balanced(&circle).await;
    let (owner, other) = owner_of(subscription.id, &one, &two).await;
    other.publish("order.placed", "{}").await;
    let pending = handed(owner, 1).await.remove(0);
    owner.store.abandon(pending.id, "gone".to_owned()).await.unwrap();
    other.store.retry(pending.id, change(other, "delivery.retry", pending.id)).await.unwrap();
    let again = timeout(PATIENCE, handed(owner, 1)).await.unwrap();
    assert_eq!(again[0].id, pending.id);
    first.close().await;
    second.close().await;
}

/// One subscription with a slow exchange under way keeps no other waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_retires_gives_each_subscription_away_when_it_is_quiet() {
    let Some(circle) = Circle::new(LEASE) else { return };
    let (first, second) = (circle.node(), circle.node());
    let one = Trial::begin(&first).await;
    let mut ids: Vec<SubscriptionId> = Vec::new();
    for _ in 0..20 {
        ids.push(subscribe(&one, &["*"]).await.id);
    }
    let busy = one.store.permit(ids[0]).expect("it is alone");
    let two = Trial::begin(&second).await;
    one.store.retire();
    until("all but one are the other's", || served(&two, &ids) >= 18).await;
    assert!(one.store.served().is_empty());
    assert!(two.store.permit(ids[0]).is_none(), "what is under way is waited for");
    drop(busy);
    until("all are the other's", || served(&two, &ids) == 20).await;
    // It still takes in what it is given.
    one.publish("order.placed", "{}").await;
    assert_eq!(handed(&two, 20).await.len(), 20);
    first.close().await;
    second.close().await;
}
