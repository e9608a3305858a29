//! Integration tests of Hookwright through the real library and binary, in one test binary.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod admin;
mod clients;
mod cluster;
mod command;
mod config;
mod demo;
mod faults;
mod fetching;
mod guests;
mod harness;
mod heartbeat;
mod hl7;
mod kill;
mod operate;
mod partners;
mod platform;
mod postgres;
mod readme;
mod reload;
mod retention;
mod snapshots;
mod story;
mod subscriptions;
mod tidy;
mod tools;
mod walks;
mod walkthrough;
mod way_in;
mod way_out;
