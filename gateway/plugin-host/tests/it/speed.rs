//! A measurement, run by hand in release mode:
//! `cargo test --release -p hookwright-plugin-host --test it speed -- --ignored --nocapture`.

use std::time::Duration;

use hookwright_plugin_host::CallLimits;
use hookwright_plugin_host::build::build_guest;

use crate::guest::{context, delivery, event, host, repository};

const CALLS: usize = 20_000;

#[tokio::test]
#[ignore = "a measurement, meaningful in release mode alone"]
async fn a_fresh_call_with_a_kibibyte_of_json_takes_microseconds() {
    let host = host();
    let root = repository();
    let component = build_guest(&root.join("plugins/klaviyo-profile"), &root.join("target/guests")).unwrap();
    let version = host.compile(&component).unwrap();
    let notes = "x".repeat(1024 - 190);
    let data = format!(
        r#"{{"order_id":"ord_1","total":129.5,"currency":"USD","item_count":2,"notes":"{notes}",
           "customer":{{"id":"cus_xyz","email":"ada@example.com","first_name":"Ada","address":{{"state":"TX"}}}}}}"#
    );
    let mut durations = Vec::with_capacity(CALLS);
    let started = tokio::time::Instant::now();
    for _ in 0..CALLS {
        let event = event("order.placed", &data);
        let called = host.transform(&version, context(), event, delivery(), CallLimits::default()).await;
        assert!(called.result.is_ok(), "{:?}", called.result);
        durations.push(called.duration);
    }
    let each = started.elapsed() / u32::try_from(CALLS).unwrap();
    durations.sort_unstable();
    let (p50, p99) = (durations[CALLS / 2], durations[CALLS * 99 / 100]);
    println!("{} bytes of JSON, fresh instance: p50 {p50:?}, p99 {p99:?}; {each:?} with the hop", data.len());
    assert!(p50 < Duration::from_micros(60), "{p50:?}");
}
