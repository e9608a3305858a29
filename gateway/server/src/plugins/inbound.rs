//! Asking a source's plugin what a message says.

use super::shelf::NoVersion;
use super::{Plugins, PluginsBusy, facts, kept_log, verdict};
use bytes::Bytes;
use hookwright_core::id::MessageId;
use hookwright_core::message::{Parsed, RawMessage, Reason};
use hookwright_core::plugin::PluginPolicy;
use hookwright_core::source::{OnPluginFailure, Source};
use hookwright_plugin_host::inbound::{Assurance, InboundRequest, Outcome};
use hookwright_plugin_host::{CallContext, CallFailure, Called, PluginVersion, Reply, World};
use std::sync::Arc;
use url::form_urlencoded;

/// Parameters of a query that a plugin is shown.
const QUERY_PARAMETERS_MAX: usize = 256;

/// What a plugin, or the lack of one, made of a message.
#[derive(Debug)]
pub struct ParseResult {
    /// What was found, in the core's words.
    pub parsed: Parsed,
    /// The version that was asked.
    pub digest: Option<String>,
    /// What it wrote, for the sealed record.
    pub logs: Vec<String>,
    /// What it wants the partner to be answered.
    pub reply: Option<Reply>,
}

impl Plugins {
    /// Asks the plugin of `source` to read a message. Whatever the plugin does, there is a result; only a host that is too busy to ask it is an error.
    pub async fn parse(&self, source: &Source, id: MessageId, raw: &RawMessage) -> Result<ParseResult, PluginsBusy> {
        let shelved = self.shelf.load().get(&source.plugin).cloned();
        let subject_id = id.to_string();
        let choice = shelved.ok_or(NoVersion::Missing).and_then(|it| it.choose(&source.id.to_string(), &subject_id));
        let Ok(choice) = choice else {
            let reason =
                Reason::new("plugin_missing", "no version of the source's plugin serves; resumed when one goes live");
            return Ok(failed(source, reason, None, Vec::new()));
        };
        let called = self.read(&choice.loaded.version, choice.policy, source, &subject_id, raw).await;
        self.observe(&choice, &subject_id, called.result.as_ref().err(), called.duration);
        self.compare_parse(&choice, source, &subject_id, raw, &called);
        self.understood(source, &choice.loaded.version, called)
    }

    /// Asks a version, whichever it is, with the very arguments of the message's own call. Nothing follows from it.
    pub(super) async fn read(
        &self,
        version: &Arc<PluginVersion>,
        policy: PluginPolicy,
        source: &Source,
        subject_id: &str,
        raw: &RawMessage,
    ) -> Called<Outcome> {
        let context = CallContext {
            plugin: source.plugin.clone(),
            binding_id: source.id.to_string(),
            binding_name: source.slug.clone(),
            subject_id: subject_id.to_owned(),
            attempt: 1,
            // The recorded time, so that a repeated call has the same arguments.
            now_ms: raw.received_at,
            settings: source.settings.to_string(),
            attributes: Vec::new(),
        };
        let limits = self.limits(World::Inbound, source.deadline_ms, policy.reuse);
        self.host.parse(version, context, request(source, raw), limits).await
    }

    pub(super) fn understood(
        &self,
        source: &Source,
        version: &Arc<PluginVersion>,
        called: Called<Outcome>,
    ) -> Result<ParseResult, PluginsBusy> {
        let digest = Some(version.digest().to_string());
        let mut logs = kept_log(called.log, called.log_truncated);
        let (parsed, reply) = match called.result {
            Ok(Outcome::Accepted(accepted)) => facts::accepted(accepted, self.strict_event_types),
            Ok(Outcome::Ignored(ignored)) => facts::ignored(ignored),
            Ok(Outcome::NeedFetch(_)) => {
                let reason =
                    Reason::new("fetch_unsupported", "the plugin wants to fetch, which this gateway does not do yet");
                return Ok(failed(source, reason, digest, logs));
            }
            Err(CallFailure::QueueFull) => return Err(PluginsBusy),
            Err(CallFailure::Refused(refusal)) => match verdict::of_refusal(refusal) {
                verdict::Refused::Partner(reason, reply) => (Parsed::Refused(reason), reply.map(|reply| *reply)),
                verdict::Refused::Operator(reason) => return Ok(failed(source, reason, digest, logs)),
            },
            Err(failure) => {
                // What the guest did is for the integrator; the partner hears a fixed sentence.
                logs.push(format!("host: {failure}"));
                return Ok(failed(source, verdict::of_failure(&failure), digest, logs));
            }
        };
        Ok(ParseResult { parsed, digest, logs, reply })
    }
}

/// A message whose plugin failed is kept for later, or refused, as the source says.
fn failed(source: &Source, reason: Reason, digest: Option<String>, logs: Vec<String>) -> ParseResult {
    let parsed = match source.on_error {
        OnPluginFailure::Quarantine => Parsed::Failed(reason),
        OnPluginFailure::Reject => Parsed::Refused(reason),
    };
    ParseResult { parsed, digest, logs, reply: None }
}

fn request(source: &Source, raw: &RawMessage) -> InboundRequest {
    let query = form_urlencoded::parse(raw.query.as_bytes()).take(QUERY_PARAMETERS_MAX);
    InboundRequest {
        method: raw.method.clone(),
        hook: raw.hook.clone(),
        query: query.map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
        headers: raw.headers.clone(),
        body: Bytes::copy_from_slice(&raw.body),
        received_at_ms: raw.received_at,
        assurance: match raw.tier.as_str() {
            "verified" => Assurance::Verified,
            "authenticated" => Assurance::Authenticated,
            _ => Assurance::Open,
        },
        scheme: source.verification.kind().replace('_', "-"),
        attributes: Vec::new(),
    }
}
