//! The host against real components: hostile ones, ill-fitting ones, and the two that come with the repository.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod cache;
mod child;
mod contained;
mod fetching;
mod guest;
mod loaded;
mod reuse;
mod shipped;
mod speed;
mod wasi;
