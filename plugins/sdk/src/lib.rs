//! The guest SDK for Hookwright plugins in Rust.
//!
//! A plugin is a type, one trait and one macro call:
//!
//! ```
//! # #[cfg(feature = "guest")]
//! # mod plugin {
//! use hookwright_plugin_sdk::outbound::{Context, Decision, Delivery, Event, Fault, Outbound, Outgoing};
//! use hookwright_plugin_sdk::{export_outbound, json::Document};
//!
//! struct Greeting;
//!
//! impl Outbound for Greeting {
//!     fn transform(_context: &Context, event: &Event, _delivery: &Delivery) -> Result<Decision, Fault> {
//!         let data = Document::data(event)?;
//!         let Some(name) = data.root().get("name").optional() else {
//!             return Ok(Decision::skip("the event has no name"));
//!         };
//!         Ok(Outgoing::json(&serde_json::json!({ "greeting": format!("hello {}", name.text()?) }))?.into())
//!     }
//! }
//!
//! export_outbound!(Greeting);
//! # }
//! ```
//!
//! * [`inbound`]: plugins that read what partners send. [`outbound`]: plugins that shape what subscribers receive. Their
//!   types are the contract's own, generated from the WIT package with its documentation, plus constructors.
//! * [`json`]: reading bodies, settings and event data, so that every failure says where it is and none repeats a value.
//! * [`timestamp`]: RFC 3339, both ways. [`iso8601`]: times that may be partial or lack a zone. [`log`]: lines for the operator.
//! * [`er7`]: HL7 version 2 messages.
//!
//! On WebAssembly the crate also brings an allocator that suits a guest's short life, and reports panics to the log. On
//! other targets a plugin is an ordinary library, so that its logic has ordinary tests.
//!
//! Without the feature `guest`, which is on unless it is left out, there is nothing here but [`er7`],
//! with no dependencies.

#[cfg(any(test, all(target_arch = "wasm32", feature = "arena")))]
mod arena;
#[cfg(feature = "guest")]
mod bindings;
mod calendar;
pub mod er7;
#[cfg(feature = "guest")]
pub mod inbound;
#[cfg(feature = "guest")]
pub mod iso8601;
#[cfg(feature = "guest")]
pub mod json;
#[cfg(feature = "guest")]
pub mod log;
#[cfg(feature = "guest")]
pub mod outbound;
#[cfg(all(feature = "guest", any(test, feature = "testing")))]
pub mod testing;
#[cfg(feature = "guest")]
pub mod timestamp;

/// What [`export_inbound!`] and [`export_outbound!`] expand to. Not for use by hand.
#[cfg(feature = "guest")]
#[doc(hidden)]
pub mod export {
    pub use crate::bindings::{inbound, outbound};
    pub use crate::inbound::Exported as ExportedInbound;
    pub use crate::outbound::Exported as ExportedOutbound;
}
