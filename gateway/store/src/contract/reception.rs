//! Reception: what becomes of a partner's message, by what was found in it.

use super::operator::{draft, putting};
use super::partner::{
    accepted, accepted_as, asking, completed, completed_test, failed, patient, platform, receive, receiving, refused,
    resume, resuming, scheduled, source_id,
};
use super::subscriber::subscribe;
use super::trial::{START_MS, Trial};
use super::{Factory, answer};
use crate::EstablishmentFilter;
use hookwright_core::catalogue;
use hookwright_core::customer::CustomerDraft;
use hookwright_core::establishment::DAY_MS;
use hookwright_core::intake::{Receive, Resume};
use hookwright_core::message::{MessageStatus, RawMessage};
use hookwright_core::region::Address;

/// A consultation of a known customer: message, establishment, event, delivery and audit are there together.
pub async fn a_consultation_is_processed_with_all_that_follows(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let subscription = subscribe(&trial, &["compliance.establishment_fulfilled"]).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    let received = trial.receive(accepted(vec![completed("cus_xyz", START_MS - 60_000)])).await;

    assert_eq!((received.status, received.duplicate, received.events.len()), (MessageStatus::Processed, false, 1));
    let message = trial.message(received.message_id).await;
    assert_eq!(message.status, MessageStatus::Processed);
    assert_eq!(message.events, received.events);
    assert_eq!(message.waiting_for, None);
    assert_eq!(message.metadata, [("appointment".to_owned(), "appt_789".to_owned())]);
    assert_eq!(message.logs, ["parsed"]);
    assert_eq!(message.plugin_digest.as_deref(), Some("d1".repeat(32).as_str()));

    let record = trial.establishments(EstablishmentFilter::default()).await.pop().expect("a record");
    assert!(record.established);
    assert_eq!((record.customer_id.as_str(), record.region.as_str()), ("cus_xyz", "US-TX"));
    assert_eq!((record.since, record.until), (START_MS - 60_000, START_MS - 60_000 + 365 * DAY_MS));
    assert_eq!(record.message_id, Some(received.message_id));
    assert_eq!(trial.store.establishment(record.id).await.unwrap().as_ref(), Some(&record));

    let event = trial.event(received.events[0]).await;
    assert_eq!(event.event_type.as_str(), catalogue::ESTABLISHMENT_FULFILLED);
    assert_eq!(event.message_id, Some(received.message_id));
    assert_eq!(event.origin, "source:emr");
    let data: serde_json::Value = serde_json::from_str(&event.data).unwrap();
    assert_eq!(data["customer_id"], "cus_xyz");
    assert_eq!(data["establishment"]["id"], record.id.to_string());
    assert_eq!(event.fan_out[0].subscription_id, subscription.id);
    assert_eq!(trial.pending().await.len(), 1);
    assert_eq!(trial.audited("message.processed").await, 1);
    assert_eq!(trial.audited("establishment.fulfilled").await, 1);
}

/// A customer nobody has told of yet: the message waits for exactly them, and nothing else happens.
pub async fn an_unknown_customer_makes_the_message_wait(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let received = trial.receive(accepted(vec![completed("cus_unknown", START_MS)])).await;
    assert_eq!(received.status, MessageStatus::Waiting);
    assert!(received.events.is_empty());
    let message = trial.message(received.message_id).await;
    assert_eq!((message.status, message.waiting_for.as_deref()), (MessageStatus::Waiting, Some("cus_unknown")));
    assert_eq!(message.reason.map(|reason| reason.code).as_deref(), Some("customer_unknown"));
    assert!(message.parsed.is_some(), "the findings are kept for later");
    assert!(trial.events(None).await.is_empty());
    assert!(trial.establishments(EstablishmentFilter::default()).await.is_empty());
    assert!(trial.store.resumable(10).await.unwrap().is_empty());
}

/// Each way in which an address decides no region holds the message under a code of its own.
pub async fn an_undecidable_region_holds_the_message(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let with = |state: Option<&str>, zip: Option<&str>, country: Option<&str>| Address {
        state: state.map(str::to_owned),
        postal_code: zip.map(str::to_owned),
        country: country.map(str::to_owned),
        ..Address::default()
    };
    let cases = [
        ("region_conflict", Some(with(Some("TX"), Some("10001"), Some("US")))),
        ("region_military", Some(with(Some("AE"), Some("09012"), Some("US")))),
        ("region_freely_associated", Some(with(Some("FM"), Some("96941"), Some("US")))),
        ("region_foreign_country", Some(with(None, None, Some("DE")))),
        ("region_unknown", Some(with(Some("Nowhere"), None, Some("US")))),
        ("region_no_address", None),
    ];
    for (code, address) in cases {
        let customer = format!("cus_{code}");
        let draft = CustomerDraft { address, ..draft(&customer, None) };
        let (stored, _) = answer::customer(trial.submit(putting(draft)).await);
        assert_eq!(stored.region, None, "{code}");
        let received = trial.receive(accepted(vec![completed(&customer, START_MS)])).await;
        assert_eq!(received.status, MessageStatus::Held, "{code}");
        let reason = trial.message(received.message_id).await.reason.expect("a held message says why");
        assert_eq!(reason.code, code);
    }
    assert!(trial.establishments(EstablishmentFilter::default()).await.is_empty());
    assert!(trial.events(Some(catalogue::ESTABLISHMENT_FULFILLED)).await.is_empty());
    assert_eq!(trial.audited("message.held").await, 6);
}

/// What the partner marked as a test establishes nobody.
pub async fn a_test_is_ignored(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    let received = trial.receive(accepted(vec![completed_test("cus_xyz", START_MS)])).await;
    assert_eq!(received.status, MessageStatus::Ignored);
    assert_eq!(trial.message(received.message_id).await.reason.map(|reason| reason.code).as_deref(), Some("test"));
    assert!(trial.establishments(EstablishmentFilter::default()).await.is_empty());
}

/// What the plugin refuses is kept as rejected, what it fails at as quarantined; both with the reason, and without an effect.
pub async fn what_is_refused_or_failed_is_kept_as_such(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let rejected = trial.receive(refused()).await;
    assert_eq!(rejected.status, MessageStatus::Rejected);
    let reason = trial.message(rejected.message_id).await.reason.expect("a rejected message says why");
    assert_eq!((reason.code.as_str(), reason.location.as_str()), ("malformed", "/patient_external_id"));
    let quarantined = trial.receive(failed()).await;
    assert_eq!(quarantined.status, MessageStatus::Quarantined);
    let message = trial.message(quarantined.message_id).await;
    assert_eq!(message.reason.map(|reason| reason.code).as_deref(), Some("plugin_trap"));
    assert!(!message.raw.body.is_empty(), "it is kept raw");
    assert!(trial.events(None).await.is_empty());
}

/// Booked and moved appointments fire one event, cancelled and missed ones another.
pub async fn appointments_fire_events_of_their_own(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    let cases = [
        ("scheduled", catalogue::CONSULTATION_SCHEDULED),
        ("rescheduled", catalogue::CONSULTATION_SCHEDULED),
        ("cancelled", catalogue::CONSULTATION_CANCELLED),
        ("no_show", catalogue::CONSULTATION_CANCELLED),
    ];
    for (state, event_type) in cases {
        let received = trial.receive(accepted(vec![scheduled("cus_xyz", state)])).await;
        assert_eq!(received.status, MessageStatus::Processed, "{state}");
        let event = trial.event(received.events[0]).await;
        assert_eq!(event.event_type.as_str(), event_type, "{state}");
    }
    assert!(trial.establishments(EstablishmentFilter::default()).await.is_empty());
}

/// A message that tells of a new customer and of their consultation is processed whole; one whose later fact cannot be applied has no effect at all.
pub async fn a_message_may_bring_the_customer_it_speaks_of(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let created = r#"{"customer_id":"cus_new","address":{"state":"NM","country":"US"}}"#;
    let facts = vec![platform("customer.created", created), completed("cus_new", START_MS)];
    let received = trial.receive(accepted(facts)).await;
    assert_eq!(received.status, MessageStatus::Processed);
    let customer = trial.store.customer("cus_new".to_owned()).await.unwrap().expect("the customer is there");
    assert_eq!(customer.region.map(|region| region.to_string()).as_deref(), Some("US-NM"));
    assert_eq!(trial.establishments(EstablishmentFilter::default()).await.len(), 1);

    trial.put_customer("cus_old", Some("TX")).await;
    let before = trial.events(None).await.len();
    let facts = vec![patient("cus_old", "CA"), completed("cus_unknown", START_MS)];
    assert_eq!(trial.receive(accepted(facts)).await.status, MessageStatus::Waiting);
    let unmoved = trial.store.customer("cus_old".to_owned()).await.unwrap().expect("the customer is there");
    assert_eq!(unmoved.region.map(|region| region.to_string()).as_deref(), Some("US-TX"));
    assert_eq!(trial.events(None).await.len(), before);
}

/// The request is kept as it came: body bytes that are no text, headers in their order, an empty hook.
pub async fn the_request_comes_back_byte_for_byte(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for body in [Vec::new(), (0..=255).collect(), vec![0; 300_000]] {
        let raw = RawMessage {
            source_id: source_id(3),
            hook: String::new(),
            method: "PUT".to_owned(),
            query: "a=1&a=2&b=%20".to_owned(),
            headers: vec![header("x-b", "2"), header("x-a", "1"), header("x-b", "ü")],
            body,
            received_at: START_MS - 5,
            tier: "unauthenticated".to_owned(),
            secret_id: Some(trial.ids.next()),
        };
        let id = trial.ids.next();
        let kept = Receive { message_id: id, raw: raw.clone(), ..receive(&trial, failed()) };
        trial.submit(receiving(kept)).await;
        assert!(
            trial.message(id).await.raw == raw,
            "a request with {} bytes of body came back changed",
            raw.body.len()
        );
    }
}

/// A message whose partner must be asked is kept with what to ask, is found until the answers came, also after a restart, and claims its keys at once.
pub async fn a_message_whose_partner_is_asked_is_found_until_it_is_answered(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    assert_eq!(trial.store.last_heard(source_id(1)).await.unwrap(), None);
    let (first, second) = (asking("n-1", 1), asking("n-2", 1));
    let received = trial.receive(first.clone()).await;
    assert_eq!((received.status, received.events.len()), (MessageStatus::Fetching, 0));
    let other = trial.receive(second).await;
    assert!(trial.receive(first.clone()).await.duplicate, "a repeat asks nobody");
    assert_eq!(trial.store.last_heard(source_id(1)).await.unwrap(), Some(trial.now()));
    assert_eq!(trial.store.last_heard(source_id(2)).await.unwrap(), None);

    trial.reopen().await;
    let (one, two) = ((received.message_id, source_id(1)), (other.message_id, source_id(1)));
    assert_eq!(trial.store.fetching(None, 10).await.unwrap(), [one, two]);
    assert_eq!(trial.store.fetching(None, 1).await.unwrap(), [one]);
    assert_eq!(trial.store.fetching(Some(one.0), 10).await.unwrap(), [two]);
    let message = trial.message(one.0).await;
    assert_eq!((message.status, message.parsed), (MessageStatus::Fetching, Some(first)));
    assert_eq!(message.metadata, [("appointment".to_owned(), "appt_789".to_owned())]);

    // Another round, and then the answer.
    for (parsed, status) in [
        (asking("n-1", 2), MessageStatus::Fetching),
        (accepted_as("n-1", vec![completed("cus_xyz", START_MS)]), MessageStatus::Processed),
    ] {
        let message = trial.message(one.0).await;
        let again = Resume { parsed, ..resume(&message, None, None) };
        let resumed = answer::resumed(trial.submit(resuming(again)).await).expect("it is taken up");
        assert_eq!(resumed.status, status);
    }
    assert_eq!(trial.store.fetching(None, 10).await.unwrap(), [two]);
    assert_eq!(trial.establishments(EstablishmentFilter::default()).await.len(), 1);
    let late = Resume { parsed: asking("n-1", 2), ..resume(&trial.message(one.0).await, None, None) };
    assert!(answer::resumed(trial.submit(resuming(late)).await).is_none(), "what is processed stays so");
}
