//! The pure core of Hookwright: no async, no clock, no randomness, no I/O.
