//! What becomes of a message when it arrives, and of its repeats.

use super::world::World;
use super::*;
use crate::message::{MessageStatus, Reason};

#[test]
fn a_repeat_is_known_by_the_transports_id() {
    let mut world = World::with_texan();
    let first = world.receive(receive(1, accepted(vec![completed("cus_xyz")])));
    let again = world
        .receive(Receive { transport_id: Some("t1".to_owned()), ..receive(2, accepted(vec![completed("cus_xyz")])) });
    assert_eq!((again.message_id, again.events.clone(), again.duplicate), (first.message_id, first.events, true));
    assert_eq!((world.messages.len(), world.events.len()), (1, 1));
    assert!(world.audit.contains(&"message.duplicate".to_owned()));
}

#[test]
fn a_repeat_is_known_by_the_partners_own_id_under_another_transports_id() {
    let mut world = World::with_texan();
    world.receive(receive(1, accepted_as("p1", vec![completed("cus_xyz")])));
    assert!(world.receive(receive(2, accepted_as("p1", vec![completed("cus_xyz")]))).duplicate);
    assert!(!world.receive(receive(3, accepted_as("p2", vec![completed_at("cus_xyz", COMPLETED + 1)]))).duplicate);
}

#[test]
fn content_tells_repeats_only_where_there_is_no_id() {
    let mut world = World::with_texan();
    let bare = |number, body: &str| {
        let mut receive = receive(number, accepted(vec![appointment("cus_xyz", "scheduled")]));
        receive.transport_id = None;
        receive.raw.body = body.as_bytes().to_vec();
        receive
    };
    assert!(!world.receive(bare(1, "a")).duplicate);
    assert!(world.receive(bare(2, "a")).duplicate);
    assert!(!world.receive(bare(3, "b")).duplicate);
    let mut elsewhere = bare(4, "a");
    elsewhere.raw.hook = "other".to_owned();
    assert!(!world.receive(elsewhere).duplicate);
    // With ids of their own, two messages of the same content are two messages.
    let mut named = bare(5, "a");
    named.transport_id = Some("t5".to_owned());
    assert!(!world.receive(named).duplicate);
}

#[test]
fn sources_do_not_share_ids() {
    let mut world = World::with_texan();
    world.receive(receive(1, accepted(vec![completed("cus_xyz")])));
    let mut other = receive(2, accepted(vec![appointment("cus_xyz", "scheduled")]));
    other.transport_id = Some("t1".to_owned());
    other.raw.source_id = SourceId::from_i64(2).unwrap();
    assert!(!world.receive(other).duplicate);
}

#[test]
fn a_repeat_within_one_batch_has_no_second_effect() {
    let mut world = World::with_texan();
    let work = |number| {
        let receive =
            Receive { transport_id: Some("t".to_owned()), ..receive(number, accepted(vec![completed("cus_xyz")])) };
        Work::Receive(Box::new(receive))
    };
    let answers = world.batch(&[work(1), work(2)]);
    let [crate::intake::Answer::Received(first), crate::intake::Answer::Received(second)] = answers.as_slice() else {
        panic!("two receptions")
    };
    assert_eq!((first.duplicate, second.duplicate), (false, true));
    assert_eq!(first.message_id, second.message_id);
    assert_eq!((world.messages.len(), world.events.len()), (1, 1));
}

#[test]
fn what_is_refused_is_kept_and_may_come_again() {
    let mut world = World::with_texan();
    let reason = Reason::new("malformed", "expected a text").at("/patient/id");
    let refused = world.receive(receive(1, Parsed::Refused(reason.clone())));
    assert_eq!((refused.status, refused.reason), (MessageStatus::Rejected, Some(reason)));
    let mended = Receive { transport_id: Some("t1".to_owned()), ..receive(2, accepted(vec![completed("cus_xyz")])) };
    let mended = world.receive(mended);
    assert_eq!((mended.status, mended.duplicate), (MessageStatus::Processed, false));
    assert_eq!(world.messages.len(), 2);
}

#[test]
fn what_failed_is_quarantined_and_a_repeat_is_not_kept_twice() {
    let mut world = World::with_texan();
    let failed = || Parsed::Failed(Reason::new("plugin_trap", "it crashed"));
    assert_eq!(world.receive(receive(1, failed())).status, MessageStatus::Quarantined);
    let again = world.receive(Receive { transport_id: Some("t1".to_owned()), ..receive(2, failed()) });
    assert_eq!((again.status, again.duplicate), (MessageStatus::Quarantined, true));
    assert_eq!(world.messages.len(), 1);
}

#[test]
fn what_says_nothing_is_ignored_with_its_reason_and_metadata() {
    let mut world = World::new();
    let parsed = Parsed::Ignored {
        reason: Reason::new("ignored", "a heartbeat"),
        partner_id: None,
        metadata: vec![("kind".to_owned(), "ping".to_owned())],
    };
    let received = world.receive(receive(1, parsed));
    assert_eq!(received.status, MessageStatus::Ignored);
    assert_eq!(world.messages[&received.message_id].metadata, [("kind".to_owned(), "ping".to_owned())]);
    let empty = world.receive(receive(2, accepted(Vec::new())));
    assert_eq!((empty.status, empty.reason.unwrap().code.as_str()), (MessageStatus::Ignored, "nothing_reported"));
}

#[test]
fn a_message_is_kept_with_what_was_found_in_it() {
    let mut world = World::with_texan();
    let received = world.receive(receive(1, accepted(vec![completed("cus_xyz")])));
    let message = &world.messages[&received.message_id];
    assert_eq!(message.raw.body, b"body 1");
    assert_eq!(message.plugin_digest.as_deref(), Some("d1"));
    assert!(matches!(&message.parsed, Some(Parsed::Accepted { facts, .. }) if facts.len() == 1));
    assert_eq!(message.metadata, [("unit".to_owned(), "north".to_owned())]);
    assert_eq!(message.events, received.events);
    assert_eq!(world.audit.last().map(String::as_str), Some("message.processed"));
}

#[test]
fn one_obstacle_keeps_all_of_a_message_back() {
    let mut world = World::with_texan();
    let facts = vec![appointment("cus_xyz", "scheduled"), completed("cus_xyz"), completed("cus_unknown")];
    let received = world.receive(receive(1, accepted(facts)));
    assert_eq!(received.status, MessageStatus::Waiting);
    assert_eq!(world.messages[&received.message_id].waiting_for.as_deref(), Some("cus_unknown"));
    assert!(world.events.is_empty() && world.establishments.is_empty() && received.events.is_empty());
}

#[test]
fn a_plugins_event_that_breaks_the_rules_is_held() {
    let mut world = World::new();
    for (number, fact) in [
        platform("not a type", "{}"),
        platform("customer.created", r#"{"customer_id":7}"#),
        platform("customer.address_changed", r#"{"customer_id":"cus_xyz"}"#),
    ]
    .into_iter()
    .enumerate()
    {
        let received = world.receive(receive(i64::try_from(number).unwrap() + 1, accepted(vec![fact])));
        assert_eq!(received.status, MessageStatus::Held);
        assert_eq!(received.reason.unwrap().code, "malformed_platform_event");
    }
    assert!(world.events.is_empty() && world.customers.is_empty());
}

#[test]
fn a_plugins_own_event_goes_out_as_it_is() {
    let mut world = World::new();
    world.subscriptions = vec![subscription(1, &["lab.*"]), subscription(2, &["order.*"])];
    let received = world.receive(receive(1, accepted(vec![platform("lab.result_ready", r#"{"b":1, "a":[2]}"#)])));
    assert_eq!((received.status, received.events.len()), (MessageStatus::Processed, 1));
    assert_eq!(&*world.events[0].data, r#"{"b":1, "a":[2]}"#);
    assert_eq!(world.events[0].origin, "source:emr");
    assert_eq!(world.deliveries.len(), 1);
}
