//! Instances that serve more than one call, where that was asked for: what they keep, and when they are let go.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use hookwright_plugin_host::outbound::Decision;
use hookwright_plugin_host::{CallContext, CallFailure, CallLimits, Called, HostConfig, PluginHost, PluginVersion};
use serde_json::Value;
use tokio::time::Instant;

use crate::guest::{context, delivery, event, outbound};

/// A sweep comes four times a second; the rest is for machines with much else to do.
const SWEPT: Duration = Duration::from_secs(10);

/// Keeps its count at address 900 and answers it as a reason of so many letters. The event's type begins with what else
/// it does: `t` traps, `l` loops, `g` grows by 40 MiB, `x` breaks the contract.
fn counter() -> Vec<u8> {
    let misbehave = "
        (local.set $size (i32.load8_u (i32.load offset=80 (local.get 0))))
        (if (i32.eq (local.get $size) (i32.const 116)) (then (unreachable)))
        (if (i32.eq (local.get $size) (i32.const 108)) (then (loop $again (br $again))))
        (if (i32.eq (local.get $size) (i32.const 103)) (then (drop (memory.grow (i32.const 640)))))
        (if (i32.eq (local.get $size) (i32.const 120)) (then (return (i32.const 3))))";
    outbound(&format!(
        "(memory.fill (i32.const 600) (i32.const 97) (i32.const 200))
         (i32.store (i32.const 900) (i32.add (i32.load (i32.const 900)) (i32.const 1)))
         {misbehave}
         (i32.store (i32.const 4) (i32.const 1))
         (i32.store (i32.const 8) (i32.const 600))
         (i32.store (i32.const 12) (i32.load (i32.const 900)))
         (i32.const 0)"
    ))
}

/// One thread, so that every call meets the instances of the ones before.
fn host() -> PluginHost {
    PluginHost::start(HostConfig { threads: NonZeroUsize::new(1), ..HostConfig::default() }).unwrap()
}

fn reusing(reuse: u32) -> CallLimits {
    CallLimits { reuse, ..CallLimits::default() }
}

async fn call(host: &PluginHost, version: &Arc<PluginVersion>, what: &str, limits: CallLimits) -> Called<Decision> {
    host.transform(version, context(), event(what, "{}"), delivery(), limits).await
}

fn count(called: &Called<Decision>) -> usize {
    match &called.result {
        Ok(Decision::Skip { reason }) => reason.len(),
        other => panic!("{other:?}"),
    }
}

async fn counted(host: &PluginHost, version: &Arc<PluginVersion>, reuse: u32) -> usize {
    count(&call(host, version, "order.placed", reusing(reuse)).await)
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < SWEPT, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn state_lives_on_only_where_that_was_asked_for() {
    let host = host();
    let version = host.compile(&counter()).unwrap();
    for reuse in [0, 1, 1, 0] {
        assert_eq!(counted(&host, &version, reuse).await, 1);
        assert_eq!(host.stats().idle_instances, 0);
    }
    for expected in 1..=3 {
        let called = call(&host, &version, "order.placed", reusing(3)).await;
        assert_eq!((count(&called), called.calls_before), (expected, u32::try_from(expected - 1).unwrap()));
    }
    assert_eq!(counted(&host, &version, 3).await, 1, "it has served its three calls");
    assert_eq!(host.stats().idle_instances, 1);
    assert_eq!(counted(&host, &version, 1).await, 1, "a call that does not ask finds nothing");
    assert_eq!(counted(&host, &version, 3).await, 2);
}

#[tokio::test]
async fn state_never_crosses_to_another_version_plugin_or_binding() {
    let host = host();
    let one = host.compile(&counter()).unwrap();
    assert_eq!(counted(&host, &one, 9).await, 1);
    assert_eq!(counted(&host, &one, 9).await, 2);
    let same_bytes = host.compile(&counter()).unwrap();
    assert_eq!(counted(&host, &same_bytes, 9).await, 1);
    for other in [
        CallContext { plugin: "other".to_owned(), ..context() },
        CallContext { binding_id: "sub_2".to_owned(), ..context() },
    ] {
        let called = host.transform(&one, other, event("order.placed", "{}"), delivery(), reusing(9)).await;
        assert_eq!(count(&called), 1);
    }
    assert_eq!(counted(&host, &one, 9).await, 3);
}

#[tokio::test]
async fn any_failure_ends_an_instance() {
    let host = host();
    let version = host.compile(&counter()).unwrap();
    for (what, kind) in [("trap", "trap"), ("loop", "timeout"), ("x", "invalid_output")] {
        assert_eq!(counted(&host, &version, 99).await, 1);
        assert_eq!(counted(&host, &version, 99).await, 2);
        let called = call(&host, &version, what, reusing(99)).await;
        assert_eq!(called.calls_before, 2);
        assert_eq!(called.result.unwrap_err().kind(), kind);
        assert_eq!(host.stats().idle_instances, 0);
    }
    assert_eq!(counted(&host, &version, 99).await, 1);
    let grown = call(&host, &version, "grow", reusing(99)).await;
    assert_eq!(count(&grown), 2);
    assert_eq!(host.stats().idle_instances, 0, "it had filled more than half of its memory");
    let narrow = CallLimits { memory_bytes: 1 << 20, reuse: 99, ..CallLimits::default() };
    assert_eq!(count(&call(&host, &version, "order.placed", narrow).await), 1);
    assert_eq!(host.stats().idle_instances, 0);
}

#[tokio::test]
async fn a_version_that_is_gone_does_not_live_on() {
    let host = host();
    let version = host.compile(&counter()).unwrap();
    counted(&host, &version, 99).await;
    let stats = host.stats();
    assert_eq!(stats.idle_instances, 1);
    assert_eq!(stats.slots.map(|slots| slots.component_instances), Some(1));
    drop(version);
    until("the instance is let go", || host.stats().idle_instances == 0).await;
    until("its slot is free", || host.stats().slots.is_some_and(|slots| slots.component_instances == 0)).await;
}

#[tokio::test]
async fn few_are_kept() {
    let host = host();
    let version = host.compile(&counter()).unwrap();
    let binding = |number: usize| CallContext { binding_id: format!("sub_{number}"), ..context() };
    for number in 0..20 {
        let called = host.transform(&version, binding(number), event("a.b", "{}"), delivery(), reusing(9)).await;
        assert_eq!(count(&called), 1);
        assert!(host.stats().idle_instances <= 4);
    }
    let stats = host.stats();
    assert_eq!((stats.threads, stats.waiting, stats.waiting_max, stats.idle_instances), (1, 0, 1024, 4));
    assert!(stats.slots.is_some_and(|slots| slots.component_instances == 4 && slots.component_instances_max > 5));
    for (number, expected) in [(19, 2), (16, 2), (15, 1)] {
        let called = host.transform(&version, binding(number), event("a.b", "{}"), delivery(), reusing(9)).await;
        assert_eq!(count(&called), expected, "{number}");
    }
}

#[tokio::test]
async fn every_call_has_limits_of_its_own() {
    let host = host();
    let version = host.compile(&counter()).unwrap();
    assert_eq!(counted(&host, &version, 99).await, 1);
    // Longer than the first call's deadline, which must not count for the second.
    tokio::time::sleep(Duration::from_millis(120)).await;
    assert_eq!(counted(&host, &version, 99).await, 2);
    let deadline = Duration::from_millis(150);
    let called = call(&host, &version, "loop", CallLimits { deadline, ..reusing(99) }).await;
    assert_eq!((called.result, called.calls_before), (Err(CallFailure::Timeout { deadline }), 2));
    assert!(called.duration >= deadline, "{:?}", called.duration);
}

#[tokio::test]
async fn a_guest_of_wasi_finds_another_time_and_chance_in_every_call() {
    let host = host();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests/wasi-probe.wasm");
    let version = host.compile(&std::fs::read(path).unwrap()).unwrap();
    let limits = CallLimits { deadline: Duration::from_millis(500), ..reusing(9) };
    let look = async |context: CallContext| {
        let called = host.transform(&version, context, event("look", "{}"), delivery(), limits).await;
        let lines: Vec<String> = called.log.iter().map(|line| line.message.clone()).collect();
        assert_eq!(lines, ["to standard output", "to standard error, in pieces"]);
        let Ok(Decision::Send(request)) = called.result else { panic!("{:?}", called.result) };
        (serde_json::from_slice::<Value>(&request.body).unwrap(), called.calls_before)
    };
    let (first, _) = look(context()).await;
    let later = CallContext { subject_id: "dlv_2".to_owned(), now_ms: context().now_ms + 5000, ..context() };
    let (second, calls_before) = look(later.clone()).await;
    assert_eq!(calls_before, 1);
    assert_eq!(second["wall_ms"], later.now_ms);
    assert_ne!(first["random"], second["random"]);
    let fresh = host.transform(&version, later, event("look", "{}"), delivery(), CallLimits::default()).await;
    let Ok(Decision::Send(request)) = fresh.result else { panic!("{:?}", fresh.result) };
    let fresh: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(fresh["random"], second["random"], "chance follows from the call alone");
}
