//! Partners without a preset: each scheme is stated through the API as an integrator would, and its requests are sent over the wire. The same
//! cases stand beside the engine; their signatures were made by other programs.

use super::send;
use crate::harness::command::run_on;
use crate::harness::{Gateway, root};
use hookwright_store::ManualClock;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

const CASES: &str = include_str!("../../../gateway/core/src/signature/schemes.json");
const NOW_MS: i64 = 1_700_000_000_000;
const BODY: &str = r#"{"event":"video_call.completed","data":{"appointment_id":"apt_1"}}"#;

/// What one case, or a change of it, says of the request.
fn field<'a>(case: &'a Value, change: &'a Value, name: &str) -> Option<&'a Value> {
    change.get(name).or_else(|| case.get(name))
}

async fn ask(gateway: &Gateway, slug: &str, case: &Value, change: &Value) -> hookwright::client::Answer {
    let text = |name: &str| field(case, change, name).and_then(Value::as_str);
    let method: Method = text("method").unwrap_or("POST").parse().unwrap();
    let query = text("query").filter(|query| !query.is_empty()).map(|query| format!("?{query}")).unwrap_or_default();
    let path = format!("/webhooks/{slug}{}{query}", text("path").unwrap_or_default());
    let headers: Vec<(String, String)> =
        serde_json::from_value(field(case, change, "headers").unwrap().clone()).unwrap();
    send(gateway, method, &path, &headers, text("body").unwrap_or(BODY)).await
}

#[test]
fn every_example_of_the_partners_readme_is_one_that_was_tried() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    let page = std::fs::read_to_string(root().join("examples").join("partners").join("README.md")).unwrap();
    let blocks: Vec<&str> =
        page.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap().trim()).collect();
    assert!(blocks.len() >= 9);
    for block in blocks {
        let example: Value = serde_json::from_str(block).unwrap();
        assert!(cases.iter().any(|case| case["verification"] == example), "{block}");
    }
}

/// What `verify` says of a case, or of a change of it: the code of what is wrong, if anything is.
fn told(directory: &Path, case: &Value, change: &Value) -> Option<String> {
    let text = |name: &str| field(case, change, name).and_then(Value::as_str).unwrap_or_default();
    let base = if text("public_url").is_empty() { "https://hooks.example.com/s" } else { text("public_url") };
    let query = if text("query").is_empty() { String::new() } else { format!("?{}", text("query")) };
    let method = if text("method").is_empty() { "POST" } else { text("method") };
    let headers: Vec<(String, String)> =
        serde_json::from_value(field(case, change, "headers").unwrap().clone()).unwrap();
    let mut arguments = vec!["verify".to_owned(), "--json".to_owned()];
    for (flag, value) in [
        ("--scheme", case["verification"].to_string()),
        ("--secret", case["secrets"][0].as_str().unwrap().to_owned()),
        ("--at", (NOW_MS / 1000).to_string()),
        ("--method", method.to_owned()),
        ("--public-url", format!("{base}{}{query}", text("path"))),
    ] {
        arguments.extend([flag.to_owned(), value]);
    }
    arguments.extend(headers.iter().flat_map(|(name, value)| ["-H".to_owned(), format!("{name}: {value}")]));
    let body = if field(case, change, "body").is_none() { BODY } else { text("body") };
    let ran = run_on(directory, &arguments, body.as_bytes());
    let verdict = ran.json();
    verdict["code"].as_str().map(str::to_owned)
}

#[test]
fn the_command_says_of_each_request_what_the_gateway_says() {
    let directory = tempfile::tempdir().unwrap();
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    // It takes one secret.
    for case in cases.iter().filter(|case| case["secrets"].as_array().unwrap().len() == 1) {
        assert_eq!(told(directory.path(), case, &json!({})), None, "{}", case["name"]);
        for change in case["refused"].as_array().unwrap() {
            assert_eq!(told(directory.path(), case, change).as_deref(), change["code"].as_str(), "{}", case["name"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scheme_can_be_stated_and_its_requests_are_told_from_others() {
    let gateway = Gateway::builder().without_plugins().clock(Arc::new(ManualClock::at(NOW_MS))).start().await;
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    for (at, case) in cases.iter().enumerate() {
        let (slug, name) = (format!("s-{at}"), &case["name"]);
        let source = json!({ "slug": slug, "plugin": "my-plugin", "verification": case["verification"], "secrets": case["secrets"],
            "public_url": case["public_url"] });
        let made = gateway.make("/admin/sources", &source).await;
        assert_eq!(made["verification"]["type"], case["verification"]["type"], "{name}");
        let taken = ask(&gateway, &slug, case, &json!({})).await;
        assert_eq!(taken.status, StatusCode::ACCEPTED, "{name}: {}", taken.json());
        let message = gateway.read(&format!("/admin/messages/{}", taken.json()["message_id"].as_str().unwrap())).await;
        let secret_at = usize::try_from(case["secret_at"].as_u64().unwrap_or(0)).unwrap();
        assert_eq!(
            (&message["authentication"], &message["secret_id"]),
            (&case["tier"], &made["secret_ids"][secret_at]),
            "{name}"
        );
        for change in case["refused"].as_array().unwrap() {
            let refused = ask(&gateway, &slug, case, change).await;
            assert_eq!(
                (refused.status, &refused.json()["code"]),
                (StatusCode::UNAUTHORIZED, &change["code"]),
                "{name}: {change}: {}",
                refused.json()
            );
        }
        // What is shown can be put back, and verifies as before.
        let put = gateway
            .request(
                Method::PATCH,
                &format!("/admin/sources/{}", made["id"].as_str().unwrap()),
                &json!({ "name": "x" }),
            )
            .await;
        assert_eq!((put.status, &put.json()["verification"]), (StatusCode::OK, &made["verification"]), "{name}");
    }
    assert_eq!(gateway.list("/admin/messages?limit=200").await.len(), cases.len());
}
