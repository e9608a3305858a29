//! Hookwright's storage on embedded SQLite.
