//! What was removed, and what is being: for operators and for `/metrics`. Labels are kinds of records: nothing of the data.

use hookwright_store::{Pruned, RecordKind};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The present run over a kind, or the last one. Times are unix milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// When it began.
    pub started_at: i64,
    /// When it ended; `None` while it is under way.
    pub finished_at: Option<i64>,
    /// Whether it was cut short; the next look goes on.
    pub interrupted: bool,
    /// Records older than this were to go.
    pub before_ms: i64,
    /// Records that went.
    pub removed: u64,
    /// Rows that went, with those that belonged to them.
    pub rows: u64,
    /// The id up to which it has got.
    pub after: i64,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

impl From<RecordKind> for KindLabel {
    fn from(kind: RecordKind) -> Self {
        Self { kind: kind.as_str() }
    }
}

/// What was removed, and what is being.
#[derive(Debug)]
pub struct Progress {
    runs: Mutex<BTreeMap<RecordKind, Run>>,
    registry: Registry,
    removed: Family<KindLabel, Counter>,
    rows: Family<KindLabel, Counter>,
    running: Family<KindLabel, Gauge>,
    batch_seconds: Histogram,
}

impl Default for Progress {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("hookwright_retention");
        let (removed, rows, running) = (Family::default(), Family::default(), Family::<KindLabel, Gauge>::default());
        registry.register("removed", "Records that were removed for their age", removed.clone());
        registry.register("removed_rows", "Rows of those records and of what belonged to them", rows.clone());
        registry.register("running", "Whether old records are being removed", running.clone());
        // From 0.25 ms to 128 ms.
        let batch_seconds = Histogram::new(exponential_buckets(0.000_25, 2.0, 10));
        let about = "Time of one batch, in which the store takes nothing else";
        registry.register_with_unit("batch", about, Unit::Seconds, batch_seconds.clone());
        for kind in RecordKind::ALL {
            running.get_or_create(&kind.into()).set(0);
        }
        Self { runs: Mutex::default(), registry, removed, rows, running, batch_seconds }
    }
}

/// A run that is under way; it has ended when this is gone.
pub(super) struct Running<'a> {
    progress: &'a Progress,
    kind: RecordKind,
    finished_at: Option<i64>,
}

impl Running<'_> {
    /// It got to its end.
    pub(super) fn end(mut self, now_ms: i64) -> Run {
        self.finished_at = Some(now_ms);
        self.progress.run(self.kind).unwrap_or_default()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.progress.running.get_or_create(&self.kind.into()).set(0);
        if let Some(run) = self.progress.runs().get_mut(&self.kind) {
            (run.finished_at, run.interrupted) = (self.finished_at, self.finished_at.is_none());
        }
    }
}

impl Progress {
    /// The present run over a kind, or the last one since the start.
    pub fn run(&self, kind: RecordKind) -> Option<Run> {
        self.runs().get(&kind).copied()
    }

    /// Everything that is counted, as text, without the end mark.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        Ok(text)
    }

    pub(super) fn begin(&self, kind: RecordKind, before_ms: i64, now_ms: i64) -> Running<'_> {
        self.runs().insert(kind, Run { started_at: now_ms, before_ms, ..Run::default() });
        self.running.get_or_create(&kind.into()).set(1);
        Running { progress: self, kind, finished_at: None }
    }

    pub(super) fn removed(&self, kind: RecordKind, pruned: &Pruned) {
        self.removed.get_or_create(&kind.into()).inc_by(pruned.removed);
        self.rows.get_or_create(&kind.into()).inc_by(pruned.rows);
        self.batch_seconds.observe(pruned.took.as_secs_f64());
        if let Some(run) = self.runs().get_mut(&kind) {
            run.removed += pruned.removed;
            run.rows += pruned.rows;
            run.after = pruned.next.unwrap_or(run.after);
        }
    }

    fn runs(&self) -> MutexGuard<'_, BTreeMap<RecordKind, Run>> {
        // A run is whole at every moment: a panic elsewhere cannot have left it half-changed.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_adds_up_and_one_that_was_cut_short_says_so() {
        let progress = Progress::default();
        assert_eq!(progress.run(RecordKind::Events), None);
        let running = progress.begin(RecordKind::Events, 10, 20);
        progress.removed(RecordKind::Events, &Pruned { removed: 2, rows: 6, next: Some(7), ..Pruned::default() });
        progress.removed(RecordKind::Events, &Pruned { removed: 1, rows: 3, next: None, ..Pruned::default() });
        let now = progress.run(RecordKind::Events).unwrap();
        assert_eq!((now.removed, now.rows, now.after, now.finished_at), (3, 9, 7, None));
        assert!(progress.text().unwrap().contains("hookwright_retention_running{kind=\"events\"} 1\n"));
        running.end(30);
        let text = progress.text().unwrap();
        assert!(text.contains("hookwright_retention_removed_total{kind=\"events\"} 3\n"), "{text}");
        assert!(text.contains("hookwright_retention_running{kind=\"events\"} 0\n") && !text.contains("# EOF"));
        let ended = progress.run(RecordKind::Events).unwrap();
        assert_eq!((ended.finished_at, ended.interrupted), (Some(30), false));
        drop(progress.begin(RecordKind::Events, 10, 40));
        let cut = progress.run(RecordKind::Events).unwrap();
        assert_eq!((cut.removed, cut.finished_at, cut.interrupted), (0, None, true));
    }
}
