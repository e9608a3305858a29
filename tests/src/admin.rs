//! The admin API, over HTTP.

mod access;
mod conventions;
mod idempotency;
mod in_flight;
mod legacy;
mod publishing;
mod records;
mod secrets;
mod sources;
mod subscriptions;
mod trials;

use crate::harness::Gateway;
use hookwright::client::{Answer, Client};
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// A gateway that no test here needs plugins for.
async fn bare() -> Gateway {
    Gateway::builder().without_plugins().start().await
}

/// A request with headers of its own.
async fn send(client: &Client, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let mut all = vec![("content-type", "application/json")];
    all.extend_from_slice(headers);
    client.send(method, path, &all, body.to_string()).await.unwrap()
}

/// A client with a new key of these scopes.
async fn holder(admin: &Client, scopes: &[&str]) -> Client {
    let made = admin.json(Method::POST, "/admin/keys", &json!({ "name": "test", "scopes": scopes })).await.unwrap();
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
    admin.clone().with_key(made.json()["key"].as_str().unwrap()).unwrap()
}

/// The least a subscription is made of.
fn subscription() -> Value {
    json!({ "name": "EMR Sync", "url": "https://example.com/hook", "events": ["order.*"] })
}

/// The pointers of an answer's bad fields.
fn pointers(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

/// Status and code of a problem.
fn problem(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{:?}", answer.body);
    (answer.status.as_u16(), answer.json()["code"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_listener_says_that_it_is_up() {
    let gateway = bare().await;
    assert_eq!(gateway.admin.get("/healthz").await.unwrap().status, StatusCode::OK);
    assert_eq!(gateway.admin.get("/readyz").await.unwrap().status, StatusCode::OK);
}
