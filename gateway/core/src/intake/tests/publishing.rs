//! Publications, and the keys that make them happen once.

use super::world::World;
use super::*;
use crate::idempotency::{Claim, Claimed, hash};
use crate::intake::{Published, PublishedEvent};

fn fresh(published: Published) -> serde_json::Value {
    let Published::Whole(Claimed::Fresh(answer)) = published else { panic!("a fresh publication: {published:?}") };
    assert_eq!(answer.status, 202);
    serde_json::from_slice(&answer.body).unwrap()
}

fn order(key: Option<&str>, number: u32) -> Publication {
    publication("order.placed", &format!(r#"{{"order_id":{number}}}"#), key)
}

#[test]
fn an_event_goes_to_whoever_wants_it_once() {
    let mut world = World::new();
    let mut paused = (*subscription(5, &["*"])).clone();
    paused.active = false;
    world.subscriptions = vec![
        subscription(1, &["order.placed"]),
        subscription(2, &["order.*", "*", "order.placed"]),
        subscription(3, &["*"]),
        subscription(4, &["customer.*", "order.paid"]),
        Arc::new(paused),
    ];
    let told = fresh(world.publish(publish(vec![order(None, 1)])));
    assert_eq!((told["deliveries"].as_u64(), told["duplicate"].as_bool()), (Some(3), Some(false)));
    let to: Vec<_> = world.deliveries.iter().map(|delivery| delivery.subscription_id.get()).collect();
    assert_eq!(to, [1, 2, 3]);
    let event = &world.events[0];
    assert_eq!(
        event.fan_out.iter().map(|out| out.delivery_id).collect::<Vec<_>>(),
        world.deliveries.iter().map(|d| d.id).collect::<Vec<_>>()
    );
    assert!(world.deliveries.iter().all(|delivery| delivery.due_at == NOW && delivery.attempts == 0));
}

#[test]
fn an_event_that_nobody_wants_is_kept() {
    let mut world = World::new();
    assert_eq!(fresh(world.publish(publish(vec![order(None, 1)])))["deliveries"], 0);
    assert_eq!(world.events.len(), 1);
}

#[test]
fn a_list_is_answered_as_a_list_in_its_order() {
    let mut world = World::new();
    let told = fresh(world.publish(publish(vec![order(None, 1), order(None, 2)])));
    let ids: Vec<_> =
        told["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, world.events.iter().map(|event| event.id.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_requests_key_publishes_once_and_clashes_with_another_body() {
    let mut world = World::new();
    let request = |body: &[u8]| {
        let claim = Claim { key: hash(&[b"k"]), body_hash: hash(&[body]) };
        Publish { claim: Some(claim), ..publish(vec![order(None, 1)]) }
    };
    let first = fresh(world.publish(request(b"one")));
    let Published::Whole(Claimed::Replayed(answer)) = world.publish(request(b"one")) else { panic!("a replay") };
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap(), first);
    assert!(matches!(world.publish(request(b"two")), Published::Whole(Claimed::Mismatch)));
    assert_eq!(world.events.len(), 1);
}

#[test]
fn an_events_own_key_holds_across_requests_and_within_a_list() {
    let mut world = World::new();
    let first = fresh(world.publish(publish(vec![order(Some("a"), 1)])));
    let list = fresh(world.publish(publish(vec![order(Some("a"), 1), order(Some("b"), 2), order(Some("b"), 2)])));
    let rows: Vec<PublishedEvent> = serde_json::from_value(list["data"].clone()).unwrap();
    assert_eq!(rows[0].id.to_string(), first["id"].as_str().unwrap());
    assert_eq!(rows.iter().map(|row| row.duplicate).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(rows[1].id, rows[2].id);
    assert_eq!(world.events.len(), 2);
}

#[test]
fn a_clash_of_one_events_key_publishes_nothing_of_the_list() {
    let mut world = World::new();
    world.publish(publish(vec![order(Some("a"), 1)]));
    for (list, index) in [
        (vec![order(None, 5), order(Some("a"), 2)], 1),
        (vec![order(Some("c"), 3), order(None, 4), order(Some("c"), 5)], 2),
    ] {
        let Published::KeyOfEvent(at) = world.publish(publish(list)) else { panic!("a clash") };
        assert_eq!(at, index);
    }
    assert_eq!(world.events.len(), 1);
}

#[test]
fn two_requests_with_one_key_in_one_batch_publish_once() {
    let mut world = World::new();
    let request = || {
        let claim = Claim { key: hash(&[b"k"]), body_hash: hash(&[b"one"]) };
        Work::Publish(Box::new(Publish { claim: Some(claim), ..publish(vec![order(None, 1)]) }))
    };
    world.batch(&[request(), request()]);
    assert_eq!(world.events.len(), 1);
}

#[test]
fn a_repeated_customer_event_changes_the_customer_once() {
    let mut world = World::new();
    let event =
        || publication("customer.created", r#"{"customer_id":"c","address":{"state":"TX","country":"US"}}"#, Some("k"));
    world.publish(publish(vec![event()]));
    world.one(put("c", "NM", "87501"));
    world.publish(publish(vec![event()]));
    assert_eq!(world.customers["c"].region.unwrap().to_string(), "US-NM");
}

#[test]
fn what_is_addressed_goes_to_that_subscription_whatever_it_wants() {
    let mut world = World::new();
    world.subscriptions = vec![subscription(1, &["*"]), subscription(2, &["customer.*"])];
    let addressed = |number: i64, id: i64| Publication {
        only: Some(SubscriptionId::from_i64(id).unwrap()),
        ..order(None, u32::try_from(number).unwrap())
    };
    let told = fresh(world.publish(publish(vec![addressed(1, 2), addressed(2, 9), order(None, 3)])));
    let to = |at: usize| {
        let event: &Arc<event::Event> = &world.events[at];
        event.fan_out.iter().map(|out| out.subscription_id.get()).collect::<Vec<_>>()
    };
    assert_eq!((to(0), to(1), to(2)), (vec![2], vec![], vec![1]));
    assert_eq!(told["data"][1]["deliveries"], 0);
}
