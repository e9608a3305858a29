use super::*;
use hookwright_core::secret::SigningSecret;
use serde_json::json;

fn secret() -> LiveSecret {
    LiveSecret::lasting(SecretId::from_i64(9).unwrap(), SigningSecret::generate([1; 32]), 5)
}

fn rules() -> Rules<'static> {
    Rules {
        addresses: AddressPolicy { allow: vec!["127.0.0.0/8".parse().unwrap()] },
        candidates: Candidates::default(),
        timeout_ms: 15_000,
        max_in_flight: 8,
        created_by: None,
        legacy: &[],
        tls: None,
        now_ms: 1_790_000_000_000,
    }
}

fn faults(body: &Value, rules: &Rules<'_>) -> String {
    let problem = by_rules(body, rules).unwrap_err();
    let body: Value = serde_json::from_slice(&problem.body("r")).unwrap();
    let text = |fault: &Value| format!("{} {}", fault["pointer"].as_str().unwrap(), fault["detail"].as_str().unwrap());
    let all: Vec<_> = body["errors"].as_array().unwrap().iter().map(text).collect();
    all.join("\n")
}

fn least() -> Value {
    json!({"name": "EMR Sync", "url": "https://example.com/hook", "events": ["order.*", "customer.created"]})
}

fn with(member: &str, value: Value) -> Value {
    let mut body = least();
    body[member] = value;
    body
}

#[test]
fn name_url_and_events_are_enough() {
    let wanted = by_rules(&least(), &rules()).unwrap();
    assert!(wanted.active && wanted.secret.is_none());
    assert_eq!((wanted.retry_policy, wanted.max_retries), (RetryPolicy::Exponential, 8));
    assert_eq!((wanted.timeout_ms, wanted.max_in_flight), (15_000, 8));
    let made = wanted.into_new(SubscriptionId::from_i64(1).unwrap(), secret(), "key:1".into());
    assert_eq!((made.created_by.as_str(), made.version, made.created_at), ("key:1", 1, 5));
}

#[test]
fn every_fault_is_named_at_once() {
    let body = json!({
        "url": "ftp://example.com", "events": ["order*", 7, "order.placed", "order.placed"], "secret": "whsec_short",
        "active": "true", "retry_policy": "linear", "max_retries": 51, "description": [], "headers": {"Host": "x"},
        "timeout_ms": 99, "max_in_flight": 0, "transform": {"plugin": "nobody"}, "maxRetries": 3, "id": "sub_1",
    });
    insta::assert_snapshot!(faults(&body, &rules()), @r#"
    /name is required: text
    /url the URL must begin with https:// (or http://, for an address on the allow-list)
    /events/0 an asterisk stands only alone or as the last segment of a pattern, as in order.*
    /events/1 expected text, found a number
    /events/3 is there twice
    /secret the secret is not base64 (expected whsec_ and 24 to 64 bytes in base64)
    /active expected true or false, found text
    /retry_policy expected "none" or "exponential"
    /max_retries must be a whole number from 0 to 50
    /description expected text, found a list
    /transform/plugin there is no plugin of this name
    /headers/Host is set by the gateway and cannot be set here
    /timeout_ms must be a whole number from 100 to 60000
    /max_in_flight must be a whole number from 1 to 1000
    /id is set by the gateway; leave it out
    /maxRetries is not a field; did you mean max_retries?
    "#);
}

#[test]
fn an_address_that_is_not_allowed_names_the_range_and_the_setting() {
    let closed = Rules { addresses: AddressPolicy::default(), ..rules() };
    for (url, range) in [
        ("https://127.0.0.1/hook", "loopback"),
        ("https://10.1.2.3/hook", "private"),
        ("https://169.254.169.254/latest", ""),
        ("https://[::1]/hook", "loopback"),
        ("https://localhost/hook", "loopback"),
        ("http://example.com/hook", "http://"),
    ] {
        let text = faults(&with("url", json!(url)), &closed);
        assert!(text.starts_with("/url ") && text.contains(range) && text.contains("egress.allow"), "{url}: {text}");
    }
    assert!(by_rules(&with("url", json!("http://127.0.0.1:9099/e/0")), &rules()).is_ok());
}

#[test]
fn a_secret_that_is_none_is_never_repeated() {
    for secret in ["whsec_c2VjcmV0", "whsec_!!!", "whpk_abcdefgh", "hunter2hunter2"] {
        let text = faults(&with("secret", json!(secret)), &rules());
        assert!(text.starts_with("/secret ") && !text.contains(secret), "{text}");
    }
}

#[test]
fn who_made_it_cannot_be_changed() {
    let told = Rules { created_by: Some("ops"), ..rules() };
    assert!(by_rules(&with("created_by", json!("ops")), &told).is_ok());
    assert_eq!(faults(&with("created_by", json!("me")), &told), "/created_by cannot be changed");
}

#[test]
fn switching_on_and_off_keeps_the_reason_straight() {
    let wanted = |active: bool| by_rules(&with("active", json!(active)), &rules()).unwrap();
    let id = SubscriptionId::from_i64(1).unwrap();
    let made = wanted(false).into_new(id, secret(), "local".into());
    assert_eq!((made.active, made.disabled_reason.as_deref()), (false, Some("paused")));
    let gone = Subscription { disabled_reason: Some("gone".into()), ..made };
    assert_eq!(wanted(false).into_changed(&gone, gone.secrets[0].id, 6).disabled_reason.as_deref(), Some("gone"));
    assert_eq!(wanted(true).into_changed(&gone, gone.secrets[0].id, 6).disabled_reason, None);
}

#[test]
fn a_stated_secret_takes_the_place_of_all_others_and_none_keeps_them() {
    let id = SubscriptionId::from_i64(1).unwrap();
    let fresh = SecretId::from_i64(10).unwrap();
    let made = by_rules(&least(), &rules()).unwrap().into_new(id, secret(), "local".into());
    let older = LiveSecret { expires_at: Some(70), ..LiveSecret::lasting(fresh, SigningSecret::generate([2; 32]), 1) };
    let two = Subscription { secrets: vec![secret(), older], ..made };
    let kept = by_rules(&least(), &rules()).unwrap().into_changed(&two, fresh, 60);
    assert!(kept.secrets == two.secrets);
    let private = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    let replaced = by_rules(&with("secret", json!(private)), &rules()).unwrap().into_changed(&two, fresh, 60);
    assert_eq!(replaced.secrets, [LiveSecret::lasting(fresh, SigningKey::parse(private).unwrap(), 60)]);
}
