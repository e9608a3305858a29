//! `plugin bench`: what a plugin costs, or several of them side by side.

use super::component::{self, Component};
use super::limits::LimitArguments;
use super::trial::{Trial, mib, ms};
use crate::cli::failure::{Failure, told};
use crate::cli::output::{print, print_json};
use crate::cli::table::Table;
use crate::config::parse_duration;
use hookwright_plugin_host::CallLimits;
use hookwright_plugin_host::build::BuildOptions;
use hookwright_plugin_host::fixture::{self, Fixture};
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Calls that are recorded, and threads that make them, at most.
const CALLS_MAX: usize = 4_000_000;
const THREADS_MAX: u64 = 64;
/// Callers for each thread: a thread that need not wait for the next call finds the processor as warm as under load.
const CALLERS: usize = 4;
/// Calls before the measurement, for the pool to have its slots ready.
const WARM_UP: usize = 50;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct BenchArguments {
    /// Components, or directories of plugins, which are then built.
    #[arg(required = true, num_args = 1..=16)]
    plugins: Vec<PathBuf>,
    /// Which fixture to ask for, again and again; the first by name if it is left out.
    #[arg(long, value_name = "NAME")]
    fixture: Option<String>,
    /// How long to measure each plugin.
    #[arg(long, default_value = "3", value_name = "SECONDS", value_parser = seconds)]
    seconds: Duration,
    /// How many threads run the plugin at once; each is kept busy.
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u64).range(1..=THREADS_MAX))]
    threads: u64,
    /// Measure instances that serve so many calls each, too, as with a plugin's policy `reuse`.
    #[arg(long, value_name = "CALLS", value_parser = clap::value_parser!(u32).range(2..=10_000))]
    reuse: Option<u32>,
    /// Build anew although nothing has changed, to measure the build as well.
    #[arg(long)]
    rebuild: bool,
    #[command(flatten)]
    limits: LimitArguments,
    /// Print a JSON array.
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let duration = text.parse().ok().map(Duration::from_secs).or_else(|| parse_duration(text));
    let bounded = duration.filter(|duration| (100..=600_000).contains(&duration.as_millis()));
    bounded.ok_or_else(|| "expected seconds from 1 to 600, or a duration such as 500ms".to_owned())
}

pub(super) async fn run(arguments: BenchArguments) -> Result<ExitCode, Failure> {
    let mut measured = Vec::with_capacity(arguments.plugins.len());
    for plugin in &arguments.plugins {
        measured.push(measure(plugin, &arguments).await?);
    }
    if arguments.json {
        print_json(&measured.iter().map(Measured::json).collect::<Value>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&[
        "PLUGIN",
        "SIZE",
        "BUILD",
        "COMPILE",
        "FRESH P50",
        "P99",
        "CALLS/S",
        "REUSED P50",
        "MEMORY",
        "FIXTURE",
    ]);
    for row in &measured {
        table.row(row.cells());
    }
    print(&table.text())?;
    Ok(ExitCode::SUCCESS)
}

/// What one plugin costs.
struct Measured {
    plugin: String,
    size_bytes: usize,
    built_in: Option<Duration>,
    compiled_in: Duration,
    fixture: String,
    threads: usize,
    calls: Calls,
    reused: Option<Calls>,
}

async fn measure(plugin: &Path, arguments: &BenchArguments) -> Result<Measured, Failure> {
    let options = BuildOptions { anew: arguments.rebuild, ..BuildOptions::default() };
    let Component { bytes, source } = component::load(plugin, options).await?;
    let threads = usize::try_from(arguments.threads).unwrap_or(1);
    // Without a cache, so that the compilation is a real one.
    let trial = Trial::start(bytes, None, NonZeroUsize::new(threads)).await?;
    let fixtures = match &source {
        Some(source) => fixture::read_dir(&source.fixtures)?,
        None => trial.version.fixtures().to_vec(),
    };
    let fixture = chosen(fixtures, arguments.fixture.as_deref())?;
    let limits = arguments.limits.limits();
    let calls = Calls::make(&trial, &fixture, limits, threads, arguments.seconds).await?;
    let reused = match arguments.reuse {
        Some(reuse) => {
            let limits = CallLimits { reuse, ..limits };
            Some(Calls::make(&trial, &fixture, limits, threads, arguments.seconds).await?)
        }
        None => None,
    };
    let whole = plugin.canonicalize().unwrap_or_default();
    let stem = whole.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = trial.version.metadata().name.clone().unwrap_or_else(|| stem.clone());
    let plugin = source.as_ref().map_or(stem, |source| format!("{name} ({})", source.language));
    Ok(Measured {
        plugin,
        size_bytes: trial.version.size_bytes(),
        built_in: source.map(|source| source.built_in),
        compiled_in: trial.compiled_in,
        fixture: fixture.name().to_owned(),
        threads,
        calls,
        reused,
    })
}

fn chosen(fixtures: Vec<Fixture>, name: Option<&str>) -> Result<Fixture, Failure> {
    let names: Vec<String> = fixtures.iter().map(|fixture| fixture.name().to_owned()).collect();
    let mut fixtures = fixtures.into_iter();
    let found = fixtures.find(|fixture| name.is_none_or(|name| fixture.name() == name));
    found.ok_or_else(|| match name {
        Some(name) if !names.is_empty() => told(format!("there is no fixture {name}; there are {}", names.join(", "))),
        _ => told("the plugin has no fixtures, so that there is nothing to ask it"),
    })
}

/// The calls of one measurement.
struct Calls {
    sorted: Vec<Duration>,
    wall: Duration,
    memory_peak_bytes: usize,
}

impl Calls {
    async fn make(
        trial: &Trial,
        fixture: &Fixture,
        limits: CallLimits,
        threads: usize,
        seconds: Duration,
    ) -> Result<Self, Failure> {
        let mut memory_peak_bytes = 0;
        for _ in 0..WARM_UP {
            let called = trial.host.call_fixture(&trial.version, fixture, limits).await;
            memory_peak_bytes = memory_peak_bytes.max(called.memory_peak_bytes);
            if let Err(failure) = called.result
                && failure.is_misbehaviour()
            {
                return Err(failure.into());
            }
        }
        let began = Instant::now();
        let mut callers = tokio::task::JoinSet::new();
        let callers_all = threads * CALLERS;
        for _ in 0..callers_all {
            let (host, version) = (Arc::clone(&trial.host), Arc::clone(&trial.version));
            let fixture = fixture.clone();
            callers.spawn(async move {
                let mut durations = Vec::new();
                while began.elapsed() < seconds && durations.len() < CALLS_MAX / callers_all {
                    durations.push(host.call_fixture(&version, &fixture, limits).await.duration);
                }
                durations
            });
        }
        let mut sorted = callers.join_all().await.concat();
        let wall = began.elapsed();
        sorted.sort_unstable();
        Ok(Self { sorted, wall, memory_peak_bytes })
    }

    fn json(&self) -> Value {
        json!({
            "calls": self.sorted.len(),
            "calls_per_second": self.by_second(),
            "p50_ms": ms(self.percentile(50)),
            "p99_ms": ms(self.percentile(99)),
        })
    }

    fn percentile(&self, percent: usize) -> Duration {
        self.sorted.get(self.sorted.len() * percent / 100).copied().unwrap_or_default()
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate for a person")]
    fn by_second(&self) -> f64 {
        (self.sorted.len() as f64 / self.wall.as_secs_f64()).round()
    }
}

impl Measured {
    fn json(&self) -> Value {
        let calls = &self.calls;
        json!({
            "plugin": self.plugin,
            "size_bytes": self.size_bytes,
            "build_ms": self.built_in.map(ms),
            "compile_ms": ms(self.compiled_in),
            "fixture": self.fixture,
            "threads": self.threads,
            "memory_peak_bytes": calls.memory_peak_bytes,
            "fresh": calls.json(),
            "reused": self.reused.as_ref().map(Calls::json),
        })
    }

    fn cells(&self) -> [String; 10] {
        let calls = &self.calls;
        let micros = |duration: Duration| format!("{:.0} µs", duration.as_secs_f64() * 1e6);
        let seconds = |duration: Duration| format!("{:.2} s", duration.as_secs_f64());
        [
            self.plugin.clone(),
            mib(self.size_bytes),
            self.built_in.map(seconds).unwrap_or_default(),
            seconds(self.compiled_in),
            micros(calls.percentile(50)),
            micros(calls.percentile(99)),
            calls.by_second().to_string(),
            self.reused.as_ref().map(|reused| micros(reused.percentile(50))).unwrap_or_default(),
            mib(calls.memory_peak_bytes),
            self.fixture.clone(),
        ]
    }
}
