//! Hookwright: a WebAssembly-extensible webhook gateway.
//!
//! This library is the whole server; the binary only calls [`cli::main`]. [`app::App`] holds what every request needs, [`serve`] wires it to listeners and background
//! work, [`ingress`] is the way in, [`dispatch`] the way out, [`admin`] the administration.

pub mod admin;
pub mod app;
pub mod chance;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod demo;
pub mod dispatch;
pub mod fetch;
pub mod health;
pub mod indent;
pub mod ingress;
pub mod listener;
pub mod plugins;
pub mod problem;
pub mod serve;
pub mod sink;
pub mod trust;
pub mod upkeep;
