//! What a version would make of what is on record.

use super::{keep, key, plugin, plugin_as, push, refused, two_versions, version};
use crate::harness::{Gateway, Receiver, eventually, guests, video_call};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_tried_on_messages() {
    let (gateway, [first, second]) = two_versions().await;
    let other = keep(&gateway, "emr", guests::unruly());
    let emr = gateway.source_with("emr", json!({ "plugin": "emr" })).await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    let mut messages = Vec::new();
    for appointment in ["appt_1", "appt_2", "appt_3"] {
        let answer = emr.post(&gateway, "video-call-completed", &video_call("cus_xyz", appointment)).await;
        messages.push(answer.json()["message_id"].as_str().unwrap().to_owned());
    }
    let active = plugin(&gateway, &["try", "emr", "--strict"]).expect(0);
    assert_eq!(active.out.trim(), format!("version {} of emr: 3 tried, 3 equal, 0 differ, 0 fail", &first[..12]));
    let alike = plugin(&gateway, &["try", "emr", "--version", &second[..8], "--last", "2", "--json"]).expect(0).json();
    assert_eq!((alike["version"].as_str(), alike["tried"].as_u64()), (Some(second.as_str()), Some(2)));

    let one = ["try", "emr", "--version", &other, "--message", &messages[0]];
    let differs = plugin(&gateway, &one).expect(0);
    assert!(differs.out.contains("1 tried, 0 equal, 1 differ, 0 fail"), "{}", differs.out);
    assert!(differs.out.contains(&format!("{}  accepted → ignored", messages[0])), "{}", differs.out);
    assert!(!differs.out.contains("appt_1"), "values are not shown unless asked for: {}", differs.out);
    plugin(&gateway, &[&one[..], &["--strict"]].concat()).expect(1);
    let revealed = plugin(&gateway, &[&one[..], &["--reveal"]].concat()).expect(0);
    assert!(revealed.out.contains("appt_1"), "{}", revealed.out);
    assert_eq!(gateway.list("/admin/audit?limit=1").await[0]["action"], "plugin.tried_with_values");

    refused(plugin(&gateway, &["try", "emr", "--version", "candidate"]), &["409", "no such version"]);
    plugin(&gateway, &["canary", "start", "emr", &other]).expect(0);
    let candidate = plugin(&gateway, &["try", "emr", "--version", "candidate", "--json"]).expect(0).json();
    assert_eq!((candidate["version"].as_str(), candidate["differs"].as_u64()), (Some(other.as_str()), Some(3)));
    assert_eq!(gateway.list("/admin/messages?status=processed").await.len(), 3, "nothing followed from it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_makes_no_sense_is_told() {
    let (gateway, _) = two_versions().await;
    let emr = gateway.source_with("emr", json!({ "plugin": "emr" })).await;
    push(&gateway, "other", &version(guests::emr_video_call(), "other"));
    gateway.customer("cus_xyz", "TX", "78701").await;
    let answer = emr.post(&gateway, "video-call-completed", &video_call("cus_xyz", "appt_1")).await;
    let there = answer.json()["message_id"].as_str().unwrap().to_owned();
    let customer = gateway.list("/admin/events").await[0]["id"].as_str().unwrap().to_owned();
    // An id of another kind of record that is not there: the same digits, as a message's.
    let absent = customer.replace("evt_", "msg_");
    let asked = ["try", "emr", "--message", &there, "--message", &absent];
    let ran = plugin(&gateway, &asked).expect(0);
    assert!(ran.out.contains("1 tried, 1 equal") && ran.out.contains("1 could not be tried"), "{}", ran.out);
    plugin(&gateway, &[&asked[..], &["--strict"]].concat()).expect(1);
    let others = plugin(&gateway, &["try", "other", "--message", &there]).expect(0);
    assert!(others.out.contains("0 tried") && others.out.contains("1 could not be tried"), "{}", others.out);

    refused(plugin(&gateway, &["try", "emr", "--message", "evt_1"]), &["422", "/messages/0"]);
    refused(plugin(&gateway, &["try", "emr", "--last", "0"]), &["422", "/last"]);
    refused(plugin(&gateway, &["try", "emr", "--version", &"0".repeat(64)]), &["409", "no such version"]);
    refused(plugin(&gateway, &["try", "none"]), &["404"]);
    let admin = key(&gateway, None, &["admin"]).await;
    let operator = key(&gateway, Some(&admin), &["operate"]).await;
    plugin_as(&gateway, &operator, &["try", "emr"]).expect(0);
    refused(plugin_as(&gateway, &operator, &["try", "emr", "--reveal"]), &["403"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_tried_on_deliveries() {
    let gateway = Gateway::start().await;
    let mut receiver = Receiver::start().await;
    let transform = json!({ "transform": { "plugin": "klaviyo-profile", "settings": {} } });
    gateway.subscribe(&receiver.url("/"), &["order.placed"], transform).await;
    let order = json!({ "order_id": "ord_1", "customer_id": "cus_xyz", "customer": { "id": "cus_xyz", "email": "ada@example.com" } });
    let event = gateway.publish("order.placed", order).await["id"].as_str().unwrap().to_owned();
    receiver.next().await;
    let delivery = eventually("it was delivered", async || {
        let rows = gateway.list("/admin/deliveries?status=delivered").await;
        Some(rows.first()?["id"].as_str()?.to_owned())
    })
    .await;
    let second = keep(&gateway, "klaviyo-profile", &version(guests::klaviyo_profile(), "second"));
    for which in [["--last", "1"], ["--delivery", &delivery], ["--event", &event]] {
        let asked = [&["try", "klaviyo-profile", "--version", &second, "--strict", "--json"][..], &which].concat();
        let tried = plugin(&gateway, &asked).expect(0).json();
        let found = &tried["results"][0];
        assert_eq!(
            (tried["tried"].as_u64(), found["subject_id"].as_str()),
            (Some(1), Some(delivery.as_str())),
            "{which:?}"
        );
        assert_eq!(
            (found["now"]["outcome"].as_str(), found["event_id"].as_str()),
            (Some("send"), Some(event.as_str()))
        );
    }
}
