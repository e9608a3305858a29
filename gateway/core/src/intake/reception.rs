//! Reception: what becomes of a partner's message, when it arrives and when it is taken up again.

use super::foreseen::Foreseen;
use super::planner::{AuditNote, Planner, received};
use super::{KeptMessage, MessageOutcome, Receive, Received, Resume};
use crate::id::{EventId, MessageId};
use crate::idempotency::{self, Claim, StoredAnswer};
use crate::message::{Fact, Message, MessageStatus, Parsed, RawMessage, Reason};
use crate::region::RegionCode;

/// The keys under which a repeat of a message is recognised: the transport's id and the partner's own id, and where there is neither, the content itself.
///
/// Content counts only where nothing else does: partners that send ids alone send the same body for every change of the same thing.
pub fn dedupe_keys(raw: &RawMessage, transport_id: Option<&str>, parsed: &Parsed) -> Vec<[u8; 32]> {
    let source = raw.source_id.to_string();
    let key = |kind: &str, id: &[u8]| idempotency::hash(&[source.as_bytes(), kind.as_bytes(), id]);
    let partner_id = match parsed {
        Parsed::Accepted { partner_id, .. } | Parsed::Ignored { partner_id, .. } => partner_id.as_deref(),
        Parsed::NeedFetch(pending) => pending.partner_id.as_deref(),
        Parsed::Refused(_) | Parsed::Failed(_) => None,
    };
    let mut keys = Vec::new();
    keys.extend(transport_id.map(|id| key("transport", id.as_bytes())));
    keys.extend(partner_id.map(|id| key("partner", id.as_bytes())));
    if keys.is_empty() {
        let content = [raw.method.as_bytes(), raw.hook.as_bytes(), raw.query.as_bytes(), &raw.body];
        keys.push(key("content", &idempotency::hash(&content)));
    }
    keys
}

/// The status of a message that was taken up again, whatever became of it.
const TAKEN_UP: u16 = 200;

/// Who and what a message's facts are applied for.
pub(super) struct Context<'a> {
    pub message_id: MessageId,
    pub received_at: i64,
    pub origin: &'a str,
    pub updates_customers: bool,
    pub region: Option<RegionCode>,
}

/// What the facts of a message came to.
#[derive(Default)]
pub(super) struct Applied {
    pub events: Vec<EventId>,
    /// Why nothing followed, if nothing did.
    pub idle: Option<Reason>,
}

/// Why the facts of a message cannot be applied now.
pub(super) enum Obstacle {
    /// The customer is not known yet.
    Unknown(String),
    /// A person must decide.
    Undecided(Reason),
}

struct Outcome {
    status: MessageStatus,
    reason: Option<Reason>,
    waiting_for: Option<String>,
    events: Vec<EventId>,
}

impl Outcome {
    fn plain(status: MessageStatus, reason: Option<Reason>) -> Self {
        Self { status, reason, waiting_for: None, events: Vec::new() }
    }
}

/// The outcome of a message that turns out to be a repeat when it is taken up again: while it was kept, the same was sent once more and took effect.
fn repeat_of(other: MessageId) -> Outcome {
    let reason = Reason::new("duplicate", format!("the same was sent again meanwhile, and taken as {other}"));
    Outcome::plain(MessageStatus::Ignored, Some(reason))
}

impl Planner<'_> {
    pub(super) fn receive(&mut self, receive: &Receive) -> Received {
        let keys = dedupe_keys(&receive.raw, receive.transport_id.as_deref(), &receive.parsed);
        let origin = format!("source:{}", receive.slug);
        if let Some(first) = keys.iter().find_map(|key| self.facts.dedupe.get(key)).cloned() {
            self.audit(AuditNote {
                actor: &origin,
                action: "message.duplicate",
                target: first.message_id.to_string(),
                request_id: receive.request_id.as_deref(),
                ..AuditNote::default()
            });
            return Received { duplicate: true, ..first };
        }
        let id = receive.message_id;
        let context = Context {
            message_id: id,
            received_at: receive.raw.received_at,
            origin: &origin,
            updates_customers: receive.updates_customers,
            region: None,
        };
        let outcome = self.outcome(&receive.parsed, &context);
        let answer =
            Received { reason: outcome.reason.clone(), events: outcome.events.clone(), ..received(id, outcome.status) };
        self.claim(&keys, &answer);
        self.audit_outcome(&origin, id, &outcome, receive.request_id.as_deref(), None);
        self.writes.messages.push(Message {
            id,
            raw: receive.raw.clone(),
            status: outcome.status,
            reason: outcome.reason,
            plugin_digest: receive.plugin_digest.clone(),
            parsed: Some(receive.parsed.clone()),
            waiting_for: outcome.waiting_for,
            events: outcome.events,
            metadata: metadata(&receive.parsed),
            logs: receive.logs.clone(),
            updated_at: self.now_ms,
        });
        answer
    }

    pub(super) fn resume(&mut self, resume: &Resume) -> Option<Received> {
        let kept: KeptMessage = self.facts.messages.get(&resume.message_id)?.clone();
        let made_before = |claim: &Claim| self.facts.idempotency.contains_key(&claim.key);
        if !kept.status.can_be_reprocessed() || resume.claim.as_ref().is_some_and(made_before) {
            return None;
        }
        let origin = format!("source:{}", resume.slug);
        let context = Context {
            message_id: resume.message_id,
            received_at: kept.received_at,
            origin: &origin,
            updates_customers: resume.updates_customers,
            region: resume.region,
        };
        let outcome = match self.other_with(&resume.keys, resume.message_id) {
            Some(other) => repeat_of(other),
            None => self.outcome(&resume.parsed, &context),
        };
        if let Some(kept) = self.facts.messages.get_mut(&resume.message_id) {
            kept.status = outcome.status;
        }
        self.audit_outcome(
            &resume.actor,
            resume.message_id,
            &outcome,
            resume.request_id.as_deref(),
            resume.reason.as_deref(),
        );
        let answer = Received {
            reason: outcome.reason.clone(),
            events: outcome.events.clone(),
            ..received(resume.message_id, outcome.status)
        };
        self.claim(&resume.keys, &answer);
        if let Some(claim) = &resume.claim {
            let stored = StoredAnswer { status: TAKEN_UP, body: resumed_body(&answer) };
            self.facts.idempotency.insert(claim.key, (claim.body_hash, stored.clone()));
            self.writes.idempotency.push((claim.clone(), stored));
        }
        self.writes.outcomes.push(MessageOutcome {
            id: resume.message_id,
            status: outcome.status,
            reason: outcome.reason,
            plugin_digest: resume.plugin_digest.clone(),
            parsed: Some(resume.parsed.clone()),
            waiting_for: outcome.waiting_for,
            events: outcome.events,
            metadata: metadata(&resume.parsed),
            logs: resume.logs.clone(),
            updated_at: self.now_ms,
        });
        Some(answer)
    }

    /// Another message that claimed one of these keys.
    fn other_with(&self, keys: &[[u8; 32]], id: MessageId) -> Option<MessageId> {
        let claimants = keys.iter().filter_map(|key| self.facts.dedupe.get(key));
        claimants.map(|first| first.message_id).find(|claimant| *claimant != id)
    }

    /// Claims a message's keys. A refused message had no effect, so its keys stay free: the partner may mend it and send it again.
    fn claim(&mut self, keys: &[[u8; 32]], answer: &Received) {
        if answer.status == MessageStatus::Rejected {
            return;
        }
        for key in keys {
            match self.facts.dedupe.get(key) {
                Some(first) if first.message_id != answer.message_id => continue,
                Some(_) => {}
                None => self.writes.dedupe.push((*key, answer.message_id)),
            }
            self.facts.dedupe.insert(*key, answer.clone());
        }
    }

    fn outcome(&mut self, parsed: &Parsed, context: &Context<'_>) -> Outcome {
        match parsed {
            Parsed::Accepted { facts, .. } => self.accepted(facts, context),
            Parsed::Ignored { reason, .. } => Outcome::plain(MessageStatus::Ignored, Some(reason.clone())),
            Parsed::NeedFetch(_) => Outcome::plain(MessageStatus::Fetching, None),
            Parsed::Refused(reason) => Outcome::plain(MessageStatus::Rejected, Some(reason.clone())),
            Parsed::Failed(reason) => Outcome::plain(MessageStatus::Quarantined, Some(reason.clone())),
        }
    }

    /// All facts of a message are applied, or none: what stands in the way of one is found before any has an effect.
    fn accepted(&mut self, facts: &[Fact], context: &Context<'_>) -> Outcome {
        let mut foreseen = Foreseen::default();
        for fact in facts {
            match self.obstacle(fact, context, &mut foreseen) {
                None => {}
                Some(Obstacle::Unknown(customer)) => {
                    let reason =
                        Reason::new("customer_unknown", "no customer has this id yet; resumed when one appears");
                    return Outcome {
                        waiting_for: Some(customer),
                        ..Outcome::plain(MessageStatus::Waiting, Some(reason))
                    };
                }
                Some(Obstacle::Undecided(reason)) => return Outcome::plain(MessageStatus::Held, Some(reason)),
            }
        }
        if facts.is_empty() {
            let reason = Reason::new("nothing_reported", "the plugin took the message and reported nothing");
            return Outcome::plain(MessageStatus::Ignored, Some(reason));
        }
        let mut events = Vec::new();
        let mut idle = None;
        for fact in facts {
            let applied = self.apply(fact, context);
            events.extend(applied.events);
            idle = idle.or(applied.idle);
        }
        let status = match &idle {
            Some(reason) if events.is_empty() && reason.code != "unchanged" => MessageStatus::Ignored,
            _ => MessageStatus::Processed,
        };
        let reason = if events.is_empty() { idle } else { None };
        Outcome { events, ..Outcome::plain(status, reason) }
    }

    fn audit_outcome(
        &mut self,
        actor: &str,
        id: MessageId,
        outcome: &Outcome,
        request_id: Option<&str>,
        reason: Option<&str>,
    ) {
        let code = outcome.reason.as_ref().map_or(String::new(), |reason| format!(" code={}", reason.code));
        self.audit(AuditNote {
            actor,
            action: &format!("message.{}", outcome.status.as_str()),
            target: id.to_string(),
            reason,
            request_id,
            detail: format!("events={}{code}", outcome.events.len()),
        });
    }
}

/// The body an operator is answered with who took a message up again.
pub fn resumed_body(received: &Received) -> Vec<u8> {
    let mut body = serde_json::json!({
        "id": received.message_id,
        "status": received.status,
        "events": received.events,
    });
    if let Some(reason) = &received.reason {
        body["reason"] = serde_json::json!(reason);
    }
    body.to_string().into_bytes()
}

fn metadata(parsed: &Parsed) -> Vec<(String, String)> {
    match parsed {
        Parsed::Accepted { metadata, .. } | Parsed::Ignored { metadata, .. } => metadata.clone(),
        Parsed::NeedFetch(pending) => pending.metadata.clone(),
        Parsed::Refused(_) | Parsed::Failed(_) => Vec::new(),
    }
}
