//! What a partner hears whose request does not verify: a header's name, never what it holds.

use super::{SECRET, connect, send};
use crate::harness::Gateway;
use http::Method;
use serde_json::{Value, json};

/// A preset, and the query and headers of a request that it refuses.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_the_place_and_never_a_value() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let public_url = "https://hooks.example.com/webhooks/twilio";
    for (id, more) in [
        ("zoom", json!({})),
        ("github", json!({})),
        ("stripe", json!({})),
        ("athenahealth", json!({})),
        ("health-gorilla", json!({})),
        ("twilio", json!({ "public_url": public_url })),
        ("redox", json!({})),
        ("zus", json!({ "secret": "zus:an-example-secret" })),
        ("meta", json!({})),
    ] {
        connect(&gateway, id, more).await;
    }
    let zeros = "0".repeat(64);
    let cases: [Case<'_>; 12] = [
        ("zoom", "", &[]),
        ("zoom", "", &[("x-zm-signature", "v1=00"), ("x-zm-request-timestamp", "1")]),
        ("github", "", &[("x-hub-signature-256", &format!("sha256={zeros}"))]),
        ("stripe", "", &[("stripe-signature", "v1=00")]),
        ("stripe", "", &[("stripe-signature", &format!("t=1,v1={zeros}"))]),
        ("athenahealth", "", &[("x-hub-signature", "md5=00")]),
        (
            "health-gorilla",
            "",
            &[("x-hg-signature", &format!("sha512={zeros}{zeros}")), ("x-hg-eventid", "1"), ("date", "today")],
        ),
        ("twilio", "?bodySHA256=00", &[("x-twilio-signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8=")]),
        ("redox", "", &[("verification-token", "s3cret-guess")]),
        ("zus", "", &[("authorization", "Bearer s3cret-guess")]),
        ("redox", "?challenge=s3cret-challenge&verification-token=s3cret-guess", &[("GET", "")]),
        ("meta", "?hub.mode=subscribe&hub.challenge=s3cret-challenge&hub.verify_token=s3cret-guess", &[("GET", "")]),
    ];
    let mut told = Vec::new();
    for (id, query, headers) in cases {
        let (method, headers) =
            if headers.first() == Some(&("GET", "")) { (Method::GET, &[][..]) } else { (Method::POST, headers) };
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let answer = send(&gateway, method, &format!("/webhooks/{id}{query}"), &headers, "{\"a\":1}").await;
        let mut problem: Value = answer.json();
        assert_eq!(answer.status, 401, "{id}: {problem}");
        problem.as_object_mut().unwrap().remove("request_id");
        let text = problem.to_string();
        assert!(!text.contains("s3cret") && !text.contains(SECRET) && !text.contains(&zeros), "{text}");
        told.push(format!("{id}: {} | {}", problem["code"].as_str().unwrap(), problem["detail"].as_str().unwrap()));
    }
    insta::assert_snapshot!(told.join("\n"));
    assert!(gateway.list("/admin/messages").await.is_empty());
}
