//! Tests of the pure intake rules, without a store.
