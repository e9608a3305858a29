//! A plugin in a host of the command's own: the very host that the gateway has.

use crate::cli::failure::Failure;
use hookwright_plugin_host::{CacheConfig, HostConfig, HostError, LogLine, PluginHost, PluginVersion};
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Compiled plugins that are kept, so that an unchanged Python plugin is not compiled for ten seconds each time.
const KEPT_MAX: usize = 16;

/// A compiled plugin and its host.
pub(super) struct Trial {
    pub(super) host: Arc<PluginHost>,
    pub(super) version: Arc<PluginVersion>,
    pub(super) compiled_in: Duration,
}

impl Trial {
    /// Starts a host with this many threads, and compiles there or takes the code from the cache.
    pub(super) async fn start(
        bytes: Vec<u8>,
        cache: Option<PathBuf>,
        threads: Option<NonZeroUsize>,
    ) -> Result<Self, Failure> {
        let work = move || -> Result<Self, Failure> {
            let host = host(cache, threads)?;
            let began = Instant::now();
            let version = host.compile(&bytes)?;
            Ok(Self { host: Arc::new(host), version, compiled_in: began.elapsed() })
        };
        tokio::task::spawn_blocking(work).await?
    }
}

fn host(cache: Option<PathBuf>, threads: Option<NonZeroUsize>) -> Result<PluginHost, HostError> {
    let config = |dir: Option<PathBuf>| HostConfig {
        cache: dir.map(|dir| CacheConfig { dir, mac_key: None }),
        threads,
        ..HostConfig::default()
    };
    if let Some(dir) = &cache {
        prune(dir);
    }
    match PluginHost::start(config(cache)) {
        // It is a convenience, and the command is as right without it.
        Err(HostError::Cache { .. }) => PluginHost::start(config(None)),
        other => other,
    }
}

/// Where this person's compiled plugins are kept.
pub(super) fn cache() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(base.join("hookwright").join("compiled"))
}

/// Leaves the latest. What cannot be looked at or removed is another day's work.
fn prune(dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    let mut kept: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            path.extension().filter(|extension| *extension == "cwasm")?;
            Some((std::fs::metadata(&path).ok()?.modified().ok()?, path))
        })
        .collect();
    kept.sort_unstable();
    for (_, path) in kept.iter().rev().skip(KEPT_MAX) {
        let _ = std::fs::remove_file(path);
    }
}

/// The lines of a plugin's log as JSON.
pub(super) fn log_json(log: &[LogLine]) -> Value {
    log.iter().map(|line| json!({ "level": line.level.as_str(), "message": line.message })).collect()
}

/// Milliseconds with three digits behind the point.
pub(super) fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// A size for a person.
pub(super) fn mib(bytes: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a size for a person")]
    let mib = bytes as f64 / f64::from(1 << 20);
    if mib < 1.0 { format!("{} KiB", bytes.div_ceil(1 << 10)) } else { format!("{mib:.1} MiB") }
}
