//! Who is believed: signatures right, wrong, missing, stale and cut short.

use super::{assert_problem, post};
use crate::harness::{Gateway, SourceClient, video_call};
use hookwright_core::secret::{RawSecret, SigningSecret};
use hookwright_core::signature::{Scheme, sign_v1};
use http::StatusCode;
use serde_json::json;

const PATH: &str = "/webhooks/emr/video-call-completed";
const DAY_SECS: i64 = 86_400;

async fn nothing_was_kept(gateway: &Gateway) {
    assert!(gateway.list("/admin/messages").await.is_empty());
    assert!(gateway.list("/admin/establishments").await.is_empty());
}

/// The headers of a well-signed request, to be bent.
fn signed(emr: &SourceClient, now_secs: i64, body: &[u8]) -> Vec<(String, String)> {
    let headers = emr.sign("msg_1", now_secs, body).into_iter();
    headers.map(|(name, value)| (name.to_owned(), value)).collect()
}

async fn send(gateway: &Gateway, headers: &[(String, String)], body: &[u8]) -> hookwright::client::Answer {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    post(gateway, PATH, &headers, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_as_it_should_be_is_refused_and_not_kept() {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    let body = video_call("cus_xyz", "appt_1").to_string().into_bytes();
    let now_secs = gateway.now_ms() / 1000;
    let good = signed(&emr, now_secs, &body);
    let without = |name: &str| good.iter().filter(|(other, _)| other != name).cloned().collect::<Vec<_>>();
    let with = |name: &str, value: &str| {
        let mut headers = without(name);
        headers.push((name.to_owned(), value.to_owned()));
        headers
    };
    let signature = good[2].1.clone();
    let stranger = SigningSecret::generate([9; 32]);
    let forged = sign_v1(&[stranger], "msg_1", now_secs, &body);
    for (headers, code) in [
        (Vec::new(), "missing_header"),
        (without("webhook-id"), "missing_header"),
        (without("webhook-timestamp"), "missing_header"),
        (without("webhook-signature"), "missing_header"),
        (with("webhook-signature", ""), "malformed_header"),
        (with("webhook-signature", "v1,"), "malformed_header"),
        (with("webhook-signature", &signature[..20]), "malformed_header"),
        (with("webhook-signature", &signature.replace("v1,", "v2,")), "malformed_header"),
        (with("webhook-signature", &forged), "signature_mismatch"),
        (with("webhook-id", "msg_2"), "signature_mismatch"),
        (with("webhook-timestamp", "yesterday"), "malformed_header"),
        (signed(&emr, now_secs - 301, &body), "timestamp_out_of_tolerance"),
        (signed(&emr, now_secs + 360, &body), "timestamp_out_of_tolerance"),
        (signed(&emr, now_secs - DAY_SECS, &body), "timestamp_out_of_tolerance"),
        (signed(&emr, now_secs * 1000, &body), "timestamp_out_of_tolerance"),
    ] {
        let answer = send(&gateway, &headers, &body).await;
        assert_problem(&answer, 401, code);
        let told = answer.json().to_string();
        assert!(!told.contains(&*signature) && !told.contains("cus_xyz"), "{told}");
    }
    let mut doubled = good.clone();
    doubled.push(good[0].clone());
    assert_problem(&send(&gateway, &doubled, &body).await, 401, "malformed_header");
    let mut other = body.clone();
    other.push(b' ');
    assert_problem(&send(&gateway, &good, &other).await, 401, "signature_mismatch");
    nothing_was_kept(&gateway).await;
    assert_eq!(send(&gateway, &good, &body).await.status, StatusCode::OK, "and the good one is taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_good_signature_among_others_is_enough() {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    let body = video_call("cus_xyz", "appt_1").to_string().into_bytes();
    let mut headers = signed(&emr, gateway.now_ms() / 1000, &body);
    let wrong = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    headers[2].1 = format!("v2,x {wrong} {wrong} {}", headers[2].1);
    assert_eq!(send(&gateway, &headers, &body).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generic_scheme_is_carried_out_as_it_is_written() {
    let gateway = Gateway::start().await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    let scheme = json!({
        "type": "hmac",
        "header": "X-Hub-Signature",
        "prefix": "sha512=",
        "digest": "sha512",
        "encoding": "base64",
        "timestamp_header": "X-Time",
        "id_header": "X-Delivery",
    });
    let secret = "It's a Secret to Everybody";
    let fields = json!({ "verification": scheme, "secrets": [secret] });
    gateway.source_open("emr", fields).await;
    let Scheme::Hmac(hmac) = serde_json::from_value(scheme).unwrap() else { panic!("an hmac scheme") };
    let body = video_call("cus_xyz", "appt_1").to_string().into_bytes();
    let time = (gateway.now_ms() / 1000).to_string();
    let mut headers = vec![("X-Time".to_owned(), time), ("X-Delivery".to_owned(), "d1".to_owned())];
    let signature = hmac.sign(&RawSecret::parse(secret).unwrap(), &headers, &body).unwrap();
    headers.push(("X-Hub-Signature".to_owned(), signature.clone()));
    let taken = send(&gateway, &headers, &body).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.json());
    assert_eq!(send(&gateway, &headers, &body).await.json()["duplicate"], true);
    headers[2].1 = signature.replace("sha512=", "");
    assert_problem(&send(&gateway, &headers, &body).await, 401, "malformed_header");
    headers[2].1 = signature[..signature.len() - 4].to_owned();
    assert_problem(&send(&gateway, &headers, &body).await, 401, "malformed_header");
    assert_eq!(gateway.list("/admin/messages").await.len(), 1);
}
