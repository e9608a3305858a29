//! Components for tests, made from the text of core modules, and calls that fit them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hookwright_plugin_host::build::encode_component;
use hookwright_plugin_host::inbound::{Assurance, InboundRequest, Outcome};
use hookwright_plugin_host::outbound::{Decision, OutboundDelivery, OutboundEvent};
use hookwright_plugin_host::{CallContext, CallLimits, Called, HostConfig, PluginHost, PluginMetadata, PluginVersion};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A world of the contract: what most test guests are built for.
pub const OUTBOUND: &str = "package test:guest; world guest { include hookwright:plugin/outbound@0.1.0; }";

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A component for the world `guest` of this WIT text, beside which the contract and `others` can be named.
pub fn component(world: &str, others: &[&str], module: &str) -> Vec<u8> {
    component_of(world, others, module, true)
}

/// The same without the contract, for tests that bring another of that name.
pub fn foreign_component(world: &str, others: &[&str], module: &str) -> Vec<u8> {
    component_of(world, others, module, false)
}

fn component_of(world: &str, others: &[&str], module: &str, contract: bool) -> Vec<u8> {
    let mut resolve = Resolve::default();
    if contract {
        resolve.push_dir(repository().join("wit/0.1.0")).unwrap();
    }
    for (number, other) in others.iter().enumerate() {
        resolve.push_str(format!("other{number}.wit"), other).unwrap();
    }
    let package = resolve.push_str("guest.wit", world).unwrap();
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    let mut module = wat::parse_str(module).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    encode_component(&module, &PluginMetadata::default()).unwrap()
}

/// An outbound guest with this body of `transform`, which has the arguments' address in local 0 and returns the
/// answer's. Addresses from 0 to 1023 are its own; `$realloc` is the body that hands out memory.
pub fn outbound(transform: &str) -> Vec<u8> {
    outbound_with(transform, BUMP)
}

/// Hands out the memory from 1 KiB on.
pub const BUMP: &str = "
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get 3)))
    (local.get $at)";

/// The same with another way to hand out memory.
pub fn outbound_with(transform: &str, realloc: &str) -> Vec<u8> {
    let module = format!(
        r#"(module
            (memory (export "memory") 16)
            (global $next (mut i32) (i32.const 1024))
            (data (i32.const 512) "POST")
            (data (i32.const 520) "text/plain")
            (data (i32.const 536) "\ff\fe\fd")
            (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {realloc})
            (func $recurse (param i32) (result i32)
                (i32.add (call $recurse (i32.add (local.get 0) (i32.const 1))) (local.get 0)))
            (func (export "hookwright:plugin/dispatch@0.1.0#transform") (param i32) (result i32)
                (local $size i32) {transform}))"#
    );
    component(OUTBOUND, &[], &module)
}

/// Answers `skip` with so many bytes from an address as the reason.
pub fn skipping(address: u32, len: u32) -> String {
    format!(
        "(i32.store (i32.const 4) (i32.const 1))
         (i32.store (i32.const 8) (i32.const {address}))
         (i32.store (i32.const 12) (i32.const {len}))
         (i32.const 0)"
    )
}

/// Answers `send` with a body of so many bytes from the memory's start.
pub fn sending(body_len: u32) -> String {
    format!(
        "(i32.store (i32.const 8) (i32.const 512)) (i32.store (i32.const 12) (i32.const 4))
         (i32.store (i32.const 16) (i32.const 520)) (i32.store (i32.const 20) (i32.const 10))
         (i32.store (i32.const 36) (i32.const {body_len}))
         (i32.const 0)"
    )
}

pub fn host() -> PluginHost {
    PluginHost::start(HostConfig::default()).unwrap()
}

pub fn context() -> CallContext {
    CallContext {
        plugin: "test".to_owned(),
        binding_id: "sub_1".to_owned(),
        binding_name: "test".to_owned(),
        subject_id: "dlv_1".to_owned(),
        attempt: 1,
        now_ms: 1_767_565_800_000,
        settings: "{}".to_owned(),
        attributes: Vec::new(),
    }
}

pub fn event(event_type: &str, data: &str) -> OutboundEvent {
    OutboundEvent {
        id: "evt_abc123".to_owned(),
        event_type: event_type.to_owned(),
        created_at_ms: 1_767_565_800_000,
        data: data.to_owned(),
        attributes: Vec::new(),
    }
}

pub fn delivery() -> OutboundDelivery {
    OutboundDelivery {
        id: "dlv_1".to_owned(),
        subscription_id: "sub_1".to_owned(),
        subscription_name: "test".to_owned(),
        attributes: Vec::new(),
    }
}

pub async fn transform(host: &PluginHost, version: &Arc<PluginVersion>) -> Called<Decision> {
    transform_within(host, version, CallLimits::default()).await
}

pub async fn transform_within(host: &PluginHost, version: &Arc<PluginVersion>, limits: CallLimits) -> Called<Decision> {
    host.transform(version, context(), event("order.placed", r#"{"order_id":"ord_1"}"#), delivery(), limits).await
}

pub async fn parse(host: &PluginHost, version: &Arc<PluginVersion>, body: &'static str) -> Called<Outcome> {
    let request = InboundRequest {
        method: "POST".to_owned(),
        hook: "video-call-completed".to_owned(),
        query: Vec::new(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.into(),
        received_at_ms: 1_767_565_800_000,
        assurance: Assurance::Verified,
        scheme: "standard-webhooks".to_owned(),
        attributes: Vec::new(),
    };
    // What is asked is what comes of it, and not how soon: other tests run beside this one.
    let limits = CallLimits { deadline: Duration::from_secs(2), ..CallLimits::default() };
    host.parse(version, context(), request, limits).await
}
