//! Taking up a kept message again: by the gateway itself, when what it waited for is there, or by an operator.

use crate::plugins::{Plugins, PluginsBusy};
use hookwright_core::idempotency::Claim;
use hookwright_core::intake::{Resume, dedupe_keys};
use hookwright_core::message::{Message, MessageStatus, Parsed, RawMessage};
use hookwright_core::region::RegionCode;
use hookwright_core::signature::Scheme;
use hookwright_core::source::Source;

/// Who takes a message up again, and what they add to it.
#[derive(Clone, Debug, Default)]
pub struct Reopening {
    /// The region an operator decided, where the rules could not.
    pub region: Option<RegionCode>,
    /// Who: `system`, or an operator.
    pub actor: String,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
    /// The operator's claim on an idempotency key.
    pub claim: Option<Claim>,
}

impl Reopening {
    /// By the gateway itself.
    pub(crate) fn by_itself() -> Self {
        Self { actor: "system".to_owned(), ..Self::default() }
    }
}

/// What is to be submitted for a kept message. What waits or is held was understood when it came; anything else is parsed again, by the version that serves now.
pub async fn reopen(
    plugins: &Plugins,
    source: &Source,
    message: Message,
    reopening: Reopening,
) -> Result<Resume, PluginsBusy> {
    let understood = matches!(message.status, MessageStatus::Waiting | MessageStatus::Held);
    let again = match &message.parsed {
        Some(parsed @ Parsed::Accepted { .. }) if understood => ParsedAgain {
            parsed: parsed.clone(),
            plugin_digest: message.plugin_digest.clone(),
            logs: message.logs.clone(),
        },
        _ => {
            let result = plugins.parse(source, message.id, &message.raw).await?;
            ParsedAgain { parsed: result.parsed, plugin_digest: result.digest, logs: result.logs }
        }
    };
    Ok(resubmit(Some(source), &message, again, reopening))
}

/// What a message is found to say when it is taken up again.
#[derive(Debug)]
pub(crate) struct ParsedAgain {
    pub(crate) parsed: Parsed,
    pub(crate) plugin_digest: Option<String>,
    pub(crate) logs: Vec<String>,
}

/// What is to be submitted for a kept message and what it is found to say. Its source may be gone.
pub(crate) fn resubmit(source: Option<&Source>, message: &Message, again: ParsedAgain, reopening: Reopening) -> Resume {
    let transport_id = source.and_then(|source| transport_id(&source.verification, &message.raw));
    Resume {
        message_id: message.id,
        keys: dedupe_keys(&message.raw, transport_id, &again.parsed),
        slug: source.map_or_else(|| message.raw.source_id.to_string(), |source| source.slug.clone()),
        updates_customers: source.is_some_and(|source| source.updates_customers),
        parsed: again.parsed,
        plugin_digest: again.plugin_digest,
        logs: again.logs,
        region: reopening.region,
        actor: reopening.actor,
        reason: reopening.reason,
        request_id: reopening.request_id,
        claim: reopening.claim,
    }
}

/// The id that verification found when the message came: its header was kept.
fn transport_id<'a>(scheme: &Scheme, raw: &'a RawMessage) -> Option<&'a str> {
    scheme.transport_id(&raw.headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hookwright_core::id::SourceId;

    #[test]
    fn the_transports_id_is_found_again() {
        let raw = RawMessage {
            source_id: SourceId::from_i64(1).unwrap(),
            hook: String::new(),
            method: "POST".to_owned(),
            query: String::new(),
            headers: vec![("webhook-id".to_owned(), "msg_1".to_owned()), ("x-delivery".to_owned(), " 7 ".to_owned())],
            body: Vec::new(),
            received_at: 0,
            tier: "verified".to_owned(),
            secret_id: None,
        };
        assert_eq!(transport_id(&Scheme::STANDARD, &raw), Some("msg_1"));
        assert_eq!(transport_id(&Scheme::None {}, &raw), None);
        let hmac = serde_json::from_str(r#"{"type":"hmac","header":"x-sig","id_header":"X-Delivery"}"#).unwrap();
        assert_eq!(transport_id(&hmac, &raw), Some("7"));
    }
}
