//! What is measured of plugins, for `/metrics`. Labels are names of plugins and fixed words: nothing of the data.

use super::tally::Went;
use hookwright_plugin_host::{CallFailure, HostStats, PluginHost};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// From 4 µs to 4 s, each four times the one before.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.000_004, 4.0, 11))
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CallLabels {
    plugin: String,
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PluginLabel {
    plugin: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

/// The counters.
#[derive(Debug)]
pub(super) struct Meters {
    registry: Registry,
    calls: Family<CallLabels, Counter>,
    call_seconds: Family<PluginLabel, Histogram, fn() -> Histogram>,
    pushes: Family<ResultLabel, Counter>,
    swaps: Family<PluginLabel, Counter>,
    quarantines: Family<PluginLabel, Counter>,
    candidate_calls: Family<CallLabels, Counter>,
    gauges: Gauges,
}

/// What the host is doing at the moment.
#[derive(Debug, Default)]
struct Gauges {
    threads: Gauge,
    waiting: Gauge,
    running: Gauge,
    idle: Gauge,
    memory: Gauge,
}

impl Gauges {
    fn register(&self, registry: &mut Registry) {
        registry.register("threads", "Threads that run plugins", self.threads.clone());
        registry.register("calls_waiting", "Calls that wait for a thread", self.waiting.clone());
        registry.register("calls_running", "Calls that run", self.running.clone());
        registry.register("idle_instances", "Instances kept for another call", self.idle.clone());
        registry.register_with_unit("unused_memory", "Memory of free slots", Unit::Bytes, self.memory.clone());
    }

    fn set(&self, stats: &HostStats) {
        let memory = stats.slots.map_or(0, |slots| slots.unused_memory_bytes);
        for (gauge, value) in [
            (&self.threads, stats.threads),
            (&self.waiting, stats.waiting),
            (&self.running, stats.running),
            (&self.idle, stats.idle_instances),
            (&self.memory, memory),
        ] {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }
}

impl Default for Meters {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("hookwright_plugin");
        let calls = Family::default();
        registry.register("calls", "Calls of plugins, by how they ended", calls.clone());
        let call_seconds = Family::new_with_constructor(seconds as fn() -> Histogram);
        registry.register_with_unit(
            "call",
            "Time of calls on the host's threads, without the wait",
            Unit::Seconds,
            call_seconds.clone(),
        );
        let pushes = Family::default();
        registry.register("pushes", "Versions pushed by any way: ok, or why they were refused", pushes.clone());
        let swaps = Family::default();
        registry.register("swaps", "Changes of the version that serves", swaps.clone());
        let quarantines = Family::default();
        registry.register("quarantines", "Versions put into quarantine", quarantines.clone());
        let candidate_calls = Family::default();
        registry.register("candidate_calls", "Calls of candidates, by how they went", candidate_calls.clone());
        let gauges = Gauges::default();
        gauges.register(&mut registry);
        Self { registry, calls, call_seconds, pushes, swaps, quarantines, candidate_calls, gauges }
    }
}

impl Meters {
    pub(super) fn called(&self, plugin: &str, failure: Option<&CallFailure>, took: Duration) {
        let result = failure.map_or("ok", CallFailure::kind);
        self.calls.get_or_create(&CallLabels { plugin: plugin.to_owned(), result }).inc();
        let label = PluginLabel { plugin: plugin.to_owned() };
        self.call_seconds.get_or_create(&label).observe(took.as_secs_f64());
    }

    pub(super) fn pushed(&self, result: &'static str) {
        self.pushes.get_or_create(&ResultLabel { result }).inc();
    }

    pub(super) fn swapped(&self, plugin: &str) {
        self.swaps.get_or_create(&PluginLabel { plugin: plugin.to_owned() }).inc();
    }

    pub(super) fn quarantined(&self, plugin: &str) {
        self.quarantines.get_or_create(&PluginLabel { plugin: plugin.to_owned() }).inc();
    }

    pub(super) fn candidate(&self, plugin: &str, went: &Went) {
        let result = match went {
            Went::Well => "ok",
            Went::Equal => "equal",
            Went::Differs(_) => "differs",
            Went::Failed(_) => "error",
        };
        self.candidate_calls.get_or_create(&CallLabels { plugin: plugin.to_owned(), result }).inc();
    }

    /// Everything, as text.
    pub(super) fn text(&self, host: &PluginHost) -> Result<String, std::fmt::Error> {
        self.gauges.set(&host.stats());
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
