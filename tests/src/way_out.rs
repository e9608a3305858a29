//! The way out, over HTTP.

use crate::harness::Gateway;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_nobody_wants_is_kept_and_delivered_to_nobody() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let published = gateway.publish("order.placed", json!({ "order_id": "ord_1" })).await;
    assert_eq!(published["deliveries"], json!(0));
    assert_eq!(gateway.list("/admin/events").await.len(), 1);
    assert!(gateway.list("/admin/deliveries").await.is_empty());
}
