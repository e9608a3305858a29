//! Fixtures made of what is on record: nothing of a patient is in them, and they pass.

use super::{plugin, refused};
use crate::harness::{Gateway, Receiver, eventually, guests};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// What must not be in a fixture, in any form; long enough that none comes about by chance.
const SECRETS: [&str; 13] = [
    "Ada Lovelace",
    "Lovelace",
    "1931-05-17",
    "555-0199",
    "5550199",
    "cus_xyz",
    "appt_77123",
    "dr_kildare",
    "MRN-004711",
    "47114711",
    "12 Elm St",
    "headache",
    "2026-02-11",
];

fn call() -> Value {
    json!({
        "event": "video_call.completed",
        "patient_external_id": "cus_xyz",
        "appointment_id": "appt_77123",
        "provider_id": "dr_kildare",
        "call_duration_minutes": 17,
        "completed_at": "2026-02-11T09:41:17Z",
        "patient": {
            "name": "Ada Lovelace", "date_of_birth": "1931-05-17", "phone": "(512) 555-0199", "mrn": "MRN-004711",
            "record": 47_114_711, "smoker": false, "spouse": null,
        },
        "note": "Ada Lovelace has had a headache since May; call (512) 555-0199.",
        "patient_location": { "line1": "12 Elm St", "city": "Austin", "state": "TX", "postal_code": "78701", "country": "US" },
        "related": ["cus_xyz", { "reference": "appointment/appt_77123" }],
    })
}

/// The recorded files, in order.
fn fixtures(directory: &Path) -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            for secret in SECRETS {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
            (path.file_name().unwrap().to_string_lossy().into_owned(), serde_json::from_str(&text).unwrap())
        })
        .collect();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found
}

/// Panics unless the fixtures pass, as integrators run them.
fn pass(gateway: &Gateway, component: &[u8], directory: &str) {
    fs::write(gateway.directory().join("tested.wasm"), component).unwrap();
    let tested = ["plugin", "test", "tested.wasm", "--fixtures", directory, "--json"];
    let ran = crate::harness::command::run(gateway.directory(), tested).expect(0);
    assert!(ran.out.contains("\"passed\""), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_partners_sent_becomes_fixtures_without_a_patient() {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    let hook = "video-call-completed?patient=cus_xyz&kind=Lovelace";
    let sent = emr.post(&gateway, hook, &call()).await;
    assert!(sent.status.is_success(), "{}", sent.json());
    let message = sent.json()["message_id"].as_str().unwrap().to_owned();
    emr.post(&gateway, "video-call-completed", &json!({ "event": "chat.started", "patient": "Ada Lovelace" })).await;

    let ran = plugin(&gateway, &["record", "emr-video-call", "--keep", "/patient_location/state"]).expect(0);
    assert!(ran.out.contains("fixtures/recorded-1.json") && ran.out.contains("Before you commit"), "{}", ran.out);
    let recorded = fixtures(&gateway.directory().join("fixtures"));
    assert_eq!(
        recorded.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["recorded-1.json", "recorded-2.json"]
    );
    pass(&gateway, guests::emr_video_call(), "fixtures");

    let (first, second) = (&recorded[0].1, &recorded[1].1);
    let body = &first["input"]["body"];
    assert_eq!(body["event"], "video_call.completed", "the word that says what it is stays");
    assert_eq!(body["patient_location"]["state"], "TX", "what was asked to stay stays");
    assert_eq!((&body["patient"]["smoker"], &body["patient"]["spouse"]), (&json!(false), &Value::Null));
    assert_eq!(body["patient_external_id"], body["related"][0], "the same id, the same replacement");
    assert!(body["related"][1]["reference"].as_str().unwrap().ends_with(body["appointment_id"].as_str().unwrap()));
    assert_eq!(first["input"]["query"][0][0], "patient");
    assert_eq!(first["input"]["query"][0][1], body["patient_external_id"]);
    assert_eq!(first["input"]["headers"].as_object().unwrap().keys().collect::<Vec<_>>(), ["content-type"]);
    let found = &first["expected"]["accepted"];
    assert!(found.is_object() && found.to_string().contains(body["appointment_id"].as_str().unwrap()), "{first}");
    assert_eq!(second["expected"]["refusal"]["location"], "/event");
    let entry = &gateway.list("/admin/audit?limit=1").await[0];
    assert_eq!((entry["action"].as_str(), entry["target"].as_str()), (Some("plugin.recorded"), Some("emr-video-call")));

    // Another recording goes beside it, with other replacements: the key is not kept.
    let one = ["record", "emr-video-call", "--message", &message];
    let again = plugin(&gateway, &one).expect(0);
    assert!(again.out.starts_with("fixtures/recorded-3.json"), "{}", again.out);
    let recorded = fixtures(&gateway.directory().join("fixtures"));
    assert_ne!(recorded[2].1["input"]["body"]["patient_external_id"], body["patient_external_id"]);
    let json = plugin(&gateway, &[&one[..], &["--json", "-o", "elsewhere"]].concat()).expect(0).json();
    assert_eq!(json["fixtures"].as_array().map(Vec::len), Some(1));
    assert!(!gateway.directory().join("elsewhere").exists(), "JSON goes to standard output alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_out_becomes_fixtures_without_a_patient() {
    let gateway = Gateway::start().await;
    let mut receiver = Receiver::start().await;
    let transform = json!({ "transform": { "plugin": "klaviyo-profile", "settings": { "revision": "2026-01-15" } } });
    gateway.subscribe(&receiver.url("/"), &["order.placed"], transform).await;
    let order = json!({
        "order_id": "ord_47114711", "customer_id": "cus_xyz",
        "customer": { "id": "cus_xyz", "email": "ada@lovelace.example", "name": "Ada Lovelace", "phone": "+15125550199" },
    });
    gateway.publish("order.placed", order).await;
    receiver.next().await;
    let delivery = eventually("it was delivered", async || {
        let rows = gateway.list("/admin/deliveries?status=delivered").await;
        Some(rows.first()?["id"].as_str()?.to_owned())
    })
    .await;
    for (directory, which) in [("last", ["--last", "5"]), ("one", ["--delivery", &delivery])] {
        plugin(&gateway, &[&["record", "klaviyo-profile", "-o", directory][..], &which].concat()).expect(0);
        let recorded = fixtures(&gateway.directory().join(directory));
        assert_eq!(recorded.len(), 1);
        let fixture = &recorded[0].1;
        assert_eq!(
            (fixture["world"].as_str(), fixture["input"]["event"]["type"].as_str()),
            (Some("outbound"), Some("order.placed"))
        );
        assert_eq!(fixture["settings"]["revision"], "2026-01-15", "settings are the operator's");
        assert!(fixture["expected"]["send"].is_object(), "{fixture}");
        pass(&gateway, guests::klaviyo_profile(), directory);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_recorded_is_left_out_or_told() {
    let gateway = Gateway::builder().without_plugins().start().await;
    gateway.push("unruly", guests::unruly()).await;
    gateway.source_open("open", json!({ "verification": { "type": "none" }, "plugin": "unruly" })).await;
    let nothing = plugin(&gateway, &["record", "unruly"]).expect(0);
    assert!(nothing.out.contains("nothing of unruly was recorded"), "{}", nothing.out);
    for (hook, body) in
        [("trap", &b"Ada Lovelace"[..]), ("fine", b"Ada Lovelace"), ("fine", b"\xff\x00Ada\xfe"), ("fine", b"")]
    {
        let path = format!("/webhooks/open/{hook}");
        gateway.public.send(http::Method::POST, &path, &[], body).await.unwrap();
    }
    let ran = plugin(&gateway, &["record", "unruly"]).expect(0);
    assert!(ran.out.contains("1 left out"), "a crash is nothing to expect: {}", ran.out);
    let recorded = fixtures(&gateway.directory().join("fixtures"));
    let inputs: Vec<&Value> = recorded.iter().map(|(_, fixture)| &fixture["input"]).collect();
    assert_eq!((inputs.len(), inputs[0]["body_text"].as_str().map(str::len)), (3, Some(12)));
    assert!(inputs[1]["body_base64"].is_string() && inputs[2].get("body_text").is_none(), "{inputs:?}");
    assert_eq!((inputs[0]["assurance"].as_str(), inputs[0]["scheme"].as_str()), (Some("open"), Some("none")));
    pass(&gateway, guests::unruly(), "fixtures");

    refused(plugin(&gateway, &["record", "none"]), &["404"]);
    refused(plugin(&gateway, &["record", "unruly", "--last", "201"]), &["422", "/last", "200"]);
    refused(plugin(&gateway, &["record", "unruly", "--message", "dlv_1"]), &["422", "/messages/0"]);
    refused(plugin(&gateway, &["record", "unruly", "--keep", "patient"]), &["422", "/keep/0", "JSON pointer"]);
    fs::write(gateway.directory().join("file"), "in the way").unwrap();
    refused(plugin(&gateway, &["record", "unruly", "-o", "file"]), &["cannot write file"]);
}
