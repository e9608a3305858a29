//! Guests in other languages, made elsewhere: `HOOKWRIGHT_JS_GUEST` and `HOOKWRIGHT_PYTHON_GUEST` name their components,
//! which are of world `outbound` and answer an `order.placed`.

use std::time::Duration;

use hookwright_plugin_host::{CallLimits, PluginHost, PluginVersion};
use std::sync::Arc;

use super::{median, order};
use crate::guest::{context, delivery, event, host};

const CALLS: usize = 500;

/// The component that a variable names.
fn guest(host: &PluginHost, variable: &str) -> Option<Arc<PluginVersion>> {
    let Some(path) = std::env::var_os(variable) else {
        println!("SKIPPED: {variable} names no component, so nothing was measured");
        return None;
    };
    Some(host.compile(&std::fs::read(path).unwrap()).unwrap())
}

/// The median time of a call when an instance may serve so many.
async fn time(host: &PluginHost, version: &Arc<PluginVersion>, reuse: u32) -> Duration {
    let limits =
        CallLimits { deadline: Duration::from_secs(1), memory_bytes: 128 << 20, reuse, ..CallLimits::default() };
    let data = order(1 << 10);
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let event = event("order.placed", &data);
        let called = host.transform(version, context(), event, delivery(), limits).await;
        assert!(called.result.is_ok(), "{:?}", called.result);
        times.push(called.duration);
    }
    median(&mut times)
}

#[tokio::test]
#[ignore = "a measurement, meaningful in release mode alone"]
async fn a_javascript_call() {
    let host = host();
    let Some(version) = guest(&host, "HOOKWRIGHT_JS_GUEST") else { return };
    let (fresh, reused) = (time(&host, &version, 1).await, time(&host, &version, 64).await);
    println!("JavaScript, 1 KiB: fresh instance {fresh:?} (at most 250 µs), one for 64 calls {reused:?}");
    assert!(fresh < Duration::from_micros(250), "{fresh:?}");
}

#[tokio::test]
#[ignore = "a measurement, meaningful in release mode alone"]
async fn a_python_call() {
    let host = host();
    let Some(version) = guest(&host, "HOOKWRIGHT_PYTHON_GUEST") else { return };
    let (fresh, reused) = (time(&host, &version, 1).await, time(&host, &version, 64).await);
    println!("Python, 1 KiB: fresh instance {fresh:?} (at most 2 ms), one for 64 calls {reused:?} (at most 150 µs)");
    assert!(fresh < Duration::from_millis(2), "{fresh:?}");
    assert!(reused < Duration::from_micros(150), "{reused:?}");
}
