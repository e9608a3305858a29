use super::*;
use hookwright_core::id::{DeliveryId, EventId, SecretId};
use hookwright_core::retry::RetryPolicy;
use hookwright_core::secret::{LiveSecret, SigningSecret};

const EVENT_AT: i64 = 1_000;

fn subscription(id: i64, events: &[&str]) -> Subscription {
    Subscription {
        id: SubscriptionId::from_i64(id).unwrap(),
        url: "https://example.com/".into(),
        secrets: vec![LiveSecret::lasting(SecretId::from_i64(1).unwrap(), SigningSecret::generate([1; 32]), 0)],
        events: events.iter().map(|text| text.parse().unwrap()).collect(),
        active: true,
        retry_policy: RetryPolicy::None,
        max_retries: 0,
        name: "a name".into(),
        description: None,
        created_by: "local".into(),
        transform: None,
        headers: Vec::new(),
        timeout_ms: 1,
        max_in_flight: 1,
        options: hookwright_core::delivery_options::DeliveryOptions::default(),
        created_at: 10,
        updated_at: 10,
        disabled_reason: None,
        version: 1,
    }
}

fn event(to: &[i64]) -> Event {
    let out = |id: &i64| FanOut {
        delivery_id: DeliveryId::from_i64(900 + id).unwrap(),
        subscription_id: SubscriptionId::from_i64(*id).unwrap(),
    };
    Event {
        id: EventId::from_i64(500).unwrap(),
        event_type: "order.placed".parse().unwrap(),
        created_at: EVENT_AT,
        data: "{}".into(),
        ordering_key: None,
        message_id: None,
        origin: "local".into(),
        fan_out: to.iter().map(out).collect(),
    }
}

fn verdict(to: &[i64], subscription: Subscription) -> Verdict {
    let mut all = verdicts(&event(to), &[Arc::new(subscription)], &HashMap::new());
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn who_got_it_is_told_the_pattern() {
    let told = verdict(&[1], subscription(1, &["customer.*", "order.*", "*"]));
    assert!(told.received && told.delivery_id.is_some());
    assert_eq!((told.reason, told.matched_pattern.as_deref()), ("matched", Some("order.*")));
}

#[test]
fn who_did_not_get_it_is_told_why() {
    let reason = |change: fn(&mut Subscription), id: i64, events: &[&str]| {
        let mut subscription = subscription(id, events);
        change(&mut subscription);
        let told = verdict(&[], subscription);
        assert!(!told.received && told.delivery_id.is_none());
        (told.reason, told.detail)
    };
    assert_eq!(reason(|_| (), 1, &["customer.*"]).0, "no_pattern_matches");
    assert_eq!(reason(|_| (), 501, &["*"]).0, "created_later");
    let paused = |s: &mut Subscription| {
        s.active = false;
        s.disabled_reason = Some("paused".into());
    };
    assert_eq!(reason(paused, 1, &["*"]), ("inactive", "it is not active (paused)".to_owned()));
    let late = |s: &mut Subscription| s.updated_at = EVENT_AT + 1;
    assert_eq!(reason(late, 1, &["*"]).0, "changed_since");
    assert!(reason(late, 1, &["customer.*"]).1.contains("changed since the event"));
}

#[test]
fn who_got_it_and_is_deleted_is_told_of_too() {
    let all = verdicts(&event(&[7]), &[], &HashMap::new());
    assert_eq!((all[0].reason, all[0].received), ("subscription_deleted", true));
}

#[test]
fn a_test_is_one_subscription_s_alone() {
    let test = |to: &[i64]| Event { event_type: WEBHOOK_TEST.parse().unwrap(), ..event(to) };
    let told = |event: &Event| {
        let mut all = verdicts(event, &[Arc::new(subscription(1, &["*"]))], &HashMap::new());
        let told = all.remove(0);
        (told.received, told.reason, told.matched_pattern)
    };
    assert_eq!(told(&test(&[1])), (true, "addressed", None));
    assert_eq!(told(&test(&[2])), (false, "addressed_to_another", None));
    let message_id = hookwright_core::id::MessageId::from_i64(1).ok();
    assert_eq!(told(&Event { message_id, ..test(&[]) }).1, "changed_since", "what a partner's plugin calls so");
}
