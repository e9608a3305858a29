//! Customers: who keeps them current, and when a requirement follows.

use super::world::World;
use super::*;
use crate::intake::Answer;
use crate::message::MessageStatus;

fn created(state: &str, zip: &str) -> String {
    format!(
        r#"{{"customer_id":"cus_xyz","name":"Ada Example","address":{{"state":"{state}","postal_code":"{zip}","country":"US"}}}}"#
    )
}

#[test]
fn a_new_customer_needs_to_be_established_where_they_live() {
    let mut world = World::new();
    world.publish(publish(vec![publication("customer.created", &created("TX", "78701"), None)]));
    assert_eq!(world.types(), ["customer.created", "compliance.requirement_created"]);
    assert_eq!(
        world.data(1),
        serde_json::json!({"customer_id": "cus_xyz", "region_code": "US-TX", "cause": "customer.created"})
    );
    assert_eq!(world.customers["cus_xyz"].name.as_deref(), Some("Ada Example"));
}

#[test]
fn the_same_region_again_requires_nothing_new() {
    let mut world = World::new();
    for _ in 0..2 {
        world.publish(publish(vec![publication("customer.created", &created("TX", "78701"), None)]));
    }
    let required = world.types().into_iter().filter(|name| *name == "compliance.requirement_created").count();
    assert_eq!(required, 1);
}

#[test]
fn moving_to_where_they_are_established_requires_nothing() {
    let mut world = World::with_texan();
    world.receive(receive(1, accepted(vec![completed("cus_xyz")])));
    world.publish(publish(vec![publication("customer.address_changed", &created("NM", "87501"), None)]));
    world.publish(publish(vec![publication("customer.address_changed", &created("TX", "78701"), None)]));
    assert_eq!(
        world.types(),
        [
            "compliance.establishment_fulfilled",
            "customer.address_changed",
            "compliance.requirement_created",
            "customer.address_changed"
        ]
    );
}

#[test]
fn an_establishment_whose_time_is_up_counts_no_more_even_before_the_timer_ran() {
    let mut world = World::with_texan();
    world.receive(receive(1, accepted(vec![completed("cus_xyz")])));
    world.one(put("cus_xyz", "NM", "87501"));
    world.now_ms = COMPLETED + 365 * DAY;
    world.events.clear();
    world.one(put("cus_xyz", "TX", "78701"));
    assert_eq!(world.types(), ["compliance.requirement_created"]);
    assert!(world.established("cus_xyz", "US-TX").unwrap().established);
}

#[test]
fn an_address_that_decides_nothing_requires_nothing_and_is_audited() {
    let mut world = World::new();
    world.publish(publish(vec![publication("customer.created", &created("TX", "10001"), None)]));
    assert_eq!(world.types(), ["customer.created"]);
    assert_eq!(
        (world.customers["cus_xyz"].region, world.customers["cus_xyz"].region_outcome.as_str()),
        (None, "conflict")
    );
    assert!(world.audit.contains(&"customer.region_undecided".to_owned()));
}

#[test]
fn an_event_keeps_what_it_leaves_out_and_a_statement_removes_it() {
    let mut world = World::with_texan();
    let address_only = r#"{"customer_id":"cus_xyz","address":{"state":"NM","country":"US"}}"#;
    world.publish(publish(vec![publication("customer.address_changed", address_only, None)]));
    assert_eq!(world.customers["cus_xyz"].name.as_deref(), Some("Ada Example"));
    let bare = customer::CustomerDraft { external_id: "cus_xyz".to_owned(), name: None, address: None };
    let put = PutCustomer { draft: bare, actor: "local".to_owned(), reason: None, request_id: None };
    let Answer::Customer(customer, fresh) = world.one(Work::PutCustomer(Box::new(put))) else { panic!("a customer") };
    assert_eq!((customer.name, customer.address, customer.region, fresh), (None, None, None, false));
    assert_eq!(customer.region_outcome, "no_address");
}

#[test]
fn a_customer_keeps_the_day_of_their_creation() {
    let mut world = World::with_texan();
    world.now_ms += DAY;
    world.one(put("cus_xyz", "NM", "87501"));
    assert_eq!((world.customers["cus_xyz"].created_at, world.customers["cus_xyz"].updated_at), (NOW, NOW + DAY));
}

#[test]
fn a_partner_changes_a_customer_only_where_the_source_allows_it() {
    let mut world = World::with_texan();
    let update = || accepted(vec![patient("cus_xyz", Some(address("NM", "87501")), None)]);
    let off = world.receive(receive(1, update()));
    assert_eq!((off.status, off.reason.unwrap().code.as_str()), (MessageStatus::Ignored, "customer_updates_off"));
    assert_eq!(world.customers["cus_xyz"].region.unwrap().to_string(), "US-TX");
    let on = world.receive(Receive { updates_customers: true, ..receive(2, update()) });
    assert_eq!((on.status, on.events.len()), (MessageStatus::Processed, 1));
    assert_eq!(world.types(), ["compliance.requirement_created"]);
    assert_eq!(world.data(0)["cause"], "patient_updated");
}

#[test]
fn an_event_about_a_customer_is_no_way_around_it() {
    let mut world = World::with_texan();
    for (number, name) in [(1, "customer.created"), (2, "customer.address_changed")] {
        let off = world.receive(receive(number, accepted(vec![platform(name, &created("NM", "87501"))])));
        assert_eq!((off.status, off.reason.unwrap().code.as_str()), (MessageStatus::Ignored, "customer_updates_off"));
    }
    assert_eq!(world.customers["cus_xyz"].region.unwrap().to_string(), "US-TX");
    assert!(world.types().is_empty());
}

#[test]
fn a_partners_old_news_does_not_undo_ours() {
    let mut world = World::with_texan();
    let update = accepted(vec![patient("cus_xyz", Some(address("NM", "87501")), Some(NOW - 1))]);
    let received = world.receive(Receive { updates_customers: true, ..receive(1, update) });
    assert_eq!((received.status, received.reason.unwrap().code.as_str()), (MessageStatus::Processed, "unchanged"));
    assert_eq!(world.customers["cus_xyz"].region.unwrap().to_string(), "US-TX");
}

#[test]
fn a_partner_creates_no_customer_by_an_update() {
    let mut world = World::new();
    let update = accepted(vec![patient("cus_new", Some(address("NM", "87501")), None)]);
    let received = world.receive(Receive { updates_customers: true, ..receive(1, update) });
    assert_eq!(received.status, MessageStatus::Waiting);
    assert!(world.customers.is_empty());
}

#[test]
fn one_message_may_bring_a_customer_and_their_consultation() {
    let mut world = World::new();
    let facts = vec![platform("customer.created", &created("TX", "78701")), completed("cus_xyz")];
    let received = world.receive(Receive { updates_customers: true, ..receive(1, accepted(facts)) });
    assert_eq!(received.status, MessageStatus::Processed);
    assert_eq!(
        world.types(),
        ["customer.created", "compliance.requirement_created", "compliance.establishment_fulfilled"]
    );
    assert_eq!(received.events.len(), 3);
}

#[test]
fn a_message_that_takes_the_region_away_is_held_whole() {
    let mut world = World::with_texan();
    let facts = vec![patient("cus_xyz", Some(address("TX", "10001")), None), completed("cus_xyz")];
    let received = world.receive(Receive { updates_customers: true, ..receive(1, accepted(facts)) });
    assert_eq!((received.status, received.reason.unwrap().code.as_str()), (MessageStatus::Held, "region_conflict"));
    assert_eq!(world.customers["cus_xyz"].region.unwrap().to_string(), "US-TX");
}
