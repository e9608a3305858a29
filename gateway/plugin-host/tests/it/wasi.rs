//! A guest built for WASI: it finds an empty world, and cannot stay in it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hookwright_plugin_host::outbound::Decision;
use hookwright_plugin_host::{CallContext, CallFailure, CallLimits, Called, LogLevel, PluginHost, PluginVersion};
use serde_json::{Value, json};

use crate::guest::{context, delivery, event, host};

/// How far past its deadline a guest may be: a tick of the epoch or of the timer, and what it takes to end it.
const LATENESS_MAX: Duration = Duration::from_millis(15);

fn probe(host: &PluginHost) -> Arc<PluginVersion> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests/wasi-probe.wasm");
    host.compile(&std::fs::read(path).unwrap()).unwrap()
}

async fn told(host: &PluginHost, version: &Arc<PluginVersion>, what: &str, context: CallContext) -> Called<Decision> {
    let limits = CallLimits { deadline: Duration::from_millis(200), ..CallLimits::default() };
    host.transform(version, context, event(what, "{}"), delivery(), limits).await
}

async fn found(host: &PluginHost, version: &Arc<PluginVersion>, context: CallContext) -> Value {
    match told(host, version, "look", context).await.result {
        Ok(Decision::Send(request)) => serde_json::from_slice(&request.body).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_world_is_empty() {
    let host = host();
    let version = probe(&host);
    assert!(version.imports_wasi(), "{:?}", version.imports());
    let mut found = found(&host, &version, context()).await;
    let chance = [found["hash_seed"].take(), found["random"].take()];
    assert!(chance[0].is_u64() && chance[1].as_array().is_some_and(|bytes| bytes.len() == 24));
    let expected = json!({
        "environment": 0, "arguments": 0, "root": false, "written": false, "input": 0, "flushed": true,
        "wall_ms": context().now_ms, "elapsed_ns": 0, "hash_seed": null, "random": null,
    });
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_replay_finds_the_same_bytes() {
    let host = host();
    let version = probe(&host);
    let first = found(&host, &version, context()).await;
    assert_eq!(first, found(&host, &version, context()).await);
    for other in [CallContext { attempt: 2, ..context() }, CallContext { subject_id: "dlv_2".to_owned(), ..context() }]
    {
        let other = found(&host, &version, other).await;
        assert_ne!((&first["random"], &first["hash_seed"]), (&other["random"], &other["hash_seed"]));
    }
    let elsewhere = PluginHost::start(hookwright_plugin_host::HostConfig::default()).unwrap();
    assert_eq!(first, found(&elsewhere, &probe(&elsewhere), context()).await);
}

#[tokio::test]
async fn standard_streams_end_in_the_log() {
    let host = host();
    let called = told(&host, &probe(&host), "look", context()).await;
    let lines: Vec<_> = called.log.iter().map(|line| (line.level, line.message.as_str())).collect();
    let expected = [(LogLevel::Info, "to standard output"), (LogLevel::Warn, "to standard error, in pieces")];
    assert_eq!(lines, expected);
    assert!(!called.log_truncated);
}

#[tokio::test]
async fn a_guest_asleep_is_ended_at_the_deadline() {
    let host = host();
    let version = probe(&host);
    for what in ["sleep", "block", "sleep.often"] {
        for deadline_ms in [50, 200] {
            let deadline = Duration::from_millis(deadline_ms);
            let limits = CallLimits { deadline, ..CallLimits::default() };
            // The best of some: other tests run beside this one, on as many threads as there are processors.
            let mut lateness = Duration::MAX;
            for _ in 0..5 {
                let called = host.transform(&version, context(), event(what, "{}"), delivery(), limits).await;
                assert_eq!(called.result, Err(CallFailure::Timeout { deadline }), "{what}");
                lateness = lateness.min(called.duration.saturating_sub(deadline));
            }
            assert!(lateness <= LATENESS_MAX, "{what} ran {lateness:?} longer than {deadline:?}");
        }
    }
    assert!(told(&host, &version, "look", context()).await.result.is_ok());
}

#[tokio::test]
async fn misuse_ends_the_guest_and_not_the_host() {
    let host = host();
    let version = probe(&host);
    for (what, word) in
        [("exit", "exit"), ("random.huge", "exceeds limit"), ("handles", "no free keys"), ("panic", "unreachable")]
    {
        match told(&host, &version, what, context()).await.result {
            Err(CallFailure::Trap { message }) => assert!(message.to_lowercase().contains(word), "{what}: {message}"),
            other => panic!("{what}: {other:?}"),
        }
    }
    let called = told(&host, &version, "print", context()).await;
    assert!(matches!(called.result, Err(CallFailure::Timeout { .. })), "{:?}", called.result);
    assert!(called.log_truncated);
    assert!(called.log.iter().map(|line| line.message.len()).sum::<usize>() <= CallLimits::default().log_bytes);
    assert!(told(&host, &version, "look", context()).await.result.is_ok());
}
