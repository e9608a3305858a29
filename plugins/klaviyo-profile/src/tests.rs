//! The fixtures, and what is easier said in code.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::*;

fn transform(settings: &str, event_type: &str, created_at_ms: i64, data: &str) -> Result<Decision, Fault> {
    let context = Context {
        contract: "0.1.0".to_owned(),
        plugin: "klaviyo-profile".to_owned(),
        binding_id: "sub_789".to_owned(),
        binding_name: "Klaviyo".to_owned(),
        subject_id: "dlv_1".to_owned(),
        attempt: 1,
        now_ms: created_at_ms,
        settings: settings.to_owned(),
        attributes: Vec::new(),
    };
    let event = Event {
        id: "evt_abc123".to_owned(),
        event_type: event_type.to_owned(),
        created_at_ms,
        data: data.to_owned(),
        attributes: Vec::new(),
    };
    let delivery = Delivery {
        id: "dlv_1".to_owned(),
        subscription_id: "sub_789".to_owned(),
        subscription_name: "Klaviyo".to_owned(),
        attributes: Vec::new(),
    };
    KlaviyoProfile::transform(&context, &event, &delivery)
}

/// The decision in the form that fixtures use.
fn shown(decision: Result<Decision, Fault>) -> Value {
    match decision {
        Ok(Decision::Send(outgoing)) => json!({
            "send": {
                "method": outgoing.method,
                "content_type": outgoing.content_type,
                "headers": outgoing.headers.into_iter().collect::<BTreeMap<_, _>>(),
                "body": serde_json::from_slice::<Value>(&outgoing.body).unwrap(),
            },
        }),
        Ok(Decision::Skip(skip)) => json!({ "skip": { "reason": skip.reason } }),
        Err(fault) => json!({
            "fault": {
                "code": fault.code,
                "message": fault.message,
                "location": fault.location,
                "retryable": fault.retryable,
            },
        }),
    }
}

#[test]
fn fixtures_give_what_they_expect() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut seen = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let fixture: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let event = &fixture["input"]["event"];
        let decision = transform(
            &fixture["settings"].to_string(),
            event["type"].as_str().unwrap(),
            event["created_at_ms"].as_i64().unwrap(),
            &event["data"].to_string(),
        );
        assert_eq!(shown(decision), fixture["expected"], "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 8, "only {seen} fixtures were found");
}

#[test]
fn nothing_clinical_leaves() {
    let data = r#"{
        "customer_id": "cus_xyz", "region_code": "US-TX", "diagnosis": "SECRET",
        "establishment": {"established": {"notes": "SECRET"}, "appointment_id": "SECRET", "provider_id": "SECRET"},
        "consultation": {"notes": "SECRET"}, "customer": {"birth_date": "SECRET", "conditions": ["SECRET"]}
    }"#;
    let decision = transform("{}", "compliance.establishment_fulfilled", 0, data).unwrap();
    let Decision::Send(outgoing) = decision else { panic!("skipped") };
    assert!(!String::from_utf8(outgoing.body).unwrap().contains("SECRET"));
}

#[test]
fn settings_are_checked() {
    let located = |settings: &str| {
        let fault = transform(settings, "order.paid", 0, r#"{"customer_id": "cus_xyz"}"#).unwrap_err();
        (fault.code, fault.location.unwrap_or_default())
    };
    assert_eq!(located("{"), ("settings", "line 1 column 1".to_owned()));
    assert_eq!(located("[]"), ("settings", String::new()));
    assert_eq!(located(r#"{"revision": "a\r\nb"}"#), ("settings", "/revision".to_owned()));
    assert_eq!(located(r#"{"properties": [1]}"#), ("settings", "/properties/0".to_owned()));
    assert_eq!(located(r#"{"metrics": {"order.paid": 1}}"#), ("settings", "/metrics/order.paid".to_owned()));
}
