//! HL7 version 2 messages in their pipe-and-hat encoding (ER7): reading, loss-free and lenient, and answering.
//!
//! ```
//! use hookwright_plugin_sdk::er7::{Limits, Place, Text};
//!
//! let body = b"MSH|^~\\&|EMR|CLINIC|||20260104223000-0600||ADT^A03|17|P|2.5\rPID|1||4711^^^EMR^MR~88^^^SSA^SS\r";
//! let text = Text::new(body, Some("application/hl7-v2; charset=utf-8"))?;
//! let interchange = text.interchange(&Limits::default())?;
//! for message in interchange.messages() {
//!     let place: Place = "PID-3[2].4".parse().unwrap();
//!     let authority = message.at(&place).and_then(|part| part.text().ok().flatten());
//!     assert_eq!(authority.as_deref(), Some("SSA"));
//! }
//! # Ok::<(), hookwright_plugin_sdk::er7::Fault>(())
//! ```
//!
//! Nothing is ever dropped: what the reader cannot place is kept as it came and told in the [remarks](Interchange::remarks).
//! Bytes are divided in one pass and never copied; escape sequences and characters are decoded where a text is asked for.
//! What is refused is refused by a [`Fault`] that names the place and never the value.
//!
//! Answers are built by [`acknowledgment::acknowledge`].
//!
//! The module is pure and needs no other part of this crate: plugins read messages with it, and the gateway answers them.
//! [`Zone`] alone needs the feature `zones`, which brings the database of time zones along.

pub mod acknowledgment;
mod charset;
mod escape;
mod fault;
mod interchange;
mod message;
mod part;
mod place;
mod scan;
mod separators;
mod stamp;
mod text;
#[cfg(feature = "zones")]
mod zone;

pub use charset::Charset;
pub use fault::{Fault, Remark};
pub use interchange::{Interchange, Kind, Limits, Unit};
pub use message::{Message, Segment};
pub use part::{Level, NoText, Part, Parts};
pub use place::{NotAPlace, Place};
pub use separators::Separators;
pub use stamp::{Exactness, Stamp};
pub use text::Text;
#[cfg(feature = "zones")]
pub use zone::Zone;

#[cfg(test)]
mod tests;
