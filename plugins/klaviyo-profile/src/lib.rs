//! Outbound plugin: events as profile updates of a marketing API.
