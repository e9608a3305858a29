//! The way in, over HTTP.

use crate::harness::Gateway;
use http::StatusCode;

#[tokio::test(flavor = "multi_thread")]
async fn the_public_listener_says_that_it_is_up_and_has_no_administration() {
    let gateway = Gateway::builder().without_plugins().start().await;
    assert_eq!(gateway.public.get("/healthz").await.unwrap().status, StatusCode::OK);
    assert_eq!(gateway.public.get("/readyz").await.unwrap().status, StatusCode::OK);
    assert_eq!(gateway.public.get("/admin/subscriptions").await.unwrap().status, StatusCode::NOT_FOUND);
}
