//! Asking a source's plugin what a message says.

use super::shelf::NoVersion;
use super::{Plugins, PluginsBusy, facts, kept_log, verdict};
use bytes::Bytes;
use hookwright_core::fetch::{Fetch, PendingFetch, ROUNDS_MAX};
use hookwright_core::id::MessageId;
use hookwright_core::message::{Parsed, RawMessage, Reason};
use hookwright_core::plugin::PluginPolicy;
use hookwright_core::source::{OnPluginFailure, Source};
use hookwright_plugin_host::inbound::{Assurance, FetchAnswer, InboundRequest, NeedFetch, Outcome, Resumption};
use hookwright_plugin_host::{CallContext, CallFailure, Called, PluginVersion, Reply, World};
use std::sync::Arc;
use url::form_urlencoded;

/// The reason by which a plugin tells a heartbeat from other messages that it ignores.
const HEARTBEAT: &str = "heartbeat";
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
        let mut result = self.understood(source, &choice.loaded.version, called, 0)?;
        each_beat_counts(&mut result.parsed, &subject_id);
        Ok(result)
    }

    /// Asks the plugin again, with what its partner answered. `None` if another version than `digest` is to be asked by now, which knows nothing of what that one left
    /// to be found: the message begins anew.
    pub async fn resume(
        &self,
        source: &Source,
        id: MessageId,
        raw: &RawMessage,
        digest: Option<&str>,
        pending: &PendingFetch,
        answers: Vec<FetchAnswer>,
    ) -> Result<Option<ParseResult>, PluginsBusy> {
        let shelved = self.shelf.load().get(&source.plugin).cloned();
        let subject_id = id.to_string();
        let choice = shelved.and_then(|it| it.choose(&source.id.to_string(), &subject_id).ok());
        let Some(choice) = choice.filter(|choice| Some(choice.loaded.digest().as_str()) == digest) else {
            return Ok(None);
        };
        let resumption = Resumption { state: pending.state.clone(), round: pending.round, answers };
        let version = &choice.loaded.version;
        let context = context(source, &subject_id, raw);
        let limits = self.limits(World::Inbound, source.deadline_ms, choice.policy.reuse);
        let called = self.host.resume(version, context, request(source, raw), resumption, limits).await;
        self.observe(&choice, &subject_id, called.result.as_ref().err(), called.duration);
        self.understood(source, version, called, pending.round).map(Some)
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
        let context = context(source, subject_id, raw);
        let limits = self.limits(World::Inbound, source.deadline_ms, policy.reuse);
        self.host.parse(version, context, request(source, raw), limits).await
    }

    /// What a call came to. `round` tells how many times the message had been resumed by then, that call included.
    pub(super) fn understood(
        &self,
        source: &Source,
        version: &Arc<PluginVersion>,
        called: Called<Outcome>,
        round: u32,
    ) -> Result<ParseResult, PluginsBusy> {
        let digest = Some(version.digest().to_string());
        let mut logs = kept_log(called.log, called.log_truncated);
        let (parsed, reply) = match called.result {
            Ok(Outcome::Accepted(accepted)) => facts::accepted(accepted, self.strict_event_types),
            Ok(Outcome::Ignored(ignored)) => facts::ignored(ignored),
            Ok(Outcome::NeedFetch(need)) => match pending(source, need, round) {
                Ok((pending, reply)) => (Parsed::NeedFetch(pending), reply),
                Err(reason) => return Ok(failed(source, reason, digest, logs)),
            },
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

/// Heartbeats may be alike to the byte, and the second is no repeat of the first: each is a sign of life, and is kept as one.
fn each_beat_counts(parsed: &mut Parsed, subject_id: &str) {
    if let Parsed::Ignored { reason, partner_id, .. } = parsed
        && reason.detail == HEARTBEAT
    {
        *partner_id = Some(subject_id.to_owned());
    }
}

/// What the partner is to be asked, if the source says how and the plugin does not go in circles.
fn pending(source: &Source, need: NeedFetch, round: u32) -> Result<(PendingFetch, Option<Reply>), Reason> {
    if source.fetch.is_none() {
        let detail = "the plugin wants to ask the partner, and the source does not say how: give it `fetch`";
        return Err(Reason::new("fetch_not_configured", detail));
    }
    if round >= ROUNDS_MAX {
        let detail = format!("the plugin wants to ask the partner again after {ROUNDS_MAX} rounds");
        return Err(Reason::new("fetch_rounds", detail));
    }
    let fetches = need.fetches.into_iter().map(|fetch| Fetch {
        id: fetch.id,
        method: fetch.method,
        url: fetch.url,
        headers: fetch.headers,
        body: fetch.body,
    });
    let pending = PendingFetch {
        fetches: fetches.collect(),
        state: need.state,
        round: round + 1,
        partner_id: need.message_id,
        metadata: need.metadata,
    };
    Ok((pending, need.reply))
}

fn context(source: &Source, subject_id: &str, raw: &RawMessage) -> CallContext {
    CallContext {
        plugin: source.plugin.clone(),
        binding_id: source.id.to_string(),
        binding_name: source.slug.clone(),
        subject_id: subject_id.to_owned(),
        attempt: 1,
        // The recorded time, so that a repeated call has the same arguments.
        now_ms: raw.received_at,
        settings: source.settings.to_string(),
        attributes: Vec::new(),
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
