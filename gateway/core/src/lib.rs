//! The pure core of Hookwright: no async, no clock, no randomness, no I/O.

pub mod audit;
pub mod breaker;
pub mod catalogue;
pub mod customer;
pub mod delivery;
pub mod delivery_options;
pub mod egress;
pub mod envelope;
pub mod establishment;
pub mod event;
pub mod id;
pub mod idempotency;
pub mod intake;
pub mod json;
pub mod message;
pub mod notice;
pub mod pattern;
pub mod plugin;
pub mod region;
pub mod retry;
pub mod seal;
pub mod secret;
pub mod signature;
pub mod source;
pub mod subscription;
pub mod timestamp;
