//! Inbound plugin: video calls and appointments as one EMR vendor reports them.
