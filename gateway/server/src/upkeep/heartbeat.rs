//! Sources that should be heard of regularly, and are not: a partner's subscription that ended, an interface that died. Operators are told, once for each silence,
//! and once when it ends.

use super::own_event::own_event;
use super::{ChoreError, Parts};
use hookwright_core::catalogue::{SOURCE_HEARD, SOURCE_SILENT};
use hookwright_core::id::SourceId;
use hookwright_core::idempotency::hash;
use hookwright_core::source::Source;
use hookwright_core::timestamp::format_ms;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The longest wait: a source may be given a heartbeat, or a system's clock jump, and sleep sees neither.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// The shortest, so that a clock that stands still is not asked in a circle.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Silences that operators were told of, by the moment they began.
pub(super) type Told = Mutex<HashMap<SourceId, i64>>;

pub(super) async fn round(parts: &Parts, told: &Told) -> Result<Duration, ChoreError> {
    let mut pause = LOOK_EVERY;
    let sources = parts.store.sources();
    told.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| sources.iter().any(|source| source.id == *id));
    for source in sources.iter().filter(|source| source.active) {
        let Some(seconds) = source.heartbeat_seconds else { continue };
        let heard_at = parts.store.last_heard(source.id).await?;
        let silent_since = told.lock().unwrap_or_else(PoisonError::into_inner).get(&source.id).copied();
        if let (Some(silent_since), Some(heard_at)) = (silent_since, heard_at)
            && heard_at > silent_since
        {
            tell_end(parts, source, silent_since, heard_at).await?;
            told.lock().unwrap_or_else(PoisonError::into_inner).remove(&source.id);
        }
        // A source that was made or changed meanwhile has its whole period before it.
        let since = heard_at.unwrap_or(source.updated_at).max(source.updated_at);
        let left = since.saturating_add(i64::from(seconds) * 1000).saturating_sub(parts.clock.now_ms());
        if left > 0 {
            pause = pause.min(Duration::from_millis(left.unsigned_abs()));
            continue;
        }
        let known = told.lock().unwrap_or_else(PoisonError::into_inner).get(&source.id) == Some(&since);
        if !known {
            tell(parts, source, seconds, heard_at, since).await?;
            told.lock().unwrap_or_else(PoisonError::into_inner).insert(source.id, since);
        }
    }
    Ok(pause.max(LOOK_AGAIN))
}

/// Publishes a silence. Its key keeps another node, or this one after a restart, from telling it again.
async fn tell(
    parts: &Parts,
    source: &Source,
    seconds: u32,
    heard_at: Option<i64>,
    since: i64,
) -> Result<(), ChoreError> {
    tracing::warn!(source = source.slug, heartbeat_seconds = seconds, "a source has fallen silent");
    let data = serde_json::json!({
        "source_id": source.id,
        "slug": source.slug,
        "heartbeat_seconds": seconds,
        "last_heard_at": heard_at.map(format_ms),
    });
    let key = hash(&[b"source silent", &source.id.get().to_be_bytes(), &since.to_be_bytes()]);
    parts.store.submit(own_event(SOURCE_SILENT, data.to_string(), None, key)?).await?;
    Ok(())
}

/// Publishes the end of a silence that was told: whoever was alarmed hears that it is over.
async fn tell_end(parts: &Parts, source: &Source, silent_since: i64, heard_at: i64) -> Result<(), ChoreError> {
    tracing::info!(source = source.slug, "a source that had fallen silent is heard again");
    let data = serde_json::json!({
        "source_id": source.id,
        "slug": source.slug,
        "silent_since": format_ms(silent_since),
        "heard_at": format_ms(heard_at),
    });
    let key = hash(&[b"source heard", &source.id.get().to_be_bytes(), &silent_since.to_be_bytes()]);
    parts.store.submit(own_event(SOURCE_HEARD, data.to_string(), None, key)?).await?;
    Ok(())
}
