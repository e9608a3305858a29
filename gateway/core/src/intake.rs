//! The way in, as pure rules: what a received message, a publication, a customer's change or the passing of time does to the records.
//!
//! A store collects what a batch of [`Work`] [needs](Work::needs), reads those [`Facts`] inside the transaction, lets a [`Planner`] decide each piece in turn (a later
//! piece sees what an earlier one changed), writes the [`Writes`] in one go, and commits. The same rules thus serve every store, and are tested without one.

mod consultation;
mod foreseen;
mod people;
mod planner;
mod provenance;
mod publication;
mod reception;
#[cfg(test)]
mod tests;

pub use planner::{Planner, Policy};
pub use publication::{PublishedEvent, published_body};
pub use reception::{dedupe_keys, resumed_body};

use crate::audit::AuditDraft;
use crate::customer::{Customer, CustomerDraft};
use crate::delivery::Pending;
use crate::establishment::Establishment;
use crate::event::{Event, EventDraft};
use crate::id::{EventId, MessageId, SourceId, SubscriptionId};
use crate::idempotency::{Claim, Claimed, StoredAnswer};
use crate::message::{Fact, Message, MessageStatus, Parsed, RawMessage, Reason};
use crate::region::RegionCode;
use std::collections::HashMap;
use std::sync::Arc;

/// One piece of work for the intake.
#[derive(Clone, Debug)]
pub enum Work {
    /// A partner's request, verified and parsed.
    Receive(Box<Receive>),
    /// A message that was kept, taken up again.
    Resume(Box<Resume>),
    /// Events of the platform.
    Publish(Box<Publish>),
    /// A customer as an operator or service states it.
    PutCustomer(Box<PutCustomer>),
    /// Establishments whose time is up.
    Expire(Expire),
}

/// A partner's request, verified and parsed.
#[derive(Clone, Debug)]
pub struct Receive {
    /// The message's id, made when the request was read: the plugin was told it.
    pub message_id: MessageId,
    /// The request.
    pub raw: RawMessage,
    /// The source's slug, for the audit.
    pub slug: String,
    /// Whether a patient update from this source changes our customer.
    pub updates_customers: bool,
    /// What the plugin made of it.
    pub parsed: Parsed,
    /// The plugin version that did.
    pub plugin_digest: Option<String>,
    /// The plugin's log lines.
    pub logs: Vec<String>,
    /// The id that verification found (`webhook-id` and the like).
    pub transport_id: Option<String>,
    /// The request's id, for the audit.
    pub request_id: Option<String>,
}

/// A message that was kept, taken up again.
#[derive(Clone, Debug)]
pub struct Resume {
    /// The message.
    pub message_id: MessageId,
    /// Its de-duplication keys as of now, by [`dedupe_keys`]: another message may have claimed one since this one was kept.
    pub keys: Vec<[u8; 32]>,
    /// The source's slug.
    pub slug: String,
    /// Whether a patient update from this source changes our customer.
    pub updates_customers: bool,
    /// What the plugin makes of it now, or made of it then.
    pub parsed: Parsed,
    /// The plugin version that did.
    pub plugin_digest: Option<String>,
    /// The plugin's log lines.
    pub logs: Vec<String>,
    /// The region an operator decided, where the rules could not.
    pub region: Option<RegionCode>,
    /// Who takes it up: `system`, or an operator.
    pub actor: String,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// The request's id, for the audit.
    pub request_id: Option<String>,
    /// The operator's claim on an idempotency key; where it was made before, nothing is done.
    pub claim: Option<Claim>,
}

/// Events of the platform, to be committed together.
#[derive(Clone, Debug)]
pub struct Publish {
    /// The events; each with its own claim on an idempotency key, if it names one.
    pub events: Vec<Publication>,
    /// Whether the request was a list, which its answer is then, too.
    pub as_list: bool,
    /// The request's claim, if it names a key.
    pub claim: Option<Claim>,
    /// Who publishes.
    pub origin: String,
    /// The request's id, for the audit.
    pub request_id: Option<String>,
}

/// One event of a publication.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The event.
    pub draft: EventDraft,
    /// The customer it speaks of, where its type keeps customers current.
    pub customer: Option<CustomerDraft>,
    /// Its own claim.
    pub claim: Option<Claim>,
    /// The one subscription that it is addressed to, whatever that wants; without one, all that want it.
    pub only: Option<SubscriptionId>,
}

/// A customer as an operator or service states it. What it leaves out is removed.
#[derive(Clone, Debug)]
pub struct PutCustomer {
    /// The customer.
    pub draft: CustomerDraft,
    /// Who states it.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
}

/// Establishments whose time is up.
#[derive(Clone, Copy, Debug)]
pub struct Expire {
    /// At most so many at once.
    pub limit: u32,
}

/// What became of a piece of work, in the order of its kinds.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Of a received message.
    Received(Received),
    /// Of a message taken up again; `None` if it is not there, no longer in a state to be, or its claim was made before.
    Resumed(Option<Received>),
    /// Of a publication.
    Published(Published),
    /// Of a stated customer: the record, and whether it is new.
    Customer(Box<Customer>, bool),
    /// How many establishments lapsed.
    Expired(u32),
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its id, or the first one's where it is a repeat.
    pub message_id: MessageId,
    /// Where it stands.
    pub status: MessageStatus,
    /// Why.
    pub reason: Option<Reason>,
    /// Events that followed from it.
    pub events: Vec<EventId>,
    /// Whether it is a repeat without a second effect.
    pub duplicate: bool,
}

/// What became of a publication.
#[derive(Clone, Debug)]
pub enum Published {
    /// The whole request: fresh, replayed, or its key was used with another body.
    Whole(Claimed<StoredAnswer>),
    /// The event at this index names a key that was used with other content; nothing was published.
    KeyOfEvent(usize),
}

/// What the planner must know for a batch.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Customers by external id, each with all its establishments.
    pub customers: Vec<String>,
    /// De-duplication keys.
    pub dedupe: Vec<[u8; 32]>,
    /// Idempotency keys.
    pub idempotency: Vec<[u8; 32]>,
    /// Messages taken up again.
    pub messages: Vec<MessageId>,
    /// Establishments that lapse by now, at most so many.
    pub expire: u32,
}

impl Needs {
    /// Whether nothing must be read at all, as for a plain publication.
    pub fn is_empty(&self) -> bool {
        self.customers.is_empty()
            && self.dedupe.is_empty()
            && self.idempotency.is_empty()
            && self.messages.is_empty()
            && self.expire == 0
    }
}

/// What the store knows of what was asked for. A thing that is not there is absent.
#[derive(Debug, Default)]
pub struct Facts {
    /// Customers by external id.
    pub customers: HashMap<String, Customer>,
    /// Establishments by customer and region.
    pub establishments: HashMap<(String, RegionCode), Establishment>,
    /// What was answered to the first message with a key.
    pub dedupe: HashMap<[u8; 32], Received>,
    /// Body hash and answer by idempotency key.
    pub idempotency: HashMap<[u8; 32], ([u8; 32], StoredAnswer)>,
    /// Messages by id.
    pub messages: HashMap<MessageId, KeptMessage>,
    /// Establishments that lapse by now, soonest first.
    pub lapsing: Vec<Establishment>,
}

/// What the planner must know of a message that is taken up again.
#[derive(Clone, Debug)]
pub struct KeptMessage {
    /// Where it stands.
    pub status: MessageStatus,
    /// Its source.
    pub source_id: SourceId,
    /// When it was received, unix milliseconds.
    pub received_at: i64,
}

/// Everything a batch writes, in one transaction.
#[derive(Debug, Default)]
pub struct Writes {
    /// New messages.
    pub messages: Vec<Message>,
    /// Messages taken up again: what became of them now.
    pub outcomes: Vec<MessageOutcome>,
    /// De-duplication keys claimed, each by a message.
    pub dedupe: Vec<([u8; 32], MessageId)>,
    /// Idempotency keys claimed.
    pub idempotency: Vec<(Claim, StoredAnswer)>,
    /// New events, their fan-out included.
    pub events: Vec<Arc<Event>>,
    /// New deliveries.
    pub deliveries: Vec<Pending>,
    /// Customers as they are now.
    pub customers: Vec<Customer>,
    /// Establishments as they are now.
    pub establishments: Vec<Establishment>,
    /// For the audit chain, in order.
    pub audit: Vec<AuditDraft>,
}

/// What became of a message that was taken up again.
#[derive(Clone, Debug)]
pub struct MessageOutcome {
    /// The message.
    pub id: MessageId,
    /// Where it stands now.
    pub status: MessageStatus,
    /// Why.
    pub reason: Option<Reason>,
    /// The plugin version that parsed it.
    pub plugin_digest: Option<String>,
    /// What the plugin found.
    pub parsed: Option<Parsed>,
    /// The customer it waits for.
    pub waiting_for: Option<String>,
    /// Events that followed.
    pub events: Vec<EventId>,
    /// Searchable keys and values.
    pub metadata: Vec<(String, String)>,
    /// The plugin's log lines.
    pub logs: Vec<String>,
    /// When, unix milliseconds.
    pub updated_at: i64,
}

impl Work {
    /// Adds what planning this piece must know.
    pub fn needs(&self, needs: &mut Needs) {
        match self {
            Self::Receive(receive) => {
                needs.dedupe.extend(dedupe_keys(&receive.raw, receive.transport_id.as_deref(), &receive.parsed));
                needs.customers.extend(customers_of(&receive.parsed));
            }
            Self::Resume(resume) => {
                needs.messages.push(resume.message_id);
                needs.dedupe.extend(&resume.keys);
                needs.idempotency.extend(resume.claim.iter().map(|claim| claim.key));
                needs.customers.extend(customers_of(&resume.parsed));
            }
            Self::Publish(publish) => {
                needs.idempotency.extend(publish.claim.iter().map(|claim| claim.key));
                for event in &publish.events {
                    needs.idempotency.extend(event.claim.iter().map(|claim| claim.key));
                    needs.customers.extend(event.customer.iter().map(|draft| draft.external_id.clone()));
                }
            }
            Self::PutCustomer(put) => needs.customers.push(put.draft.external_id.clone()),
            Self::Expire(expire) => needs.expire = needs.expire.max(expire.limit),
        }
    }
}

/// The customers that a message speaks of.
fn customers_of(parsed: &Parsed) -> Vec<String> {
    let Parsed::Accepted { facts, .. } = parsed else {
        return Vec::new();
    };
    facts.iter().filter_map(customer_of).collect()
}

fn customer_of(fact: &Fact) -> Option<String> {
    match fact {
        Fact::ConsultationCompleted(completed) => Some(completed.patient_external_id.clone()),
        Fact::ConsultationScheduled(scheduled) => Some(scheduled.patient_external_id.clone()),
        Fact::PatientUpdated(patient) => Some(patient.patient_external_id.clone()),
        Fact::Platform(platform) => people::of_platform(platform).ok().flatten().map(|draft| draft.external_id),
    }
}
