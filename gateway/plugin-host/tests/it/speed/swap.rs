//! Versions that are swapped while calls come as fast as they are answered: no call fails, none sees two versions, and
//! none waits for the compiler, which is a process of its own.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use hookwright_plugin_host::child::{CHILD_ARGUMENT, COMPILE_WALL_MAX};
use hookwright_plugin_host::outbound::Decision;
use hookwright_plugin_host::{CallLimits, Compiler, HostConfig, PluginHost, PluginVersion};
use tokio::time::Instant;

use super::{distinct, order, percentiles};
use crate::guest::{context, delivery, event, outbound, sending};

/// Callers that each wait for one answer at a time: more than there are threads, so that none is ever idle.
const CALLERS: usize = 8;

/// What serves now, and its mark.
type Serving = RwLock<(Arc<PluginVersion>, u8)>;

fn host() -> PluginHost {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_plugin-compiler"));
    let compiler = Compiler::Child { program, args: vec![CHILD_ARGUMENT.into()], wall_limit: COMPILE_WALL_MAX };
    PluginHost::start(HostConfig { compiler, ..HostConfig::default() }).unwrap()
}

/// A guest that answers its mark twice: as the last letter of the content type, and in the body.
fn marked(mark: u8) -> Vec<u8> {
    outbound(&format!(
        "(i32.store8 (i32.const 529) (i32.const {mark})) (i32.store8 (i32.const 63) (i32.const {mark})) {}",
        sending(64)
    ))
}

/// What came of a load.
#[derive(Default)]
struct Load {
    times: Vec<Duration>,
    failed: usize,
    mixed: usize,
}

async fn caller(host: &PluginHost, serving: &Serving, stop: &AtomicBool) -> Load {
    let (mut load, data) = (Load::default(), order(1 << 10));
    while !stop.load(Ordering::Relaxed) {
        let (version, mark) = serving.read().unwrap().clone();
        let started = Instant::now();
        let event = event("order.placed", &data);
        // How soon a call ends is measured, and not that it is ended.
        let limits = CallLimits { deadline: Duration::from_secs(2), ..CallLimits::default() };
        let called = host.transform(&version, context(), event, delivery(), limits).await;
        load.times.push(started.elapsed());
        match called.result {
            Ok(Decision::Send(sent)) => {
                let is_whole = sent.content_type.as_bytes().last() == Some(&mark) && sent.body[63] == mark;
                load.mixed += usize::from(!is_whole);
            }
            _ => load.failed += 1,
        }
    }
    load
}

/// Calls as fast as they are answered while `meanwhile` runs on a thread of its own.
async fn under_load(
    host: &Arc<PluginHost>,
    serving: &Arc<Serving>,
    meanwhile: impl FnOnce(&PluginHost, &Serving) + Send + 'static,
) -> Load {
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (host, serving, stop) = (Arc::clone(host), Arc::clone(serving), Arc::clone(&stop));
            tokio::spawn(async move { caller(&host, &serving, &stop).await })
        })
        .collect();
    let (swapping_host, swapped) = (Arc::clone(host), Arc::clone(serving));
    tokio::task::spawn_blocking(move || meanwhile(&swapping_host, &swapped)).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    let mut all = Load::default();
    for caller in callers {
        let load = caller.await.unwrap();
        all.times.extend(load.times);
        all.failed += load.failed;
        all.mixed += load.mixed;
    }
    all
}

/// So many swaps, each to a version that was never there before.
fn swap(host: &PluginHost, serving: &Serving, swaps: u32) {
    let components = [b'a', b'b'].map(|mark| (marked(mark), mark));
    for number in 0..swaps {
        let (component, mark) = &components[number as usize % 2];
        let version = host.compile(&distinct(component, number)).unwrap();
        *serving.write().unwrap() = (version, *mark);
    }
}

/// The load without swaps for as long as the swaps took, and the load with them.
async fn compare(swaps: u32) -> (Load, Load) {
    let host = Arc::new(host());
    let first = host.compile(&marked(b'z')).unwrap();
    let gone = Arc::downgrade(&first);
    let serving = Arc::new(RwLock::new((first, b'z')));
    let started = Instant::now();
    let swapped = under_load(&host, &serving, move |host, serving| swap(host, serving, swaps)).await;
    let took = started.elapsed().min(Duration::from_secs(10));
    assert_eq!(gone.strong_count(), 0, "a version that was swapped out is still there");
    let alone = under_load(&host, &serving, move |_, _| {
        // Nothing happens meanwhile, and that is what is measured.
        std::sync::mpsc::channel::<()>().1.recv_timeout(took).unwrap_err();
    })
    .await;
    (alone, swapped)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, meaningful in release mode alone"]
async fn two_hundred_swaps_under_load() {
    let (mut alone, mut swapped) = compare(200).await;
    let (calls_alone, calls) = (alone.times.len(), swapped.times.len());
    let (alone_p50, alone_p99) = percentiles(&mut alone.times);
    let (p50, p99) = percentiles(&mut swapped.times);
    println!(
        "{calls} calls during 200 swaps: {} failed, {} mixed; p50 {p50:?}, p99 {p99:?}; without swaps, {calls_alone} calls: p50 {alone_p50:?}, p99 {alone_p99:?}",
        swapped.failed, swapped.mixed
    );
    assert_eq!((alone.failed, alone.mixed, swapped.failed, swapped.mixed), (0, 0, 0, 0));
    assert!(p99 <= alone_p99 * 2, "{p99:?} against {alone_p99:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swaps_under_load_fail_no_call_and_mix_no_versions() {
    let (alone, mut swapped) = compare(6).await;
    assert_eq!((alone.failed, alone.mixed, swapped.failed, swapped.mixed), (0, 0, 0, 0));
    assert!(swapped.times.len() > 100, "{}", swapped.times.len());
    // Far more than it takes, and far less than if callers waited for the compiler.
    let (_, p99) = percentiles(&mut swapped.times);
    assert!(p99 < Duration::from_millis(100), "{p99:?}");
}
