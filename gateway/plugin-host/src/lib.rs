//! Hookwright's host for WebAssembly plugins.
