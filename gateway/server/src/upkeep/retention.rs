//! Retention: what is older than it need be goes, kind by kind, in batches that nobody has to wait for.

mod pace;
mod progress;

pub use progress::{Progress, Run};

use super::{ChoreError, Parts};
use crate::config::RetentionConfig;
use hookwright_core::audit::AuditDraft;
use hookwright_store::{Clock, Prune, RecordKind};
use pace::Pace;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_mins(10);

/// How long records are kept, and what was removed.
#[derive(Debug)]
pub struct Retention {
    /// The settings.
    pub config: RetentionConfig,
    /// What was removed, and what is being.
    pub progress: Progress,
}

impl Retention {
    /// Nothing removed yet.
    pub fn new(config: RetentionConfig) -> Self {
        Self { config, progress: Progress::default() }
    }

    /// Records of a kind that are older than this are to go, unix milliseconds; `None` where all are kept.
    pub fn before_ms(&self, kind: RecordKind, now_ms: i64) -> Option<i64> {
        let keep = self.config.of(kind)?;
        Some(now_ms.saturating_sub(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX)))
    }
}

pub(super) async fn round(parts: &Parts) -> Result<Duration, ChoreError> {
    for kind in RecordKind::ALL {
        if let Some(before_ms) = parts.retention.before_ms(kind, parts.clock.now_ms()) {
            run(parts, kind, before_ms).await?;
        }
    }
    Ok(LOOK_EVERY)
}

/// Removes what is old of one kind. A reader looks first, so that a store without anything old is not written to.
async fn run(parts: &Parts, kind: RecordKind, before_ms: i64) -> Result<(), ChoreError> {
    if parts.store.stock(kind, before_ms, 0, 1).await?.expired == 0 {
        return Ok(());
    }
    let progress = &parts.retention.progress;
    // However the run ends, it is no longer under way then.
    let running = progress.begin(kind, before_ms, parts.clock.now_ms());
    let (mut pace, mut after) = (Pace::default(), 0);
    loop {
        let pruned = parts.store.prune(Prune { kind, before_ms, after, limit: pace.rows() }).await?;
        progress.removed(kind, &pruned);
        let Some(next) = pruned.next else { break };
        after = next;
        tokio::time::sleep(pace.after(pruned.took)).await;
    }
    let Run { removed, rows, .. } = running.end(parts.clock.now_ms());
    if removed > 0 {
        tracing::info!(kind = kind.as_str(), removed, rows, "old records were removed");
        parts.store.record(noted(&parts.clock, kind, before_ms, removed)).await?;
    }
    Ok(())
}

fn noted(clock: &Arc<dyn Clock>, kind: RecordKind, before_ms: i64, removed: u64) -> AuditDraft {
    AuditDraft {
        at: clock.now_ms(),
        actor: "system".to_owned(),
        action: "retention.removed".to_owned(),
        target: kind.as_str().to_owned(),
        reason: None,
        request_id: None,
        detail: format!("records={removed} before={}", hookwright_core::timestamp::format_ms(before_ms)),
    }
}
