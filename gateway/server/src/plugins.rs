//! The plugins and which version of each serves.

/// The registry of plugins.
#[derive(Debug)]
pub struct Plugins {}
