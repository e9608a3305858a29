//! Integration tests of Hookwright through the real library and binary.
