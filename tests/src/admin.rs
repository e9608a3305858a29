//! The admin API, over HTTP.

use crate::harness::Gateway;
use http::StatusCode;

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_listener_says_that_it_is_up() {
    let gateway = Gateway::builder().without_plugins().start().await;
    assert_eq!(gateway.admin.get("/healthz").await.unwrap().status, StatusCode::OK);
    assert_eq!(gateway.admin.get("/readyz").await.unwrap().status, StatusCode::OK);
}
