//! What the demo found out, for programs: enough to verify every delivery without it.

use serde::Serialize;
use serde_json::Value;

/// The outcome of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Whether both deliveries came and their signatures fit.
    pub ok: bool,
    /// The partners' listener.
    pub public_url: String,
    /// The administration's listener.
    pub admin_url: String,
    /// What the partner sent.
    pub sent: Sent,
    /// What the receiver got, in the order of the subscriptions.
    pub received: Vec<Received>,
    /// What the gateway has on record.
    pub records: Records,
}

/// The partner's request and its answer.
#[derive(Clone, Debug, Serialize)]
pub struct Sent {
    /// Path.
    pub path: String,
    /// Names and values.
    pub headers: serde_json::Map<String, Value>,
    /// The body, byte for byte.
    pub body: String,
    /// The source's secret. It is of no worth beyond the demo.
    pub secret: String,
    /// The status of the answer.
    pub status: u16,
    /// The answer's body.
    pub answer: Value,
}

/// One delivery as it came.
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// The subscription's name.
    pub subscription: String,
    /// Its id.
    pub subscription_id: String,
    /// Its secret. It is of no worth beyond the demo.
    pub secret: String,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// Names and values.
    pub headers: serde_json::Map<String, Value>,
    /// The body, byte for byte.
    pub body: String,
    /// Whether the signature fits.
    pub verified: bool,
}

/// What the gateway has on record, as its API shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Records {
    /// The message.
    pub message: Value,
    /// The customer.
    pub customer: Value,
    /// The establishments.
    pub establishments: Vec<Value>,
    /// The deliveries, each with its attempts.
    pub deliveries: Vec<Value>,
    /// The audit, newest first.
    pub audit: Vec<Value>,
}
