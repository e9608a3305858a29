//! What a consultation does to the records.

use super::world::World;
use super::*;
use crate::message::MessageStatus;
use serde_json::json;

#[test]
fn the_specifications_example_establishes_the_customer() {
    let mut world = World::with_texan();
    world.subscriptions = vec![subscription(1, &["compliance.establishment_fulfilled"]), subscription(2, &["order.*"])];
    let received = world.receive(receive(1, accepted(vec![completed("cus_xyz")])));
    assert_eq!((received.status, received.reason.clone()), (MessageStatus::Processed, None));
    assert_eq!(world.types(), ["compliance.establishment_fulfilled"]);
    let record = world.established("cus_xyz", "US-TX").unwrap();
    assert_eq!((record.since, record.until, record.established), (COMPLETED, COMPLETED + 365 * DAY, true));
    assert_eq!(record.message_id, Some(received.message_id));
    assert_eq!(
        world.data(0),
        json!({
            "customer_id": "cus_xyz",
            "region_code": "US-TX",
            "establishment": {
                "id": record.id.to_string(),
                "established": true,
                "since": "2026-01-04T22:30:00Z",
                "until": "2027-01-04T22:30:00Z",
                "appointment_id": "appt_789"
            },
            "consultation": {
                "appointment_id": "appt_789",
                "provider_id": "dr_abc",
                "duration_minutes": 15,
                "duration_source": "actual",
                "completed_at": "2026-01-04T22:30:00Z",
                "completed_at_precision": "second"
            },
            "provenance": {
                "region_source": "customer_address",
                "region_decided_by": "state",
                "address_as_of": "2026-01-05T00:00:00Z"
            }
        })
    );
    assert_eq!(world.events[0].message_id, Some(received.message_id));
    assert_eq!(world.deliveries.len(), 1);
    assert_eq!(world.deliveries[0].event_id, received.events[0]);
}

#[test]
fn an_unknown_customer_is_waited_for() {
    let mut world = World::new();
    for (number, fact) in [completed("cus_new"), appointment("cus_new", "scheduled")].into_iter().enumerate() {
        let received = world.receive(receive(i64::try_from(number).unwrap() + 1, accepted(vec![fact])));
        assert_eq!(received.status, MessageStatus::Waiting);
        assert_eq!(received.reason.unwrap().code, "customer_unknown");
        assert_eq!(world.messages[&received.message_id].waiting_for.as_deref(), Some("cus_new"));
    }
    assert!(world.events.is_empty());
}

#[test]
fn what_decides_no_region_is_held_with_the_reason() {
    for (state, zip, code) in [
        ("TX", "10001", "region_conflict"),
        ("AE", "09012", "region_military"),
        ("", "", "region_unknown"),
        ("MH", "96960", "region_freely_associated"),
    ] {
        let mut world = World::new();
        world.one(put("cus_xyz", state, zip));
        let received = world.receive(receive(1, accepted(vec![completed("cus_xyz")])));
        assert_eq!((received.status, received.reason.unwrap().code.as_str()), (MessageStatus::Held, code));
        assert!(world.establishments.is_empty());
    }
}

#[test]
fn a_customer_without_an_address_is_held() {
    let mut world = World::new();
    world.publish(publish(vec![publication("customer.created", r#"{"customer_id":"cus_xyz"}"#, None)]));
    let received = world.receive(receive(1, accepted(vec![completed("cus_xyz")])));
    assert_eq!(received.reason.unwrap().code, "region_no_address");
}

#[test]
fn a_territory_is_a_region() {
    let mut world = World::new();
    world.one(put("cus_xyz", "PR", "00901"));
    assert_eq!(world.receive(receive(1, accepted(vec![completed("cus_xyz")]))).status, MessageStatus::Processed);
    assert!(world.established("cus_xyz", "US-PR").is_some());
}

#[test]
fn a_consultation_of_the_future_is_held_and_a_day_is_allowed() {
    let mut world = World::with_texan();
    let held = world.receive(receive(1, accepted(vec![completed_at("cus_xyz", NOW + DAY + 1)])));
    assert_eq!(held.reason.unwrap().code, "completed_in_future");
    let taken = world.receive(receive(2, accepted(vec![completed_at("cus_xyz", NOW + DAY)])));
    assert_eq!(taken.status, MessageStatus::Processed);
}

#[test]
fn a_consultation_told_again_changes_nothing_and_says_so() {
    let mut world = World::with_texan();
    world.receive(receive(1, accepted(vec![completed("cus_xyz")])));
    for (number, at) in [(2, COMPLETED), (3, COMPLETED - DAY)] {
        let received = world.receive(receive(number, accepted(vec![completed_at("cus_xyz", at)])));
        assert_eq!((received.status, received.reason.unwrap().code.as_str()), (MessageStatus::Processed, "unchanged"));
    }
    assert_eq!((world.events.len(), world.establishments.len()), (1, 1));
}

#[test]
fn a_later_one_extends_the_one_establishment() {
    let mut world = World::with_texan();
    world.receive(receive(1, accepted(vec![completed("cus_xyz")])));
    let id = world.established("cus_xyz", "US-TX").unwrap().id;
    world.now_ms += 100 * DAY;
    world.receive(receive(2, accepted(vec![completed_at("cus_xyz", COMPLETED + 100 * DAY)])));
    let record = world.established("cus_xyz", "US-TX").unwrap();
    assert_eq!((record.id, record.since, record.until), (id, COMPLETED, COMPLETED + 465 * DAY));
    assert_eq!(world.events.len(), 2);
}

#[test]
fn each_region_has_an_establishment_of_its_own_and_its_own_validity() {
    let mut world = World::with_texan();
    world.policy.validity.by_region.insert("US-NM".parse().unwrap(), 30);
    world.receive(receive(1, accepted(vec![completed("cus_xyz")])));
    world.one(put("cus_xyz", "NM", "87501"));
    world.receive(receive(2, accepted(vec![completed("cus_xyz")])));
    assert_eq!(world.established("cus_xyz", "US-NM").unwrap().until, COMPLETED + 30 * DAY);
    assert_eq!(world.established("cus_xyz", "US-TX").unwrap().until, COMPLETED + 365 * DAY);
}

#[test]
fn a_test_establishes_nobody() {
    let mut world = World::with_texan();
    let facts = [
        Fact::ConsultationCompleted(ConsultationCompleted { test: true, ..consultation("cus_xyz") }),
        Fact::ConsultationCompleted(ConsultationCompleted { test: true, ..consultation("cus_nobody") }),
    ];
    for (number, fact) in facts.into_iter().enumerate() {
        let received = world.receive(receive(i64::try_from(number).unwrap() + 1, accepted(vec![fact])));
        assert_eq!((received.status, received.reason.unwrap().code.as_str()), (MessageStatus::Ignored, "test"));
    }
    assert!(world.events.is_empty() && world.establishments.is_empty());
}

#[test]
fn appointments_are_told_by_what_became_of_them() {
    let mut world = World::with_texan();
    for (number, (state, event_type)) in [
        ("scheduled", "compliance.consultation_scheduled"),
        ("rescheduled", "compliance.consultation_scheduled"),
        ("cancelled", "compliance.consultation_cancelled"),
        ("no_show", "compliance.consultation_cancelled"),
    ]
    .into_iter()
    .enumerate()
    {
        world.receive(receive(i64::try_from(number).unwrap() + 1, accepted(vec![appointment("cus_xyz", state)])));
        assert_eq!(world.types()[number], event_type);
        assert_eq!(
            (world.data(number)["state"].as_str(), world.data(number)["region_code"].as_str()),
            (Some(state), Some("US-TX"))
        );
    }
    assert!(world.establishments.is_empty());
}

#[test]
fn an_appointment_needs_no_region() {
    let mut world = World::new();
    world.one(put("cus_xyz", "TX", "10001"));
    let received = world.receive(receive(1, accepted(vec![appointment("cus_xyz", "scheduled")])));
    assert_eq!(received.status, MessageStatus::Processed);
    assert!(world.data(0).get("region_code").is_none());
}

#[test]
fn a_place_the_partner_names_is_recorded_and_decides_nothing() {
    let mut world = World::with_texan();
    let abroad = ConsultationCompleted { patient_location: Some(address("NM", "87501")), ..consultation("cus_xyz") };
    world.receive(receive(1, accepted(vec![Fact::ConsultationCompleted(abroad)])));
    assert_eq!(world.data(0)["consultation"]["patient_location_region"], "US-NM");
    assert_eq!(world.data(0)["region_code"], "US-TX");
}
