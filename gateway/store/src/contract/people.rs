//! Customers: kept current, and checked against the regions whenever they appear or move.

use super::operator::{draft, publication, publish, putting};
use super::partner::{accepted, completed, patient};
use super::trial::{START_MS, Trial};
use super::{Factory, answer};
use hookwright_core::catalogue;
use hookwright_core::customer::{self, CustomerDraft};
use hookwright_core::intake::{Publication, Publish, Work};

async fn requirements(trial: &Trial<'_>) -> usize {
    trial.events(Some(catalogue::REQUIREMENT_CREATED)).await.len()
}

/// A customer's first appearance in a region requires an establishment there; said again, it requires nothing new.
pub async fn a_new_customer_needs_an_establishment(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let (customer, fresh) = answer::customer(trial.submit(putting(draft("cus_xyz", Some("TX")))).await);
    assert!(fresh);
    assert_eq!(customer.region.map(|region| region.to_string()).as_deref(), Some("US-TX"));
    assert_eq!(customer.region_outcome, "state");
    assert_eq!(requirements(&trial).await, 1);
    let event = trial.event(trial.events(None).await[0].id).await;
    let data: serde_json::Value = serde_json::from_str(&event.data).unwrap();
    assert_eq!((data["customer_id"].as_str(), data["region_code"].as_str()), (Some("cus_xyz"), Some("US-TX")));

    trial.clock.advance(1_000);
    let (customer, fresh) = answer::customer(trial.submit(putting(draft("cus_xyz", Some("TX")))).await);
    assert!(!fresh);
    assert_eq!((customer.created_at, customer.updated_at), (START_MS, START_MS + 1_000));
    assert_eq!(requirements(&trial).await, 1);
    assert_eq!(trial.store.customer("cus_xyz".to_owned()).await.unwrap(), Some(customer));
    assert_eq!(trial.store.customer("cus_XYZ".to_owned()).await.unwrap(), None, "ids are kept as given");

    trial.put_customer("cus_nowhere", None).await;
    assert_eq!(requirements(&trial).await, 1, "no region, no requirement");
}

/// A move into a region without an establishment requires one; a move back to where one holds does not, and one back to where it has lapsed does.
pub async fn a_move_is_checked_against_what_is_established(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    trial.receive(accepted(vec![completed("cus_xyz", START_MS)])).await;
    assert_eq!(requirements(&trial).await, 1);
    let moved = trial.receive(accepted(vec![patient("cus_xyz", "NM")])).await;
    assert_eq!((moved.events.len(), requirements(&trial).await), (1, 2));
    trial.put_customer("cus_xyz", Some("TX")).await;
    assert_eq!(requirements(&trial).await, 2, "established in Texas");

    trial.put_customer("cus_xyz", Some("NM")).await;
    assert_eq!(requirements(&trial).await, 3);
    trial.clock.advance(366 * 86_400_000);
    trial.put_customer("cus_xyz", Some("TX")).await;
    assert_eq!(requirements(&trial).await, 4, "what has lapsed does not count, though the timer has not marked it");
}

/// What an operator's statement leaves out is removed; what an event leaves out is kept.
pub async fn a_put_replaces_and_an_event_adds(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    trial.receive(accepted(vec![patient("cus_xyz", "NM")])).await;
    let named = trial.store.customer("cus_xyz".to_owned()).await.unwrap().expect("the customer");
    assert_eq!(named.name.as_deref(), Some("Ada Example"), "the partner said nothing of the name");
    assert_eq!(named.address.as_ref().and_then(|address| address.state.as_deref()), Some("NM"));

    let bare = CustomerDraft { external_id: "cus_xyz".to_owned(), name: None, address: None };
    let (customer, _) = answer::customer(trial.submit(putting(bare)).await);
    assert_eq!((customer.name, customer.address, customer.region), (None, None, None));
    assert_eq!(customer.region_outcome, "no_address");
    assert_eq!(trial.audited("customer.put").await, 2);
}

/// The platform's own customer events are published as they are and change the record in the same transaction.
pub async fn a_platform_event_keeps_customers_current(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let events = [catalogue::CUSTOMER_CREATED, catalogue::CUSTOMER_ADDRESS_CHANGED].map(|event_type| {
        let example = catalogue::find(event_type).expect("a type of the catalogue").example;
        let customer = customer::from_event(event_type, example).expect("the example reads");
        Publication { customer, ..publication(event_type, example) }
    });
    let request = Publish { events: events.into(), as_list: true, ..publish("order.placed", "{}") };
    let (answer, _) = answer::whole(trial.submit(Work::Publish(Box::new(request))).await);
    assert_eq!(answer::events(&answer).len(), 2);
    let customer = trial.store.customer("cus_xyz".to_owned()).await.unwrap().expect("the customer");
    assert_eq!(customer.region.map(|region| region.to_string()).as_deref(), Some("US-NM"));
    assert_eq!(requirements(&trial).await, 2, "one for each region they came to");
    assert_eq!(trial.events(None).await.len(), 4);
}
