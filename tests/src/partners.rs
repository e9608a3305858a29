//! Partners: their presets, their handshakes, and the pages that tell how each is connected.

mod handshakes;
mod pages;
mod presets;
mod refusals;
mod schemes;

use crate::harness::Gateway;
use hookwright::client::Answer;
use hookwright_core::preset::preset;
use hookwright_core::secret::RawSecret;
use hookwright_core::signature::{Request, sign_request};
use http::Method;
use serde_json::{Value, json};

const SECRET: &str = "an-example-secret";

/// Makes a source of a preset under the preset's own name, whose plugin nobody has pushed.
async fn connect(gateway: &Gateway, id: &str, more: Value) -> Value {
    let mut body = json!({ "slug": id, "preset": id, "plugin": "my-plugin", "secret": SECRET });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    gateway.make("/admin/sources", &body).await
}

/// What a partner of a preset would post.
async fn post(gateway: &Gateway, id: &str, body: &str) -> Answer {
    let typed = vec![("content-type".to_owned(), "application/json".to_owned())];
    let request = Request::new(&typed, body.as_bytes(), gateway.now_ms() / 1000);
    let secret = RawSecret::parse(SECRET).unwrap();
    let signed = sign_request(&preset(id).unwrap().verification, &secret, &request, "id-1").unwrap();
    let headers = [typed.clone(), signed.headers].concat();
    send(gateway, Method::POST, &format!("/webhooks/{id}"), &headers, body).await
}

async fn send(gateway: &Gateway, method: Method, path: &str, headers: &[(String, String)], body: &str) -> Answer {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    gateway.public.send(method, path, &headers, body.as_bytes().to_vec()).await.unwrap()
}

async fn get(gateway: &Gateway, path: &str) -> Answer {
    send(gateway, Method::GET, path, &[], "").await
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}
