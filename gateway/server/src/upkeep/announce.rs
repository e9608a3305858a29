//! Quarantines of plugin versions, published as events: the record of a quarantine is also the order to publish it, so that no end of the process loses one, and the
//! event's own key keeps it from being published twice.

use super::{ChoreError, Parts};
use hookwright_core::catalogue::PLUGIN_QUARANTINED;
use hookwright_core::event::EventDraft;
use hookwright_core::idempotency::{Claim, hash};
use hookwright_core::intake::{Publication, Publish, Work};
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
            let publish = publication(parts, &version, quarantine).await?;
            parts.store.submit(Work::Publish(Box::new(publish))).await?;
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
) -> Result<Publish, ChoreError> {
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
    let Ok(event_type) = PLUGIN_QUARANTINED.parse() else { return Err(ChoreError::Stuck) };
    let key = hash(&[b"plugin quarantine", version.plugin.as_bytes(), version.digest.as_bytes(), at.as_bytes()]);
    let event = Publication {
        draft: EventDraft { event_type, data: data.to_string().into_boxed_str(), ordering_key: None },
        customer: None,
        // What serves may have changed between two tries; it is the same event all the same.
        claim: Some(Claim { key, body_hash: key }),
        only: None,
    };
    Ok(Publish { events: vec![event], as_list: false, claim: None, origin: "system".to_owned(), request_id: None })
}
