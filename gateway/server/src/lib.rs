//! Hookwright: a WebAssembly-extensible webhook gateway.
