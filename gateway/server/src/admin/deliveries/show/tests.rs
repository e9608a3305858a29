use super::*;
use hookwright_core::delivery::{AttemptError, DeliveryStatus};
use hookwright_core::id::{AttemptId, DeliveryId, EventId, SubscriptionId};

fn delivery() -> Delivery {
    Delivery {
        id: DeliveryId::from_i64(4).unwrap(),
        subscription_id: SubscriptionId::from_i64(2).unwrap(),
        event_id: EventId::from_i64(3).unwrap(),
        event_type: "order.placed".into(),
        status: DeliveryStatus::Retrying,
        attempts: 1,
        response_code: Some(500),
        next_retry_at: Some(1_767_565_805_000),
        delivered_at: None,
        reason: None,
        created_at: 1_767_565_800_000,
    }
}

fn attempt() -> Attempt {
    Attempt {
        id: AttemptId::from_i64(5).unwrap(),
        delivery_id: DeliveryId::from_i64(4).unwrap(),
        event_id: EventId::from_i64(3).unwrap(),
        subscription_id: SubscriptionId::from_i64(2).unwrap(),
        number: 1,
        started_at: 1_767_565_800_000,
        duration_ms: 12,
        response_code: Some(500),
        error: Some(AttemptError { kind: "status".into(), detail: "the answer was 500".into() }),
        request_headers: vec![("webhook-id".into(), "evt_0000000000003".into())],
        response_headers: vec![("content-type".into(), "text/plain".into())],
        response_body: b"oops".to_vec(),
        response_truncated: false,
        plugin_digest: None,
        logs: vec!["a line".into()],
    }
}

fn shown(with_bodies: bool) -> String {
    let (delivery, attempts) = (delivery(), [attempt()]);
    let whole =
        Whole::of(&delivery, &attempts, Some(br#"{"id":"evt_0000000000003","data":{"b":1.0,"a":2}}"#), with_bodies)
            .unwrap();
    serde_json::to_string_pretty(&whole).unwrap()
}

#[test]
fn a_delivery_is_shown_whole_to_those_who_may_see_bodies() {
    insta::assert_snapshot!(shown(true), @r#"
    {
      "id": "dlv_0000000000004",
      "subscription_id": "sub_0000000000002",
      "event_id": "evt_0000000000003",
      "event_type": "order.placed",
      "payload": {"id":"evt_0000000000003","data":{"b":1.0,"a":2}},
      "status": "retrying",
      "response_code": 500,
      "response_body": "oops",
      "attempts": 1,
      "next_retry_at": "2026-01-04T22:30:05Z",
      "created_at": "2026-01-04T22:30:00Z",
      "attempt_list": [
        {
          "id": "att_0000000000005",
          "number": 1,
          "started_at": "2026-01-04T22:30:00Z",
          "duration_ms": 12,
          "response_code": 500,
          "error": {
            "kind": "status",
            "detail": "the answer was 500"
          },
          "response_truncated": false,
          "request_headers": [
            [
              "webhook-id",
              "evt_0000000000003"
            ]
          ],
          "response_headers": [
            [
              "content-type",
              "text/plain"
            ]
          ],
          "response_body": "oops",
          "logs": [
            "a line"
          ]
        }
      ]
    }
    "#);
}

#[test]
fn a_delivery_is_shown_without_bodies_to_others() {
    let text = shown(false);
    assert!(!text.contains("oops") && !text.contains("a line") && !text.contains("\"data\""));
    insta::assert_snapshot!(text, @r#"
    {
      "id": "dlv_0000000000004",
      "subscription_id": "sub_0000000000002",
      "event_id": "evt_0000000000003",
      "event_type": "order.placed",
      "redacted": true,
      "status": "retrying",
      "response_code": 500,
      "attempts": 1,
      "next_retry_at": "2026-01-04T22:30:05Z",
      "created_at": "2026-01-04T22:30:00Z",
      "attempt_list": [
        {
          "id": "att_0000000000005",
          "number": 1,
          "started_at": "2026-01-04T22:30:00Z",
          "duration_ms": 12,
          "response_code": 500,
          "error": {
            "kind": "status",
            "detail": "the answer was 500"
          },
          "response_truncated": false
        }
      ]
    }
    "#);
}
