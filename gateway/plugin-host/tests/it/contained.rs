//! Hostile guests: each ends as the right failure within its deadline, and the host goes on.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use hookwright_plugin_host::outbound::Decision;
use hookwright_plugin_host::{
    CallFailure, CallLimits, Called, HostConfig, LogLevel, MemoryChecks, PluginHost, PluginVersion,
};

use crate::guest::{self, BUMP, host, outbound, outbound_with, sending, skipping, transform, transform_within};

const ENDLESS: &str = "(loop $again (br $again)) (i32.const 0)";

/// A guest that does as it should: a host that serves it is in order.
fn honest() -> Vec<u8> {
    outbound(&skipping(512, 4))
}

/// Calls a guest between two calls of an honest one, and gives its failure.
async fn failure_of(host: &PluginHost, component: &[u8], limits: CallLimits) -> (CallFailure, Called<()>) {
    let honest = host.compile(&honest()).unwrap();
    let hostile = host.compile(component).unwrap();
    assert!(transform(host, &honest).await.result.is_ok());
    let called = transform_within(host, &hostile, limits).await;
    assert!(transform(host, &honest).await.result.is_ok(), "the host no longer serves others");
    let failure = called.result.expect_err("the guest should have failed");
    let Called { log, log_truncated, waited, duration, memory_peak_bytes, calls_before, .. } = called;
    (failure, Called { result: Ok(()), log, log_truncated, waited, duration, memory_peak_bytes, calls_before })
}

async fn default_failure_of(component: &[u8]) -> CallFailure {
    failure_of(&host(), component, CallLimits::default()).await.0
}

#[tokio::test]
async fn an_honest_guest_is_served() {
    let host = host();
    let version = host.compile(&honest()).unwrap();
    let called = transform(&host, &version).await;
    assert_eq!(called.result, Ok(Decision::Skip { reason: "POST".to_owned() }));
    assert_eq!(called.memory_peak_bytes, 1 << 20);
    let version = host.compile(&outbound(&sending(7))).unwrap();
    let Ok(Decision::Send(request)) = transform(&host, &version).await.result else { panic!("nothing to send") };
    assert_eq!((request.method.as_str(), request.content_type.as_str(), request.body.len()), ("POST", "text/plain", 7));
}

#[tokio::test]
async fn an_endless_loop_ends_at_the_deadline() {
    let host = host();
    for deadline_ms in [50, 200] {
        let deadline = Duration::from_millis(deadline_ms);
        let limits = CallLimits { deadline, ..CallLimits::default() };
        // The best of some: other tests run beside this one, on as many threads as there are processors.
        let mut lateness = Duration::MAX;
        for _ in 0..5 {
            let (failure, called) = failure_of(&host, &outbound(ENDLESS), limits).await;
            assert_eq!(failure, CallFailure::Timeout { deadline });
            assert!(called.duration >= deadline, "{:?}", called.duration);
            lateness = lateness.min(called.duration.saturating_sub(deadline));
        }
        // A tick of 5 ms, and what it takes to end it.
        assert!(lateness <= Duration::from_millis(15), "{lateness:?} after {deadline:?}");
    }
}

#[tokio::test]
async fn an_endless_loop_in_realloc_ends_too() {
    let guest = outbound_with("(unreachable)", ENDLESS);
    assert!(matches!(default_failure_of(&guest).await, CallFailure::Timeout { .. }));
}

#[tokio::test]
async fn deadlines_of_more_than_two_seconds_count_as_two() {
    let host = host();
    let limits = CallLimits { deadline: Duration::from_hours(1), ..CallLimits::default() };
    let (failure, _) = failure_of(&host, &outbound(ENDLESS), limits).await;
    assert_eq!(failure, CallFailure::Timeout { deadline: Duration::from_secs(2) });
}

#[tokio::test]
async fn a_memory_bomb_ends_at_the_limit() {
    let guest = outbound("(loop $again (drop (memory.grow (i32.const 16))) (br $again)) (i32.const 0)");
    assert_eq!(default_failure_of(&guest).await, CallFailure::OutOfMemory { limit_bytes: 64 << 20 });
    let limits = CallLimits { memory_bytes: 2 << 20, ..CallLimits::default() };
    let (failure, called) = failure_of(&host(), &guest, limits).await;
    assert_eq!(failure, CallFailure::OutOfMemory { limit_bytes: 2 << 20 });
    assert!(called.memory_peak_bytes <= 2 << 20);
}

#[tokio::test]
async fn one_huge_growth_is_refused() {
    let guest = outbound("(drop (memory.grow (i32.const 60000))) (unreachable)");
    assert!(matches!(default_failure_of(&guest).await, CallFailure::OutOfMemory { .. }));
}

#[tokio::test]
async fn initial_memory_beyond_the_limit_is_refused() {
    let limits = CallLimits { memory_bytes: 64 << 10, ..CallLimits::default() };
    let host = host();
    let version = host.compile(&honest()).unwrap();
    let called = transform_within(&host, &version, limits).await;
    assert_eq!(called.result, Err(CallFailure::OutOfMemory { limit_bytes: 64 << 10 }));
}

#[tokio::test]
async fn traps_say_what_they_were() {
    for (body, word) in [
        ("(unreachable)", "unreachable"),
        ("(call $recurse (i32.const 0))", "call stack exhausted"),
        ("(i32.load (i32.const 0x7fffffff))", "out of bounds"),
        ("(i32.div_s (i32.const 1) (i32.const 0))", "divide by zero"),
    ] {
        match default_failure_of(&outbound(body)).await {
            CallFailure::Trap { message } => assert!(message.contains(word), "{message}"),
            other => panic!("{body} is {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_trap_in_realloc_is_a_trap() {
    let guest = outbound_with("(i32.const 0)", "(unreachable)");
    assert!(matches!(default_failure_of(&guest).await, CallFailure::Trap { .. }));
}

#[tokio::test]
async fn realloc_that_points_nowhere_is_invalid() {
    let guest = outbound_with("(i32.const 0)", "(i32.const 0x7ffffff8)");
    assert!(matches!(default_failure_of(&guest).await, CallFailure::InvalidOutput { .. } | CallFailure::Trap { .. }));
}

#[tokio::test]
async fn a_huge_answer_is_refused() {
    let grow = "(drop (memory.grow (i32.const 128)))";
    let guest = outbound(&format!("{grow} {}", sending(8 << 20)));
    assert_eq!(default_failure_of(&guest).await, CallFailure::OutputTooLarge { limit_bytes: 4 << 20 });
    let limits = CallLimits { output_bytes: 16 << 20, ..CallLimits::default() };
    let host = host();
    let version = host.compile(&guest).unwrap();
    assert!(transform_within(&host, &version, limits).await.result.is_ok());
}

#[tokio::test]
async fn nonsense_is_invalid() {
    for (body, what) in [
        (skipping(536, 3), "not UTF-8"),
        (skipping(0x00ff_fff0, 64), "out of bounds"),
        (skipping(512, 0), "an empty reason"),
        (skipping(600, 4), "control characters"),
        (skipping(1024, 600), "a long reason"),
        ("(i32.store8 (i32.const 0) (i32.const 7)) (i32.const 0)".to_owned(), "no such case"),
        ("(i32.const 3)".to_owned(), "not aligned"),
        ("(i32.const 0x7ffffff0)".to_owned(), "an answer out of bounds"),
        ("(i32.const 0)".to_owned(), "an empty method"),
    ] {
        let failure = default_failure_of(&outbound(&body)).await;
        assert!(matches!(failure, CallFailure::InvalidOutput { .. }), "{what}: {failure:?}");
    }
}

#[tokio::test]
async fn logs_are_kept_within_bounds() {
    let module = format!(
        r#"(module
            (import "hookwright:plugin/log@0.1.0" "write" (func $write (param i32 i32 i32)))
            (memory (export "memory") 16)
            (global $next (mut i32) (i32.const 1024))
            (data (i32.const 512) "POST hello")
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {BUMP})
            (func (export "hookwright:plugin/dispatch@0.1.0#transform") (param i32) (result i32)
                (local $left i32)
                (local.set $left (i32.const 1000))
                (loop $again
                    (call $write (i32.const 2) (i32.const 517) (i32.const 5))
                    (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
                {}))"#,
        skipping(512, 4)
    );
    let host = host();
    let version = host.compile(&guest::component(guest::OUTBOUND, &[], &module)).unwrap();
    let called = transform(&host, &version).await;
    assert_eq!((called.log.len(), called.log_truncated), (256, true));
    assert_eq!((called.log[0].level, called.log[0].message.as_str()), (LogLevel::Warn, "hello"));
    let few = transform_within(&host, &version, CallLimits { log_bytes: 7, ..CallLimits::default() }).await;
    let kept: Vec<&str> = few.log.iter().map(|line| line.message.as_str()).collect();
    assert_eq!((kept, few.log_truncated), (vec!["hello", "he"], true));
}

#[tokio::test]
async fn nothing_is_remembered_between_calls() {
    // The guest counts its calls at an address of its own and traps at the second.
    let body = format!(
        "(i32.store (i32.const 900) (i32.add (i32.load (i32.const 900)) (i32.const 1)))
         (if (i32.gt_s (i32.load (i32.const 900)) (i32.const 1)) (then (unreachable))) {}",
        skipping(512, 4)
    );
    let host = host();
    let version = host.compile(&outbound(&body)).unwrap();
    for _ in 0..50 {
        assert!(transform(&host, &version).await.result.is_ok());
    }
}

#[tokio::test]
async fn a_thousand_traps_in_a_row_change_nothing() {
    let host = host();
    let hostile = host.compile(&outbound("(call $recurse (i32.const 0))")).unwrap();
    let trapping = async || {
        let mut fastest = Duration::MAX;
        for _ in 0..500 {
            let called = transform(&host, &hostile).await;
            assert!(matches!(called.result, Err(CallFailure::Trap { .. })));
            fastest = fastest.min(called.duration);
        }
        fastest
    };
    let (early, late) = (trapping().await, trapping().await);
    assert!(late < early * 3, "{late:?} after {early:?}");
    let slots = host.stats().slots.unwrap();
    let held = (slots.component_instances, slots.core_instances, slots.memories, slots.tables, slots.stacks);
    assert_eq!(held, (0, 0, 0, 0, 0), "traps keep slots of the pool");
    let honest = host.compile(&honest()).unwrap();
    assert!(transform(&host, &honest).await.result.is_ok());
}

#[tokio::test]
async fn explicit_memory_checks_contain_as_well() {
    let config = HostConfig { memory_checks: MemoryChecks::Explicit, ..HostConfig::default() };
    let host = PluginHost::start(config).unwrap();
    let limits = CallLimits::default();
    let (failure, _) = failure_of(&host, &outbound("(i32.load (i32.const 0x7fffffff))"), limits).await;
    assert!(matches!(failure, CallFailure::Trap { .. }));
    let bomb = outbound("(loop $again (drop (memory.grow (i32.const 16))) (br $again)) (i32.const 0)");
    assert!(matches!(failure_of(&host, &bomb, limits).await.0, CallFailure::OutOfMemory { .. }));
    assert!(matches!(failure_of(&host, &outbound(ENDLESS), limits).await.0, CallFailure::Timeout { .. }));
}

#[tokio::test]
async fn a_full_queue_says_so_and_empties_again() {
    let config = HostConfig { threads: NonZeroUsize::new(1), queue_len: 2, ..HostConfig::default() };
    let host = Arc::new(PluginHost::start(config).unwrap());
    let slow = host.compile(&outbound(ENDLESS)).unwrap();
    let calls: Vec<_> = (0..8).map(|_| spawn_transform(&host, &slow)).collect();
    let mut full = 0;
    for call in calls {
        match call.await.unwrap().result {
            Err(CallFailure::QueueFull) => full += 1,
            Err(CallFailure::Timeout { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    // One or none had begun when the queue filled up with two.
    assert!((5..=6).contains(&full), "{full}");
    let honest = host.compile(&honest()).unwrap();
    assert!(transform(&host, &honest).await.result.is_ok());
    assert_eq!(host.waiting(), 0);
}

#[tokio::test]
async fn plugins_that_run_into_their_deadlines_delay_themselves_alone() {
    let config = HostConfig { threads: NonZeroUsize::new(2), queue_len: 64, ..HostConfig::default() };
    let host = Arc::new(PluginHost::start(config).unwrap());
    let slow = host.compile(&outbound(ENDLESS)).unwrap();
    let honest = host.compile(&honest()).unwrap();
    // Once is enough to be known.
    assert!(transform(&host, &slow).await.result.is_err());
    let hammering: Vec<_> = (0..16).map(|_| spawn_transform(&host, &slow)).collect();
    while host.waiting() < 8 {
        tokio::task::yield_now().await;
    }
    for _ in 0..20 {
        assert!(transform(&host, &honest).await.result.is_ok());
    }
    assert!(host.waiting() > 0, "the honest calls waited for the others");
    for call in hammering {
        assert!(matches!(call.await.unwrap().result, Err(CallFailure::Timeout { .. })));
    }
    assert_eq!(host.waiting(), 0);
}

fn spawn_transform(host: &Arc<PluginHost>, version: &Arc<PluginVersion>) -> tokio::task::JoinHandle<Called<Decision>> {
    let (host, version) = (Arc::clone(host), Arc::clone(version));
    tokio::spawn(async move { transform(&host, &version).await })
}

#[tokio::test]
async fn a_table_bomb_is_held_down() {
    let module = format!(
        r#"(module
            (memory (export "memory") 16)
            (table $t 1 funcref)
            (global $next (mut i32) (i32.const 1024))
            (data (i32.const 512) "POST")
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {BUMP})
            (func (export "hookwright:plugin/dispatch@0.1.0#transform") (param i32) (result i32)
                (loop $again
                    (br_if $again (i32.ne (i32.const -1) (table.grow $t (ref.null func) (i32.const 1000)))))
                (if (i32.gt_u (table.size $t) (i32.const 20000)) (then (unreachable)))
                (drop (table.grow $t (ref.null func) (i32.const 0x7fffffff)))
                (table.fill $t (i32.const 0) (ref.null func) (i32.const 0x7fffffff))
                {}))"#,
        skipping(512, 4)
    );
    let guest = guest::component(guest::OUTBOUND, &[], &module);
    match default_failure_of(&guest).await {
        CallFailure::Trap { message } => assert!(message.contains("table"), "{message}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_log_without_end_ends_at_the_deadline() {
    let module = format!(
        r#"(module
            (import "hookwright:plugin/log@0.1.0" "write" (func $write (param i32 i32 i32)))
            (memory (export "memory") 64)
            (global $next (mut i32) (i32.const 1024))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {BUMP})
            (func (export "hookwright:plugin/dispatch@0.1.0#transform") (param i32) (result i32)
                (loop $again (call $write (i32.const 2) (i32.const 0x10000) (i32.const 0x100000)) (br $again))
                (i32.const 0)))"#
    );
    let guest = guest::component(guest::OUTBOUND, &[], &module);
    let limits = CallLimits::default();
    let (failure, called) = failure_of(&host(), &guest, limits).await;
    assert_eq!(failure, CallFailure::Timeout { deadline: limits.deadline });
    assert!(called.log_truncated);
    assert!(called.log.iter().map(|line| line.message.len()).sum::<usize>() <= limits.log_bytes);
    assert!(called.duration < limits.deadline + Duration::from_millis(100), "{:?}", called.duration);
}

#[tokio::test]
async fn one_line_larger_than_all_output_is_refused() {
    let module = format!(
        r#"(module
            (import "hookwright:plugin/log@0.1.0" "write" (func $write (param i32 i32 i32)))
            (memory (export "memory") 256)
            (global $next (mut i32) (i32.const 1024))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {BUMP})
            (func (export "hookwright:plugin/dispatch@0.1.0#transform") (param i32) (result i32)
                (call $write (i32.const 2) (i32.const 0x10000) (i32.const 0xe00000)) (i32.const 0)))"#
    );
    let guest = guest::component(guest::OUTBOUND, &[], &module);
    assert_eq!(default_failure_of(&guest).await, CallFailure::OutputTooLarge { limit_bytes: 4 << 20 });
}
