use super::*;
use hookwright_core::id::SecretId;
use hookwright_core::secret::RawSecret;
use serde_json::json;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn read(body: &Value) -> Result<Wanted, Vec<String>> {
    held_against(body, None, None)
}

fn held_against(body: &Value, world: Option<&str>, current: Option<&Source>) -> Result<Wanted, Vec<String>> {
    let egress = AddressPolicy { allow: vec!["127.0.0.0/8".parse().unwrap()] };
    let ids = || SecretId::from_i64(99).unwrap();
    let against = Against { world, current, egress: &egress, fresh: Fresh { random: [7; 32], ids: &ids } };
    by_rules(body, &against).map_err(|problem| {
        let body: Value = serde_json::from_slice(&problem.body("r")).unwrap();
        let text =
            |fault: &Value| format!("{} {}", fault["pointer"].as_str().unwrap(), fault["detail"].as_str().unwrap());
        body["errors"].as_array().unwrap().iter().map(text).collect()
    })
}

/// A source with these secrets, numbered from 1 on.
fn with_secrets(secrets: &[&str]) -> Source {
    let wanted = read(&json!({"slug": "emr", "plugin": "p"})).unwrap();
    let numbered = (1..).zip(secrets).map(|(number, text)| SourceSecret {
        id: SecretId::from_i64(number).unwrap(),
        secret: RawSecret::parse(text).unwrap(),
    });
    Source { secrets: numbered.collect(), ..wanted.into_new(SourceId::from_i64(1).unwrap(), 0) }
}

fn revealed(wanted: &Wanted) -> Vec<&str> {
    wanted.secrets.iter().map(|named| named.secret.reveal()).collect()
}

#[test]
fn a_slug_and_a_plugin_are_enough() {
    let wanted = read(&json!({"slug": "emr", "plugin": "emr-video-call"})).unwrap();
    assert_eq!((wanted.name.as_str(), &wanted.verification), ("emr", &Scheme::STANDARD));
    assert!(wanted.active && !wanted.updates_customers && wanted.methods.is_empty());
    assert!(revealed(&wanted)[0].starts_with("whsec_"));
}

#[test]
fn secrets_are_taken_as_given_and_held_against_the_scheme() {
    let base = |more: Value| {
        let mut body = json!({"slug": "emr", "plugin": "p"});
        crate::admin::patch::merge(&mut body, more);
        body
    };
    assert_eq!(revealed(&read(&base(json!({"secret": SECRET}))).unwrap()), [SECRET]);
    let hmac = json!({"verification": {"type": "hmac", "header": "X-S"}, "secrets": [" new ", "old"]});
    assert_eq!(revealed(&read(&base(hmac)).unwrap()), [" new ", "old"]);
    for (more, pointer) in [
        (json!({"secret": "too short"}), "/secret"),
        (json!({"secret": ""}), "/secret"),
        (json!({"secrets": []}), "/secrets"),
        (json!({"secrets": [SECRET, 7]}), "/secrets/1"),
        (json!({"secrets": [SECRET, "too short"]}), "/secrets/1"),
        (json!({"secrets": [SECRET, SECRET]}), "/secrets/1"),
        (json!({"plugin": "No Such"}), "/plugin"),
        (json!({"public_url": "ftp://h/x"}), "/public_url"),
        (json!({"public_url": "https://h/x?y=1"}), "/public_url"),
        (json!({"public_url": "https://h/a b"}), "/public_url"),
        (json!({"public_url": "https://h/ä"}), "/public_url"),
        (json!({"secret": SECRET, "secrets": [SECRET]}), "/secrets"),
        (json!({"secret": SECRET, "verification": {"type": "none"}}), "/secret"),
    ] {
        let faults = read(&base(more)).unwrap_err();
        assert!(faults[0].starts_with(&format!("{pointer} ")), "{faults:?}");
        assert!(!faults[0].contains("too short") && !faults[0].contains("MfKQ"));
    }
}

#[test]
fn a_changed_source_keeps_its_secrets_where_they_fit() {
    let kept = with_secrets(&["a text of the partner's"]);
    let hmac = json!({"slug": "emr", "plugin": "p", "verification": {"type": "hmac", "header": "X-S"}});
    assert_eq!(revealed(&held_against(&hmac, None, Some(&kept)).unwrap()), ["a text of the partner's"]);
    let standard = json!({"slug": "emr", "plugin": "p"});
    assert!(held_against(&standard, None, Some(&kept)).unwrap_err()[0].contains("does not fit this verification"));
    assert!(held_against(&standard, None, Some(&with_secrets(&[]))).unwrap_err()[0].contains("is required"));
}

#[test]
fn a_secret_that_stays_keeps_its_id() {
    let current = with_secrets(&["the old one", "an older one"]);
    let body = json!({"slug": "emr", "plugin": "p", "verification": {"type": "hmac", "header": "X-S"},
        "secrets": ["a new one", "the old one"]});
    let wanted = held_against(&body, None, Some(&current)).unwrap();
    let ids: Vec<i64> = wanted.secrets.iter().map(|named| named.id.get()).collect();
    assert_eq!(ids, [99, 1]);
}

fn fetching(fetch: &Value) -> Value {
    json!({"slug": "emr", "plugin": "p", "fetch": fetch})
}

#[test]
fn where_the_partner_is_asked_is_read_with_its_usual_bounds() {
    let stated = json!({"base_url": "https://api.example/fhir/", "credentials": {"type": "bearer", "token": "t0ken"}});
    let policy = read(&fetching(&stated)).unwrap().fetch.unwrap();
    assert_eq!((policy.rate_per_second, policy.timeout_ms, policy.attempts_max), (5, 10_000, 5));
    assert_eq!(policy.give_up_seconds, 86_400);
    let shown = fetch::shown(&policy);
    assert!(!shown.to_string().contains("t0ken"), "{shown}");
    for (fetch, pointer) in [
        (json!({}), "/fetch/base_url"),
        (json!({"base_url": "http://8.8.8.8/"}), "/fetch/base_url"),
        (json!({"base_url": "https://10.0.0.1/"}), "/fetch/base_url"),
        (json!({"base_url": "https://api.example/", "allow": ["https://169.254.169.254/"]}), "/fetch/allow/0"),
        (json!({"base_url": "https://api.example/", "rate_per_second": 0}), "/fetch/rate_per_second"),
        (json!({"base_url": "https://api.example/", "give_up_seconds": 604_801}), "/fetch/give_up_seconds"),
        (json!({"base_url": "https://api.example/", "credentials": {"type": "bearer"}}), "/fetch/credentials/token"),
        (json!({"base_url": "https://api.example/", "credentials": {"type": "oauth"}}), "/fetch/credentials/type"),
        (
            json!({"base_url": "https://api.example/", "credentials": {"type": "header", "name": "a b", "value": "v"}}),
            "/fetch/credentials/name",
        ),
        (
            json!({"base_url": "https://api.example/", "credentials": {"type": "private_key_jwt", "algorithm": "ES384",
            "token_url": "https://api.example/token", "client_id": "c", "private_key": "no key"}}),
            "/fetch/credentials/private_key",
        ),
        (
            json!({"base_url": "https://api.example/", "credentials": {"type": "oauth2_client_credentials",
            "token_url": "http://192.168.0.1/", "client_id": "c", "client_secret": "s"}}),
            "/fetch/credentials/token_url",
        ),
        (json!({"base_url": "https://api.example/", "tokn": 1}), "/fetch/tokn"),
    ] {
        let faults = read(&fetching(&fetch)).unwrap_err();
        assert!(faults[0].starts_with(&format!("{pointer} ")), "{fetch}: {faults:?}");
    }
}

#[test]
fn a_credential_is_kept_only_for_the_places_it_was_given_for() {
    let stated = json!({"base_url": "https://api.example/", "credentials": {"type": "bearer", "token": "t0ken"}});
    let current = read(&fetching(&stated)).unwrap().into_new(SourceId::from_i64(1).unwrap(), 0);
    let again = |fetch: Value| held_against(&fetching(&fetch), None, Some(&current));
    let kept =
        again(json!({"base_url": "https://api.example/", "rate_per_second": 9, "credentials": {"type": "bearer"}}));
    assert_eq!(kept.unwrap().fetch.unwrap().credentials.secret().unwrap().1.reveal(), "t0ken");
    let elsewhere = again(json!({"base_url": "https://evil.example/", "credentials": {"type": "bearer"}})).unwrap_err();
    assert!(elsewhere[0].contains("must be stated again"), "{elsewhere:?}");
    let listed = json!({"base_url": "https://api.example/", "allow": ["https://evil.example/"], "credentials": {"type": "bearer"}});
    assert!(again(listed).is_err());
    assert!(
        again(json!({"base_url": "https://api.example/", "credentials": {"type": "basic", "username": "u"}})).is_err()
    );
}

#[test]
fn every_fault_is_named() {
    let body = json!({"slug": "Bad Slug", "plugin": 7, "methods": ["POST", "get", 1], "on_error": "x", "active": 1,
        "settings": [], "verification": "hmac", "id": "src_1", "sluug": 1});
    insta::assert_snapshot!(read(&body).unwrap_err().join("\n"), @r#"
    /slug must be 1 to 63 of a-z, 0-9 and hyphens, beginning and ending with a letter or digit
    /verification expected an object, found text
    /plugin expected text, found a number
    /settings expected an object, found a list
    /methods/1 expected one of GET, HEAD, POST, PUT, PATCH, DELETE
    /methods/2 expected text, found a number
    /on_error expected "quarantine" or "reject"
    /active expected true or false, found a number
    /id is set by the gateway; leave it out
    /sluug is not a field; did you mean slug?
    "#);
    assert!(held_against(&json!({"slug": "a", "plugin": "k"}), Some("outbound"), None).is_err());
}
