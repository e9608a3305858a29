//! What the tests share: a gateway in this process, a receiver, the built plugins, and waiting for a condition.
//!
//! ```text
//! let gateway = Gateway::start().await;                          // fresh database, port 0, both plugins pushed
//! let emr = gateway.source("emr").await;                         // a source read by emr-video-call, signed by Standard Webhooks
//! let mut receiver = Receiver::start().await;
//! let raw = gateway.subscribe(&receiver.url("/raw"), &["compliance.*"], json!({})).await;
//! gateway.customer("cus_xyz", "TX", "78701").await;
//! let answer = emr.post(&gateway, "video-call-completed", &video_call("cus_xyz", "appt_1")).await;
//! let delivered = receiver.next().await;                         // panics after 10 s
//! assert!(raw.verifies(&delivered));
//! ```

pub(crate) mod command;
pub(crate) mod gateway;
pub(crate) mod guests;
pub(crate) mod patience;
pub(crate) mod receiver;
pub(crate) mod root;
pub(crate) mod server;
pub(crate) mod source;

pub(crate) use gateway::Gateway;
pub(crate) use patience::eventually;
pub(crate) use receiver::Receiver;
pub(crate) use root::root;
pub(crate) use source::{SourceClient, video_call};
