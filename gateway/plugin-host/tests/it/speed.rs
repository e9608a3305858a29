//! Measurements, run by hand, in release mode and one after the other:
//! `cargo test --release -p hookwright-plugin-host --test it speed -- --ignored --nocapture --test-threads 1`.
//!
//! What counts are ratios within one run: the guest against the same transform compiled to native code, two threads
//! against one, late calls against early ones.

mod hl7v2;
mod language;
mod swap;

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use emr_video_call::EmrVideoCall;
use hookwright_plugin_host::build::build_guest;
use hookwright_plugin_host::inbound::{Assurance, InboundRequest};
use hookwright_plugin_host::{CacheConfig, CallFailure, CallLimits, Called, HostConfig, PluginHost, PluginVersion};
use hookwright_plugin_sdk::inbound::{self as native_inbound, Inbound};
use hookwright_plugin_sdk::outbound::{self as native_outbound, Outbound};
use klaviyo_profile::KlaviyoProfile;
use tokio::time::Instant;

use crate::guest::{context, delivery, event, host, outbound, repository, skipping, transform, transform_within};

const ROUNDS: usize = 10;
const CALLS: usize = 1000;

fn guest(name: &str) -> Vec<u8> {
    let root = repository();
    build_guest(&root.join("plugins").join(name), &root.join("target/guests")).unwrap()
}

/// An order of about this many bytes, most of them in its items.
fn order(bytes: usize) -> String {
    let head = r#"{"order_id":"ord_1","total":129.5,"currency":"USD","item_count":2,"customer":{"id":"cus_xyz","email":"ada@example.com","first_name":"Ada","address":{"state":"TX"}}"#;
    filled(head, bytes)
}

/// A call of about this many bytes, most of them in fields that nobody reads.
fn video_call(bytes: usize) -> String {
    let head = r#"{"event":"video_call.completed","patient_external_id":"cus_xyz","appointment_id":"appt_789","provider_id":"dr_abc","call_duration_minutes":15,"completed_at":"2026-01-04T22:30:00Z""#;
    filled(head, bytes)
}

fn filled(head: &str, bytes: usize) -> String {
    let mut text = format!("{head},\"items\":[");
    let mut number = 0;
    while text.len() + 80 < bytes {
        let comma = if number == 0 { "" } else { "," };
        write!(text, r#"{comma}{{"sku":"sku-{number:04}","quantity":{},"price":{number}.5}}"#, number % 7).unwrap();
        number += 1;
    }
    let padding = "x".repeat(bytes.saturating_sub(text.len() + 12));
    write!(text, r#"],"pad":"{padding}"}}"#).unwrap();
    text
}

fn median(durations: &mut [Duration]) -> Duration {
    durations.sort_unstable();
    durations[durations.len() / 2]
}

/// The median, and what one in a hundred exceeds.
fn percentiles(durations: &mut [Duration]) -> (Duration, Duration) {
    durations.sort_unstable();
    (durations[durations.len() / 2], durations[durations.len() * 99 / 100])
}

/// A host of one thread, which is kept busy: then guests find the processor as warm as native code in a loop does.
fn busy_host() -> PluginHost {
    PluginHost::start(HostConfig { threads: NonZeroUsize::new(1), ..HostConfig::default() }).unwrap()
}

/// The median times of both, measured in turns so that the machine's moods reach both.
async fn compare(mut native: impl FnMut(), fresh: impl AsyncFn() -> Duration) -> (Duration, Duration) {
    let (mut natives, mut freshes) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for _ in 0..CALLS {
            let started = Instant::now();
            native();
            natives.push(started.elapsed());
        }
        for _ in 0..CALLS / 8 {
            let batch = tokio::join!(fresh(), fresh(), fresh(), fresh(), fresh(), fresh(), fresh(), fresh());
            freshes.extend(<[Duration; 8]>::from(batch));
        }
    }
    (median(&mut natives), median(&mut freshes))
}

fn native_context() -> native_outbound::Context {
    let context = context();
    native_outbound::Context {
        contract: "0.1.0".to_owned(),
        plugin: context.plugin,
        binding_id: context.binding_id,
        binding_name: context.binding_name,
        subject_id: context.subject_id,
        attempt: 1,
        now_ms: context.now_ms,
        settings: context.settings,
        attributes: Vec::new(),
    }
}

/// Whether the ratio is within its bound; all are measured before any is judged.
fn check(what: &str, native: Duration, fresh: Duration, ratio_max: f64) -> bool {
    let ratio = fresh.as_secs_f64() / native.as_secs_f64();
    println!("{what}: native {native:?}, fresh instance {fresh:?}: {ratio:.2} x (at most {ratio_max} x)");
    ratio <= ratio_max
}

#[tokio::test]
#[ignore = "a measurement, meaningful in release mode alone"]
async fn an_outbound_call_against_native_code() {
    let host = busy_host();
    let version = host.compile(&guest("klaviyo-profile")).unwrap();
    let mut within = true;
    for (bytes, ratio_max) in [(1 << 10, 2.0), (20 << 10, 1.3)] {
        let data = order(bytes);
        let native_event = native_outbound::Event {
            id: "evt_abc123".to_owned(),
            event_type: "order.placed".to_owned(),
            created_at_ms: context().now_ms,
            data: data.clone(),
            attributes: Vec::new(),
        };
        let native_delivery = native_outbound::Delivery {
            id: "dlv_1".to_owned(),
            subscription_id: "sub_1".to_owned(),
            subscription_name: "test".to_owned(),
            attributes: Vec::new(),
        };
        let native_context = native_context();
        let (native, fresh) = compare(
            || assert!(KlaviyoProfile::transform(&native_context, &native_event, &native_delivery).is_ok()),
            async || {
                let event = event("order.placed", &data);
                let called = host.transform(&version, context(), event, delivery(), CallLimits::default()).await;
                assert!(called.result.is_ok(), "{:?}", called.result);
                called.duration
            },
        )
        .await;
        within &= check(&format!("outbound, {} bytes", data.len()), native, fresh, ratio_max);
    }
    assert!(within);
}

#[tokio::test]
#[ignore = "a measurement, meaningful in release mode alone"]
async fn an_inbound_call_against_native_code() {
    let host = busy_host();
    let version = host.compile(&guest("emr-video-call")).unwrap();
    let mut within = true;
    for (bytes, ratio_max) in [(1 << 10, 2.0), (20 << 10, 1.3)] {
        let body = video_call(bytes);
        let native_request = native_inbound::Request {
            method: "POST".to_owned(),
            hook: "video-call-completed".to_owned(),
            query: Vec::new(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.clone().into_bytes(),
            received_at_ms: context().now_ms,
            authentication: native_inbound::Authentication {
                assurance: native_inbound::Assurance::Verified,
                scheme: "standard-webhooks".to_owned(),
                attributes: Vec::new(),
            },
            attributes: Vec::new(),
        };
        let request = InboundRequest {
            method: "POST".to_owned(),
            hook: "video-call-completed".to_owned(),
            query: Vec::new(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.clone().into(),
            received_at_ms: context().now_ms,
            assurance: Assurance::Verified,
            scheme: "standard-webhooks".to_owned(),
            attributes: Vec::new(),
        };
        let native_context = native_context();
        let (native, fresh) = compare(
            || assert!(EmrVideoCall::parse(&native_context, &native_request).is_ok()),
            async || {
                let called = host.parse(&version, context(), request.clone(), CallLimits::default()).await;
                assert!(called.result.is_ok(), "{:?}", called.result);
                called.duration
            },
        )
        .await;
        within &= check(&format!("inbound, {} bytes", body.len()), native, fresh, ratio_max);
    }
    assert!(within);
}

/// Calls a second with so many threads, each of which is kept busy.
async fn throughput(threads: usize, component: &[u8], data: &str) -> f64 {
    let config = HostConfig { threads: NonZeroUsize::new(threads), ..HostConfig::default() };
    let host = Arc::new(PluginHost::start(config).unwrap());
    let version = host.compile(component).unwrap();
    // What is measured is how many end, and not that any is ended.
    let limits = CallLimits { deadline: Duration::from_secs(2), ..CallLimits::default() };
    let started = Instant::now();
    let callers: Vec<_> = (0..8 * threads)
        .map(|_| {
            let (host, version, data) = (Arc::clone(&host), Arc::clone(&version), data.to_owned());
            tokio::spawn(async move {
                for _ in 0..CALLS * 4 / threads {
                    let event = event("order.placed", &data);
                    let called = host.transform(&version, context(), event, delivery(), limits).await;
                    assert!(called.result.is_ok(), "{:?}", called.result);
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let calls = u32::try_from(8 * threads * (CALLS * 4 / threads)).unwrap();
    f64::from(calls) / started.elapsed().as_secs_f64()
}

/// The same, with everything (callers, guests, the host's own threads) on so many processors.
fn throughput_on(processors: usize, component: &[u8], data: &str) -> f64 {
    let (component, data) = (component.to_vec(), data.to_owned());
    let measured = std::thread::spawn(move || {
        let mut set = rustix::thread::CpuSet::new();
        (0..processors).for_each(|processor| set.set(processor));
        // Threads that are started from here on inherit it.
        rustix::thread::sched_setaffinity(None, &set).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(throughput(processors, &component, &data))
    });
    measured.join().unwrap()
}

#[test]
#[ignore = "a measurement, meaningful in release mode alone"]
fn two_processors_against_one() {
    let component = guest("klaviyo-profile");
    for (bytes, gain_min) in [(1 << 10, 1.7), (20 << 10, 1.7)] {
        let data = order(bytes);
        let (mut one, mut two) = (0.0_f64, 0.0_f64);
        for _ in 0..3 {
            one = one.max(throughput_on(1, &component, &data));
            two = two.max(throughput_on(2, &component, &data));
        }
        let gain = two / one;
        println!("{} bytes: {one:.0} calls/s on one processor, {two:.0} on two: {gain:.2} x", data.len());
        assert!(gain >= gain_min, "{gain:.2}");
    }
}

#[tokio::test]
#[ignore = "a measurement, meaningful on an idle machine alone"]
async fn runaways_are_ended_within_a_tick() {
    let host = host();
    let endless = host.compile(&outbound("(loop $again (br $again)) (i32.const 0)")).unwrap();
    let probe = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests/wasi-probe.wasm");
    let asleep = host.compile(&std::fs::read(probe).unwrap()).unwrap();
    for (what, version, event_type) in [("endless loop", &endless, "order.placed"), ("asleep", &asleep, "sleep")] {
        for deadline_ms in [50, 200] {
            let deadline = Duration::from_millis(deadline_ms);
            let limits = CallLimits { deadline, ..CallLimits::default() };
            let mut late = Vec::new();
            for _ in 0..20 {
                let called = host.transform(version, context(), event(event_type, "{}"), delivery(), limits).await;
                assert!(matches!(called.result, Err(CallFailure::Timeout { .. })), "{:?}", called.result);
                late.push(called.duration.saturating_sub(deadline));
            }
            let p50 = median(&mut late);
            let worst = late[late.len() - 1];
            println!("{what}, deadline {deadline:?}: ended {p50:?} after it (p50), {worst:?} at worst");
            assert!(worst <= Duration::from_millis(15), "{what}: {worst:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, meaningful on an idle machine alone"]
async fn two_runaways_do_not_hold_up_their_neighbour() {
    let host = Arc::new(host());
    let neighbour = host.compile(&guest("klaviyo-profile")).unwrap();
    let data = order(1 << 10);
    let p99 = async || {
        let mut times = Vec::new();
        for _ in 0..2 * CALLS {
            let started = Instant::now();
            let event = event("order.placed", &data);
            let called = host.transform(&neighbour, context(), event, delivery(), CallLimits::default()).await;
            assert!(called.result.is_ok(), "{:?}", called.result);
            times.push(started.elapsed());
        }
        percentiles(&mut times)
    };
    let alone = p99().await;
    let runaways: Vec<_> = [1, 2]
        .map(|number| format!("(drop (i32.const {number})) (loop $again (br $again)) (i32.const 0)"))
        .iter()
        .flat_map(|body| {
            let runaway = host.compile(&outbound(body)).unwrap();
            (0..8).map(move |_| Arc::clone(&runaway))
        })
        .map(|runaway| {
            let host = Arc::clone(&host);
            tokio::spawn(async move {
                loop {
                    assert!(transform(&host, &runaway).await.result.is_err());
                }
            })
        })
        .collect();
    // Until both are known for what they are.
    for _ in 0..50 {
        assert!(transform(&host, &neighbour).await.result.is_ok());
    }
    let hammered = p99().await;
    for runaway in runaways {
        runaway.abort();
    }
    println!("a neighbour's p50 and p99, with the hop: {alone:?} alone, {hammered:?} beside two runaways");
    assert!(hammered.1 < Duration::from_millis(10), "{hammered:?}");
}

/// Resident memory of this process in KiB.
#[cfg(target_os = "linux")]
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "a measurement, meaningful when nothing else runs"]
async fn ten_thousand_traps_leave_nothing_behind() {
    let host = host();
    let honest = host.compile(&guest("klaviyo-profile")).unwrap();
    let hostile = host.compile(&outbound("(call $recurse (i32.const 0))")).unwrap();
    let bomb =
        host.compile(&outbound("(loop $again (drop (memory.grow (i32.const 16))) (br $again)) (i32.const 0)")).unwrap();
    let honest_time = async || {
        let mut durations = Vec::new();
        for _ in 0..CALLS {
            let called = transform(&host, &honest).await;
            assert!(called.result.is_ok(), "{:?}", called.result);
            durations.push(called.duration);
        }
        median(&mut durations)
    };
    let failing = async |version: &Arc<PluginVersion>, calls: usize| {
        let mut durations = Vec::new();
        for _ in 0..calls {
            let limits = CallLimits { deadline: Duration::from_secs(1), ..CallLimits::default() };
            let Called { result, duration, .. } = transform_within(&host, version, limits).await;
            assert!(result.is_err());
            durations.push(duration);
        }
        median(&mut durations)
    };
    failing(&hostile, 1000).await;
    failing(&bomb, 10).await;
    let (before, kib_before) = (honest_time().await, resident_kib());
    let early = failing(&hostile, 1000).await;
    failing(&hostile, 8000).await;
    let late = failing(&hostile, 1000).await;
    failing(&bomb, 50).await;
    let (after, kib_after) = (honest_time().await, resident_kib());
    println!(
        "10,000 traps: {early:?} each at first, {late:?} at last; honest calls {before:?} before, {after:?} after; {kib_before} KiB before, {kib_after} KiB after"
    );
    assert!(kib_after < kib_before + (8 << 10), "{kib_before} KiB became {kib_after}");
    assert!(after < before * 3 / 2 && late < early * 3 / 2);
}

#[test]
#[ignore = "a measurement, meaningful in release mode alone"]
fn two_hundred_plugins_start_from_a_warm_cache_within_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        let cache = Some(CacheConfig { dir: dir.path().to_owned(), mac_key: Some([5; 32]) });
        PluginHost::start(HostConfig { cache, ..HostConfig::default() }).unwrap()
    };
    let real = guest("klaviyo-profile");
    // Distinct in their bytes, so that nothing is shared.
    let components: Vec<Vec<u8>> = (0..200).map(|number| distinct(&real, number)).collect();
    let cold = Instant::now();
    let host = start();
    for component in &components {
        host.compile(component).unwrap();
    }
    let cold = cold.elapsed();
    drop(host);
    let warm = Instant::now();
    let host = start();
    let versions: Vec<Arc<PluginVersion>> = components.iter().map(|it| host.compile(it).unwrap()).collect();
    let warm = warm.elapsed();
    assert!(versions.iter().all(|version| version.compile_time().is_none()), "the cache did not serve");
    println!("{} plugins of {} KiB: {cold:?} cold, {warm:?} warm", versions.len(), components[0].len() >> 10);
    assert!(warm < Duration::from_secs(1), "{warm:?}");
}

/// The same plugin under another name.
fn distinct(component: &[u8], number: u32) -> Vec<u8> {
    let mut distinct = component.to_vec();
    let data = format!("number {number:04}");
    distinct.extend([0, u8::try_from(data.len() + 7).unwrap(), 6]);
    distinct.extend(b"serial");
    distinct.extend(data.as_bytes());
    distinct
}

#[tokio::test]
#[ignore = "a measurement, meaningful in release mode alone"]
async fn a_small_guest_shows_what_a_call_costs_by_itself() {
    let host = host();
    let version = host.compile(&outbound(&skipping(512, 4))).unwrap();
    let mut durations = Vec::new();
    for _ in 0..CALLS * ROUNDS {
        durations.push(transform(&host, &version).await.duration);
    }
    println!("an instance that answers at once: {:?}", median(&mut durations));
}
