//! The planner: decides one piece of work after the other, and gathers what the batch writes.

use super::{Answer, Expire, Facts, Received, Work, Writes};
use crate::audit::AuditDraft;
use crate::catalogue;
use crate::delivery::Pending;
use crate::establishment::{Establishment, Validity};
use crate::event::{Event, EventDraft, FanOut, order_of};
use crate::id::{DeliveryId, EventId, IdMaker, MessageId, SubscriptionId, TypedId};
use crate::pattern::EventType;
use crate::subscription::Subscription;
use crate::timestamp::format_ms;
use serde::Serialize;
use std::sync::Arc;

/// What the planner is told once.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// How long establishments hold.
    pub validity: Validity,
}

/// Decides a batch. Made for one transaction and used up by it.
#[derive(Debug)]
pub struct Planner<'a> {
    /// The transaction's moment, unix milliseconds.
    pub(super) now_ms: i64,
    /// Where new ids come from.
    pub(super) ids: &'a mut IdMaker,
    /// Every live subscription, as the transaction sees it.
    pub(super) subscriptions: &'a [Arc<Subscription>],
    /// What it was told once.
    pub(super) policy: &'a Policy,
    /// What was read, overlaid with what this batch changed.
    pub(super) facts: Facts,
    /// What the batch writes so far.
    pub(super) writes: Writes,
}

impl<'a> Planner<'a> {
    /// Begins a batch.
    pub fn new(
        now_ms: i64,
        ids: &'a mut IdMaker,
        subscriptions: &'a [Arc<Subscription>],
        policy: &'a Policy,
        facts: Facts,
    ) -> Self {
        Self { now_ms, ids, subscriptions, policy, facts, writes: Writes::default() }
    }

    /// Decides one piece. It cannot fail: what is wrong with a piece is part of its answer, and must not undo its neighbours.
    pub fn plan(&mut self, work: &Work) -> Answer {
        match work {
            Work::Receive(receive) => Answer::Received(self.receive(receive)),
            Work::Resume(resume) => Answer::Resumed(self.resume(resume)),
            Work::Publish(publish) => Answer::Published(self.publish(publish)),
            Work::PutCustomer(put) => {
                let (customer, fresh) = self.put_customer(put);
                Answer::Customer(Box::new(customer), fresh)
            }
            Work::Expire(expire) => Answer::Expired(self.expire(*expire)),
        }
    }

    /// Ends the batch.
    pub fn into_writes(self) -> Writes {
        self.writes
    }

    pub(super) fn next_id<T: TypedId>(&mut self) -> T {
        self.ids.make(self.now_ms)
    }

    /// Commits an event and its fan-out. Here, and only here, is it decided who gets it: those that want it, or the one it is addressed to.
    pub(super) fn emit(
        &mut self,
        draft: &EventDraft,
        only: Option<SubscriptionId>,
        message_id: Option<MessageId>,
        origin: &str,
    ) -> (EventId, usize) {
        let id: EventId = self.next_id();
        let gets = |subscription: &&Arc<Subscription>| match only {
            None => subscription.wants(&draft.event_type),
            Some(one) => subscription.id == one,
        };
        let matching = self.subscriptions.iter().filter(gets);
        let mut fan_out = Vec::new();
        for subscription in matching {
            let delivery_id: DeliveryId = self.ids.make(self.now_ms);
            fan_out.push(FanOut { delivery_id, subscription_id: subscription.id });
        }
        let event = Arc::new(Event {
            id,
            event_type: draft.event_type.clone(),
            created_at: self.now_ms,
            data: draft.data.clone(),
            ordering_key: draft.ordering_key.clone(),
            message_id,
            origin: origin.to_owned(),
            fan_out,
        });
        let order = draft.ordering_key.as_deref().map(order_of);
        let deliveries = event.fan_out.iter().map(|out| Pending {
            id: out.delivery_id,
            event_id: id,
            subscription_id: out.subscription_id,
            attempts: 0,
            budget_from: 0,
            due_at: self.now_ms,
            order,
            event: Some(Arc::clone(&event)),
        });
        self.writes.deliveries.extend(deliveries);
        let count = event.fan_out.len();
        self.writes.events.push(event);
        (id, count)
    }

    /// Emits an event of the gateway's own, whose type is a constant of the catalogue. What is said of one customer keeps its order.
    pub(super) fn emit_own<D: Serialize>(
        &mut self,
        event_type: &'static str,
        data: &D,
        customer_id: &str,
        message_id: Option<MessageId>,
        origin: &str,
    ) -> EventId {
        let draft = EventDraft {
            event_type: own_type(event_type),
            data: own_json(data),
            ordering_key: Some(customer_id.into()),
        };
        self.emit(&draft, None, message_id, origin).0
    }

    pub(super) fn audit(&mut self, note: AuditNote<'_>) {
        self.writes.audit.push(AuditDraft {
            at: self.now_ms,
            actor: note.actor.to_owned(),
            action: note.action.to_owned(),
            target: note.target,
            reason: note.reason.map(str::to_owned),
            request_id: note.request_id.map(str::to_owned),
            detail: note.detail,
        });
    }

    /// Remembers a record for the pieces that follow, and writes it.
    pub(super) fn keep_establishment(&mut self, record: Establishment) {
        let key = (record.customer_id.clone(), record.region);
        self.facts.establishments.insert(key, record.clone());
        self.writes.establishments.push(record);
    }

    fn expire(&mut self, expire: Expire) -> u32 {
        let lapsing = std::mem::take(&mut self.facts.lapsing);
        let mut count = 0;
        for read in lapsing.into_iter().take(expire.limit as usize) {
            // A consultation earlier in this very batch may have extended it.
            let key = (read.customer_id.clone(), read.region);
            let mut record = self.facts.establishments.get(&key).cloned().unwrap_or(read);
            if !record.established || record.until > self.now_ms {
                continue;
            }
            record.established = false;
            record.updated_at = self.now_ms;
            let data = ExpiredData {
                customer_id: &record.customer_id,
                region_code: record.region.to_string(),
                establishment: EstablishmentData::of(&record),
            };
            self.emit_own(catalogue::ESTABLISHMENT_EXPIRED, &data, &record.customer_id, None, "system");
            self.audit(AuditNote {
                actor: "system",
                action: "establishment.expired",
                target: record.id.to_string(),
                ..AuditNote::default()
            });
            self.keep_establishment(record);
            count += 1;
        }
        count
    }
}

/// What an audit entry of the planner says.
#[derive(Default)]
pub(super) struct AuditNote<'a> {
    pub actor: &'a str,
    pub action: &'a str,
    pub target: String,
    pub reason: Option<&'a str>,
    pub request_id: Option<&'a str>,
    pub detail: String,
}

/// An establishment as events show it.
#[derive(Serialize)]
pub(super) struct EstablishmentData {
    id: String,
    established: bool,
    since: String,
    until: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    appointment_id: Option<String>,
}

impl EstablishmentData {
    pub(super) fn of(record: &Establishment) -> Self {
        Self {
            id: record.id.to_string(),
            established: record.established,
            since: format_ms(record.since),
            until: format_ms(record.until),
            appointment_id: record.appointment_id.clone(),
        }
    }
}

#[derive(Serialize)]
struct ExpiredData<'a> {
    customer_id: &'a str,
    region_code: String,
    establishment: EstablishmentData,
}

#[expect(clippy::expect_used, reason = "the types of the catalogue are constants, and a test reads each of them")]
fn own_type(event_type: &'static str) -> EventType {
    EventType::try_new(event_type).expect("a type of the catalogue is well-formed")
}

#[expect(clippy::expect_used, reason = "structs of texts, numbers and flags have no way to fail as JSON")]
fn own_json<D: Serialize>(data: &D) -> Box<str> {
    serde_json::to_string(data).expect("event data serialises").into_boxed_str()
}

/// A received message that stands as `status`, with nothing else to say yet.
pub(super) fn received(message_id: MessageId, status: crate::message::MessageStatus) -> Received {
    Received { message_id, status, reason: None, events: Vec::new(), duplicate: false }
}
