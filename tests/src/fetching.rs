//! Messages that name things without telling them: the partner is asked, with the credentials and within the bounds of the source, and nothing is lost in between.

mod away;
mod crash;
mod nodes;
mod partner;

use crate::harness::patience::eventually;
use crate::harness::{Gateway, SourceClient, guests};
use http::{Method, StatusCode};
use partner::{Answer, Partner};
use serde_json::{Value, json};

/// An R4 notification that names an encounter, and does not tell it.
fn notification(number: u32, focus: &str) -> Value {
    json!({
        "resourceType": "Bundle", "type": "history", "id": format!("n{number}"),
        "entry": [{ "resource": { "resourceType": "Parameters", "parameter": [
            { "name": "subscription", "valueReference": { "reference": "Subscription/encounters" } },
            { "name": "status", "valueCode": "active" },
            { "name": "type", "valueCode": "event-notification" },
            { "name": "events-since-subscription-start", "valueString": number.to_string() },
            { "name": "notification-event", "part": [
                { "name": "event-number", "valueString": number.to_string() },
                { "name": "timestamp", "valueInstant": "2026-01-04T22:30:05Z" },
                { "name": "focus", "valueReference": { "reference": focus } },
            ]},
        ]}}],
    })
}

fn encounter(id: &str, patient: &str) -> Answer {
    let encounter = json!({
        "resourceType": "Encounter", "id": id, "status": "finished",
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR" },
        "subject": { "reference": format!("Patient/{patient}") },
        "period": { "start": "2026-01-04T22:15:00Z", "end": "2026-01-04T22:30:00Z" },
    });
    (200, encounter.to_string())
}

/// A gateway with the FHIR plugin and the customer that encounters are about.
async fn gateway() -> Gateway {
    let gateway = Gateway::builder().without_plugins().start().await;
    gateway.push("fhir", guests::fhir()).await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    gateway
}

/// A source of that plugin whose partner may be asked at `base`.
async fn source(gateway: &Gateway, base: &str, credentials: Value) -> SourceClient {
    let fetch = json!({ "base_url": base, "credentials": credentials, "attempts_max": 3, "rate_per_second": 1000 });
    gateway.source_with("ehr", json!({ "plugin": "fhir", "fetch": fetch })).await
}

async fn settled(gateway: &Gateway, id: &Value) -> Value {
    let path = format!("/admin/messages/{}", id.as_str().unwrap());
    eventually("the message is settled", async || {
        let message = gateway.read(&path).await;
        (message["status"] != "fetching").then_some(message)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_named_is_asked_for_and_takes_effect() {
    let partner = Partner::start(|_, asked| match asked.path.as_str() {
        "/fhir/Encounter/e1" => Some(encounter("e1", "cus_xyz")),
        _ => Some((404, String::new())),
    })
    .await;
    let gateway = gateway().await;
    let ehr =
        source(&gateway, &partner.url("/fhir/"), json!({ "type": "bearer", "token": "t0ken-of-the-partner" })).await;
    let answer = ehr.post(&gateway, "notify", &notification(1, "Encounter/e1")).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let told = answer.json();
    assert!(["fetching", "processed"].contains(&told["status"].as_str().unwrap()), "{told}");
    let message = settled(&gateway, &told["message_id"]).await;
    assert_eq!(message["status"], "processed", "{message}");
    assert_eq!(message["secret_id"], gateway.list("/admin/sources").await[0]["secret_ids"][0]);
    assert_eq!(message["authentication"], "verified");
    let establishments = gateway.list("/admin/establishments?customer_id=cus_xyz").await;
    assert_eq!(establishments[0]["region"], "US-TX");
    let asked = partner.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(
        (asked[0].method.as_str(), asked[0].authorization.as_deref()),
        ("GET", Some("Bearer t0ken-of-the-partner"))
    );
    // The same notification again asks nobody.
    let again = ehr.post(&gateway, "notify", &notification(1, "Encounter/e1")).await;
    assert_eq!(again.json()["duplicate"], true);
    assert_eq!(partner.asked().len(), 1);
    // Nothing shows the credential again.
    let shown = gateway.read("/admin/sources").await.to_string();
    assert!(!shown.contains("t0ken-of") && shown.contains("…tner"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_on_the_list_is_asked() {
    let partner = Partner::start(|_, _| Some(encounter("e1", "cus_xyz"))).await;
    let stranger = Partner::start(|_, _| Some(encounter("e1", "cus_xyz"))).await;
    let gateway = gateway().await;
    let ehr = source(&gateway, &partner.url("/fhir/"), json!({ "type": "bearer", "token": "t0ken" })).await;
    for focus in [stranger.url("/fhir/Encounter/e1"), partner.url("/admin/Encounter/e1")] {
        let answer = ehr.post(&gateway, "notify", &notification(1, &focus)).await;
        let message = settled(&gateway, &answer.json()["message_id"]).await;
        assert_ne!(message["status"], "processed", "{message}");
    }
    assert!(stranger.asked().is_empty() && partner.asked().is_empty());
    assert!(gateway.list("/admin/establishments").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_may_be_asked_later_finds_the_message_kept() {
    let partner = Partner::start(|_, _| Some(encounter("e1", "cus_xyz"))).await;
    let gateway = gateway().await;
    let ehr = gateway.source_with("ehr", json!({ "plugin": "fhir" })).await;
    let answer = ehr.post(&gateway, "notify", &notification(1, "Encounter/e1")).await.json();
    assert_eq!(
        (answer["status"].as_str(), answer["reason"]["code"].as_str()),
        (Some("quarantined"), Some("fetch_not_configured"))
    );
    let patch = json!({ "fetch": { "base_url": partner.url("/fhir/") } });
    let patched = gateway.request(Method::PATCH, &format!("/admin/sources/{}", ehr.id), &patch).await;
    assert_eq!(patched.status, StatusCode::OK, "{}", patched.json());
    let message = format!("/admin/messages/{}", answer["message_id"].as_str().unwrap());
    eventually("the message is processed", async || {
        (gateway.read(&message).await["status"] == "processed").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_had_once_and_again_when_it_is_refused() {
    // The second token is the one that is taken in the end.
    let partner = Partner::start(|_, asked| match (asked.path.as_str(), asked.authorization.as_deref()) {
        ("/token", _) => {
            let number = if asked.body.contains("scope=system") { "t" } else { "no scope" };
            Some((200, json!({ "access_token": number, "token_type": "bearer", "expires_in": 300 }).to_string()))
        }
        (path, Some("Bearer t")) => Some(encounter(&path[path.len() - 2..], "cus_xyz")),
        _ => Some((401, String::new())),
    })
    .await;
    let gateway = gateway().await;
    let credentials = json!({ "type": "oauth2_client_credentials", "token_url": partner.url("/token"), "client_id": "hook:wright",
        "client_secret": "s3cret", "scope": "system/Encounter.rs" });
    let ehr = source(&gateway, &partner.url("/fhir/"), credentials).await;
    for number in 1..=4 {
        let focus = format!("Encounter/e{number}");
        let answer = ehr.post(&gateway, "notify", &notification(number, &focus)).await.json();
        assert_eq!(settled(&gateway, &answer["message_id"]).await["status"], "processed");
    }
    let asked = partner.asked();
    let tokens: Vec<_> = asked.iter().filter(|asked| asked.path == "/token").collect();
    assert_eq!((tokens.len(), asked.len()), (1, 5), "{asked:?}");
    // RFC 6749 §2.3.1: encoded before they are joined, so that a colon in the id stays one.
    let expected = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "hook%3Awright:s3cret");
    assert_eq!(tokens[0].authorization.as_deref(), Some(format!("Basic {expected}").as_str()));
    assert!(tokens[0].body.contains("grant_type=client_credentials"), "{tokens:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_renewed_once_and_not_for_ever() {
    let partner = Partner::start(|before, asked| match asked.path.as_str() {
        "/token" => Some((200, json!({ "access_token": format!("t{before}") }).to_string())),
        _ => Some((401, String::new())),
    })
    .await;
    let gateway = gateway().await;
    let credentials = json!({ "type": "oauth2_client_credentials", "token_url": partner.url("/token"), "client_id": "c",
        "client_secret": "s3cret", "client_authentication": "body" });
    let ehr = source(&gateway, &partner.url("/fhir/"), credentials).await;
    let answer = ehr.post(&gateway, "notify", &notification(1, "Encounter/e1")).await.json();
    let message = settled(&gateway, &answer["message_id"]).await;
    assert_ne!(message["status"], "processed");
    let paths: Vec<String> = partner.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths, ["/token", "/fhir/Encounter/e1", "/token", "/fhir/Encounter/e1"]);
    let asked = partner.asked();
    assert!(asked[0].body.contains("client_id=c") && asked[0].body.contains("client_secret=s3cret"), "{asked:?}");
    assert_ne!(asked[1].authorization, asked[3].authorization);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_assertion_gets_a_token() {
    let partner = Partner::start(|_, asked| match asked.path.as_str() {
        "/token" => Some((200, json!({ "access_token": "t", "token_type": "bearer", "expires_in": 300 }).to_string())),
        _ => Some(encounter("e1", "cus_xyz")),
    })
    .await;
    let gateway = gateway().await;
    let key = std::fs::read_to_string(crate::harness::root().join("gateway/server/src/fetch/keys/p384.pem")).unwrap();
    let credentials = json!({ "type": "private_key_jwt", "token_url": partner.url("/token"), "client_id": "c", "algorithm": "ES384",
        "private_key": key, "key_id": "2026", "scope": "system/*.rs" });
    let ehr = source(&gateway, &partner.url("/fhir/"), credentials).await;
    let answer = ehr.post(&gateway, "notify", &notification(1, "Encounter/e1")).await.json();
    assert_eq!(settled(&gateway, &answer["message_id"]).await["status"], "processed");
    let asked = partner.asked();
    let body = &asked[0].body;
    assert!(
        body.contains("client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"),
        "{body}"
    );
    let assertion = body.split('&').find_map(|pair| pair.strip_prefix("client_assertion=")).unwrap();
    assert_eq!(assertion.split('.').count(), 3);
    assert_eq!(asked[1].authorization.as_deref(), Some("Bearer t"));
    assert!(!gateway.read("/admin/sources").await.to_string().contains("PRIVATE KEY"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_is_asked_again() {
    let partner =
        Partner::start(|before, _| Some(if before == 0 { (503, String::new()) } else { encounter("e1", "cus_xyz") }))
            .await;
    let gateway = gateway().await;
    let ehr = source(&gateway, &partner.url("/fhir/"), json!({ "type": "none" })).await;
    let answer = ehr.post(&gateway, "notify", &notification(1, "Encounter/e1")).await.json();
    let message = settled(&gateway, &answer["message_id"]).await;
    assert_eq!(message["status"], "processed", "{message}");
    assert_eq!(partner.asked().len(), 2);
}
