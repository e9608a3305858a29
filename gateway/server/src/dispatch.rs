//! The way out.

/// A handle on the dispatcher.
#[derive(Clone, Debug)]
pub struct Dispatcher {}
