//! The guest SDK for Hookwright plugins in Rust.
