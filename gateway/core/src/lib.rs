//! The pure core of Hookwright: no async, no clock, no randomness, no I/O.

pub mod id;
pub mod pattern;
pub mod retry;
pub mod secret;
pub mod signature;
pub mod timestamp;
