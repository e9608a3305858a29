use super::*;
use serde_json::json;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn read(body: &Value) -> Result<Wanted, Vec<String>> {
    held_against(body, None, None)
}

fn held_against(body: &Value, world: Option<&str>, kept: Option<&[RawSecret]>) -> Result<Wanted, Vec<String>> {
    by_rules(body, world, kept, [7; 32]).map_err(|problem| {
        let body: Value = serde_json::from_slice(&problem.body("r")).unwrap();
        let text =
            |fault: &Value| format!("{} {}", fault["pointer"].as_str().unwrap(), fault["detail"].as_str().unwrap());
        body["errors"].as_array().unwrap().iter().map(text).collect()
    })
}

fn revealed(wanted: &Wanted) -> Vec<&str> {
    wanted.secrets.iter().map(RawSecret::reveal).collect()
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
    let kept = [RawSecret::parse("a text of the partner's").unwrap()];
    let hmac = json!({"slug": "emr", "plugin": "p", "verification": {"type": "hmac", "header": "X-S"}});
    assert_eq!(revealed(&held_against(&hmac, None, Some(&kept)).unwrap()), ["a text of the partner's"]);
    let standard = json!({"slug": "emr", "plugin": "p"});
    assert!(held_against(&standard, None, Some(&kept)).unwrap_err()[0].contains("does not fit this verification"));
    assert!(held_against(&standard, None, Some(&[])).unwrap_err()[0].contains("is required"));
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
