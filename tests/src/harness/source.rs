//! A partner: signs and posts.

use super::Gateway;
use hookwright::client::Answer;
use hookwright_core::secret::SigningSecret;
use hookwright_core::signature::sign_v1;
use http::Method;
use serde_json::{Value, json};

/// A partner of one source, with Standard Webhooks signatures.
#[derive(Clone)]
pub(crate) struct SourceClient {
    pub(crate) slug: String,
    pub(crate) id: String,
    pub(crate) secret: SigningSecret,
}

impl SourceClient {
    /// Posts a signed body under a new id.
    pub(crate) async fn post(&self, gateway: &Gateway, hook: &str, body: &Value) -> Answer {
        let id = format!("msg_{}", hex::encode(hookwright::chance::bytes::<12>()));
        self.post_as(gateway, hook, &id, body.to_string().as_bytes()).await
    }

    /// Posts a signed body under this id.
    pub(crate) async fn post_as(&self, gateway: &Gateway, hook: &str, id: &str, body: &[u8]) -> Answer {
        let headers = self.sign(id, gateway.now_ms().div_euclid(1000), body);
        let mut headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.push(("content-type", "application/json"));
        let path = format!("/webhooks/{}/{hook}", self.slug);
        gateway.public.send(Method::POST, &path, &headers, body.to_vec()).await.unwrap()
    }

    /// The headers that prove a body.
    pub(crate) fn sign(&self, id: &str, now_secs: i64, body: &[u8]) -> [(&'static str, String); 3] {
        [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", now_secs.to_string()),
            ("webhook-signature", sign_v1(std::slice::from_ref(&self.secret), id, now_secs, body)),
        ]
    }
}

/// The specification's example with another patient and appointment.
pub(crate) fn video_call(patient: &str, appointment: &str) -> Value {
    json!({
        "event": "video_call.completed",
        "patient_external_id": patient,
        "appointment_id": appointment,
        "provider_id": "dr_abc",
        "call_duration_minutes": 15,
        "completed_at": "2026-01-04T22:30:00Z"
    })
}
