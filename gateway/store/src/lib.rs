//! Hookwright's storage ports: what the rest may ask of storage.
