//! HL7 v2 over HTTP: what a sender of it posts, and the acknowledgement that it reads.

use crate::harness::{Gateway, guests};
use hookwright::client::Answer;
use http::Method;
use serde_json::{Value, json};

/// A discharge after a video visit, in these separators.
fn discharge(control_id: &str, patient: &str, more: &str) -> String {
    format!(
        "MSH|^~\\&|EMR|CLINIC|HW|US|20260104163100-0600||ADT^A03|{control_id}|P|2.5.1{more}\r\
         EVN|A03|20260104163000-0600\r\
         PID|1||{patient}^^^EMR^MR||EXAMPLE^ADA||19800101|F|||1 MAIN ST^^AUSTIN^TX^78701^USA^H\r\
         PV1|1|V|||||1234567893^DOE^JANE^^^^^^NPI^L^^^NPI||||||||||||VN17|||||||||||||||||||||||||20260104161500-0600|20260104163000-0600\r"
    )
}

async fn gateway(fields: Value) -> Gateway {
    let gateway = Gateway::builder().without_plugins().start().await;
    gateway.push("hl7v2", guests::hl7v2()).await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    let mut body = json!({ "plugin": "hl7v2", "verification": { "type": "none" } });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    gateway.source_open("emr", body).await;
    gateway
}

async fn post(gateway: &Gateway, body: impl Into<Vec<u8>>) -> Answer {
    let headers = [("content-type", "application/hl7-v2")];
    gateway.public.send(Method::POST, "/webhooks/emr/adt", &headers, body.into()).await.unwrap()
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discharge_establishes_and_is_acknowledged_in_its_own_separators() {
    let gateway = gateway(json!({})).await;
    let answer = post(&gateway, discharge("C-1", "cus_xyz", "")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").unwrap().starts_with("application/hl7-v2"));
    let said = text(&answer);
    assert!(said.starts_with("MSH|^~\\&|HW|US|EMR|CLINIC|") && said.contains("|ACK^A03"), "{said}");
    assert!(said.contains("|P|2.5.1") && said.contains("\rMSA|AA|C-1\r"), "{said}");
    assert_eq!(gateway.list("/admin/establishments?customer_id=cus_xyz").await.len(), 1);
    let events = gateway.list("/admin/events?type=compliance.establishment_fulfilled").await;
    let event = gateway.read(&format!("/admin/events/{}", events[0]["id"].as_str().unwrap())).await;
    let data = &event["data"];
    assert_eq!(
        (&data["consultation"]["duration_minutes"], &data["consultation"]["duration_source"]),
        (&json!(15), &json!("derived"))
    );
    assert_eq!(data["provenance"]["region_source"], "customer_address");
    assert_eq!(data["provenance"]["reported"]["completed_at_source"], "PV1-45");
    // The same again is the same message.
    assert!(text(&post(&gateway, discharge("C-1", "cus_xyz", "")).await).contains("MSA|AA|C-1"));
    assert_eq!(gateway.list("/admin/messages").await.len(), 1);

    let odd = discharge("C-2", "cus_xyz", "").replace('|', "#").replace("^~\\&", "*~!$").replace('^', "*");
    let said = text(&post(&gateway, odd).await);
    assert!(said.starts_with("MSH#*~!$#HW#US#EMR#CLINIC#") && said.contains("\rMSA#AA#C-2\r"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_told_in_hl7_with_its_place_and_without_its_value() {
    let gateway = gateway(json!({})).await;
    let answer =
        post(&gateway, discharge("C-1", "cus_xyz", "").replace("20260104163000-0600\r", "20261304163000-0600\r")).await;
    let said = text(&answer);
    assert_eq!(answer.status, 200);
    assert!(said.contains("MSA|AE|C-1") && said.contains("\rERR|") && !said.contains("20261304"), "{said}");
    let messages = gateway.list("/admin/messages?status=rejected").await;
    assert_eq!(messages.len(), 1);
    assert!(!messages[0]["reason"].to_string().contains("20261304"), "{messages:?}");
    // A rejected message may be mended and sent again.
    assert!(text(&post(&gateway, discharge("C-1", "cus_xyz", "")).await).contains("MSA|AA|C-1"));
    for bytes in [&b"MSH"[..], b"MSH|", b"no HL7 at all", b""] {
        let answer = post(&gateway, bytes).await;
        let said = text(&answer);
        assert!(
            answer.status == 200 && (said.contains("\rMSA|AR|") || said.contains("\rMSA|AE|")),
            "{} {said}",
            answer.status
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_message_never_establishes() {
    let gateway = gateway(json!({})).await;
    for id in ["T", "D"] {
        let message = discharge(&format!("C-{id}"), "cus_xyz", "").replace("|P|2.5.1", &format!("|{id}|2.5.1"));
        let said = text(&post(&gateway, message).await);
        assert!(said.contains("MSA|AA|") && said.contains(&format!("|{id}|2.5.1")), "{said}");
    }
    assert!(gateway.list("/admin/establishments").await.is_empty());
    assert!(gateway.list("/admin/events?type=compliance.establishment_fulfilled").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_is_missing_is_told_only_to_those_who_want_to_know() {
    let persist = gateway(json!({ "plugin": "not-there" })).await;
    assert!(text(&post(&persist, discharge("C-1", "cus_xyz", "")).await).contains("MSA|AA|C-1"));
    let enhanced = text(&post(&persist, discharge("C-2", "cus_xyz", "|||AL|AL")).await);
    assert!(enhanced.contains("MSA|CA|C-2"), "{enhanced}");
    let processed = gateway(json!({ "plugin": "not-there", "ack": "on_processed" })).await;
    assert!(text(&post(&processed, discharge("C-1", "cus_xyz", "")).await).contains("MSA|AE|C-1"));
    let enhanced = text(&post(&processed, discharge("C-2", "cus_xyz", "|||AL|AL")).await);
    assert!(enhanced.contains("MSA|AE|C-2"), "{enhanced}");
    // It is kept, and taken up when the plugin is there; whoever sends it again then hears so.
    processed.push("not-there", guests::hl7v2()).await;
    crate::harness::eventually("the message is processed", async || {
        let rows = processed.list("/admin/messages?status=processed").await;
        (rows.len() == 2).then_some(())
    })
    .await;
    assert!(text(&post(&processed, discharge("C-1", "cus_xyz", "")).await).contains("MSA|AA|C-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_answered_by_a_batch() {
    let gateway = gateway(json!({})).await;
    let batch = format!(
        "BHS|^~\\&|EMR|CLINIC|HW|US\r{}{}BTS|2\r",
        discharge("C-1", "cus_xyz", ""),
        discharge("C-2", "cus_xyz", "")
    );
    let said = text(&post(&gateway, batch).await);
    assert!(said.starts_with("BHS|") && said.contains("MSA|AA|C-1") && said.contains("MSA|AA|C-2"), "{said}");
}
