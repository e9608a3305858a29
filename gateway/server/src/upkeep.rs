//! Background tasks.

/// A handle on the background tasks.
#[derive(Clone, Debug)]
pub struct Upkeep {}
