//! JSON as others may send it: checked in one pass over the raw bytes, which are then kept as they came.
//!
//! Refused is what two readers could take for two different things (a key twice in one object, half a surrogate pair, a number beyond
//! a double's range, bytes that are not UTF-8), and what would cost more to read than to send (depth, number of values). The standard
//! parsers let part of this through: `serde_json` keeps the last of two equal keys and, for raw values, sets no bound on depth.

mod checker;
mod fault;
mod scan;
#[cfg(test)]
mod tests;

pub use fault::{FaultKind, JsonFault};

/// What a document may be at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many arrays and objects may lie inside one another.
    pub depth: usize,
    /// How many values there may be: scalars, arrays and objects.
    pub nodes: usize,
    /// How many bytes it may have.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, nodes: 50_000, bytes: 1024 * 1024 }
    }
}

/// Checks a whole document (RFC 8259). It takes time in proportion to its length, but for n·log n in the keys of one object.
pub fn check(document: &[u8], limits: Limits) -> Result<(), JsonFault> {
    checker::Checker::new(document, limits).run()
}
