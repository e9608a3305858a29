//! Quarantines of plugin versions, published as events: the record of a quarantine is also the order to publish it, so that no end of the process loses one, and the
//! event's own key keeps it from being published twice.

use super::own_event::own_event;
use super::{ChoreError, Parts};
use hookwright_core::catalogue::PLUGIN_QUARANTINED;
use hookwright_core::idempotency::hash;
use hookwright_core::intake::Work;
use hookwright_core::plugin::{PluginVersionRecord, Quarantine};
use hookwright_core::timestamp::format_ms;
use std::time::Duration;

/// Quarantines that are read together.
const BATCH: u32 = 32;
/// Between two looks without a nudge.
const LOOK_EVERY: Duration = Duration::from_mins(10);

pub(super) async fn round(parts: &Parts) -> Result<Duration, ChoreError> {
    loop {
        let untold = parts.store.plugin_quarantines_untold(BATCH).await?;
        if untold.is_empty() {
            return Ok(LOOK_EVERY);
        }
        for version in untold {
            // One that ended meanwhile is not read as untold again.
            let Some(quarantine) = &version.quarantine else { continue };
            let work = publication(parts, &version, quarantine).await?;
            parts.store.submit(work).await?;
            let at = quarantine.at;
            parts.store.plugin_quarantine_told(version.plugin, version.digest, at).await?;
        }
    }
}

/// The event of a quarantine.
async fn publication(
    parts: &Parts,
    version: &PluginVersionRecord,
    quarantine: &Quarantine,
) -> Result<Work, ChoreError> {
    let plugins = parts.store.plugins().await?;
    let active = plugins.into_iter().find(|plugin| plugin.name == version.plugin).and_then(|plugin| plugin.active);
    let at = format_ms(quarantine.at);
    let data = serde_json::json!({
        "plugin": version.plugin,
        "world": version.world,
        "digest": version.digest,
        "version": version.version,
        "reason": quarantine.reason,
        "quarantined_at": at,
        "serving": active,
    });
    let key = hash(&[b"plugin quarantine", version.plugin.as_bytes(), version.digest.as_bytes(), at.as_bytes()]);
    own_event(PLUGIN_QUARANTINED, data.to_string(), None, key)
}
