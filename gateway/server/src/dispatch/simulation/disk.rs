//! What the model of a store has on its disk: it outlives every simulated process.

use super::plan::Bug;
use hookwright_core::audit::{AuditDraft, AuditEntry, link};
use hookwright_core::customer::Customer;
use hookwright_core::delivery::{Attempt, Delivery, DeliveryStatus, Finish, Next, Pending};
use hookwright_core::establishment::Establishment;
use hookwright_core::event::{Event, order_of};
use hookwright_core::id::{AuditId, DeliveryId, EventId, SubscriptionId};
use hookwright_core::idempotency::StoredAnswer;
use hookwright_core::intake::{Facts, Needs, Writes};
use hookwright_core::region::RegionCode;
use hookwright_core::subscription::Subscription;
use hookwright_store::{Finished, Notice, RetryAsked};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A delivery that ended.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    pub(super) event_id: EventId,
    pub(super) subscription_id: SubscriptionId,
    pub(super) delivered: bool,
    pub(super) reason: Option<String>,
    pub(super) attempts: u32,
    pub(super) response_code: Option<u16>,
    pub(super) at: i64,
}

/// What is on disk.
#[derive(Default)]
pub(super) struct Disk {
    pub(super) subscriptions: BTreeMap<SubscriptionId, Arc<Subscription>>,
    pub(super) deleted: BTreeSet<SubscriptionId>,
    pub(super) events: BTreeMap<EventId, Arc<Event>>,
    pub(super) pending: BTreeMap<DeliveryId, Pending>,
    pub(super) settled: BTreeMap<DeliveryId, Settled>,
    pub(super) attempts: BTreeMap<(DeliveryId, u32), Attempt>,
    pub(super) customers: HashMap<String, Customer>,
    pub(super) establishments: HashMap<(String, RegionCode), Establishment>,
    pub(super) claims: HashMap<[u8; 32], ([u8; 32], StoredAnswer)>,
    pub(super) audit: Vec<AuditEntry>,
    pub(super) failing: BTreeMap<SubscriptionId, (i64, bool)>,
    pub(super) notices: Vec<Notice>,
    /// The greatest id that was written.
    pub(super) greatest: i64,
    /// Deliveries whose success is on record and was not asked to be repeated: they stay delivered.
    pub(super) successes: BTreeSet<DeliveryId>,
    /// How often an operator asked for each.
    pub(super) asked: BTreeMap<DeliveryId, u32>,
    /// What is being written by the process that lives.
    pub(super) writing: BTreeMap<u64, Finish>,
    /// A mistake that was planted, to see that it is found.
    pub(super) bug: Option<Bug>,
}

impl Disk {
    /// What a planner must know.
    pub(super) fn facts(&self, needs: &Needs) -> Facts {
        let of = |external_id: &String| self.customers.get(external_id).map(|one| (external_id.clone(), one.clone()));
        let establishments = self.establishments.iter().filter(|((customer, _), _)| needs.customers.contains(customer));
        let claim = |key: &[u8; 32]| self.claims.get(key).map(|answer| (*key, answer.clone()));
        Facts {
            customers: needs.customers.iter().filter_map(of).collect(),
            establishments: establishments.map(|(key, record)| (key.clone(), record.clone())).collect(),
            idempotency: needs.idempotency.iter().filter_map(claim).collect(),
            ..Facts::default()
        }
    }

    /// Writes what a planner decided. Returns the deliveries that were made, with their events.
    pub(super) fn write(&mut self, writes: Writes, mut audit_id: impl FnMut() -> AuditId) -> Vec<Pending> {
        for event in writes.events {
            self.greatest = self.greatest.max(event.id.get());
            self.events.insert(event.id, event);
        }
        for delivery in &writes.deliveries {
            self.greatest = self.greatest.max(delivery.id.get());
            self.pending.insert(delivery.id, Pending { event: None, ..delivery.clone() });
        }
        self.customers.extend(writes.customers.into_iter().map(|one| (one.external_id.clone(), one)));
        let records = writes.establishments.into_iter();
        self.establishments.extend(records.map(|one| ((one.customer_id.clone(), one.region), one)));
        self.claims
            .extend(writes.idempotency.into_iter().map(|(claim, answer)| (claim.key, (claim.body_hash, answer))));
        for draft in writes.audit {
            self.audit(audit_id(), draft);
        }
        writes.deliveries
    }

    /// Adds to the audit chain.
    pub(super) fn audit(&mut self, id: AuditId, draft: AuditDraft) {
        self.greatest = self.greatest.max(id.get());
        let previous = self.audit.last().map_or([0; 32], |last| last.hash);
        self.audit.push(link(previous, id, draft));
    }

    /// Records an attempt and moves its delivery on, with the fence of every store: a failure counts only as the attempt that follows the last one on record, a success
    /// whenever it arrives while the delivery is pending.
    pub(super) fn finish(&mut self, finish: &Finish) -> Finished {
        let (id, number) = (finish.attempt.delivery_id, finish.attempt.number);
        self.greatest = self.greatest.max(finish.attempt.id.get());
        let at = finish.attempt.started_at.saturating_add(i64::from(finish.attempt.duration_ms));
        let applied = match (self.pending.get(&id).map(|pending| pending.attempts), &finish.next) {
            (Some(made), Next::Delivered) if number <= made + 1 => {
                self.successes.insert(id);
                self.settle(id, true, None, number, finish.attempt.response_code, at)
            }
            (Some(made), Next::Failed { .. } | Next::Retry { .. })
                if number == made + 1 && self.is_another_budget(finish) =>
            {
                if let Some(pending) = self.pending.get_mut(&id) {
                    (pending.attempts, pending.budget_from) = (number, number);
                }
                false
            }
            (Some(made), Next::Failed { reason }) if number == made + 1 => {
                self.settle(id, false, Some(reason.clone()), number, finish.attempt.response_code, at)
            }
            (Some(made), Next::Retry { due_at }) if number == made + 1 => self.wait(id, number, *due_at),
            _ if self.bug == Some(Bug::NoFence) => self.overwrite(finish, at),
            _ => false,
        };
        self.attempts.entry((id, number)).or_insert_with(|| finish.attempt.clone());
        if applied { Finished::Applied } else { Finished::Stale }
    }

    /// Whether an operator began another budget while the attempt was under way.
    fn is_another_budget(&self, finish: &Finish) -> bool {
        self.pending.get(&finish.attempt.delivery_id).is_some_and(|pending| pending.budget_from != finish.budget_from)
    }

    fn settle(
        &mut self,
        id: DeliveryId,
        delivered: bool,
        reason: Option<String>,
        number: u32,
        response_code: Option<u16>,
        at: i64,
    ) -> bool {
        let Some(pending) = self.pending.remove(&id) else { return false };
        let attempts = pending.attempts.max(number);
        let Pending { event_id, subscription_id, .. } = pending;
        self.settled.insert(id, Settled { event_id, subscription_id, delivered, reason, attempts, response_code, at });
        true
    }

    fn wait(&mut self, id: DeliveryId, number: u32, due_at: i64) -> bool {
        let uncounted = self.bug == Some(Bug::BudgetNotCounted);
        let Some(pending) = self.pending.get_mut(&id) else { return false };
        (pending.attempts, pending.due_at) = (number, due_at);
        if uncounted {
            pending.budget_from = number;
        }
        true
    }

    /// What a store does that does not look at the number.
    fn overwrite(&mut self, finish: &Finish, at: i64) -> bool {
        let (id, number) = (finish.attempt.delivery_id, finish.attempt.number);
        if let Some(settled) = self.settled.get_mut(&id) {
            let reason = if let Next::Failed { reason } = &finish.next { Some(reason.clone()) } else { None };
            (settled.delivered, settled.reason, settled.at) = (finish.next == Next::Delivered, reason, at);
            return true;
        }
        match &finish.next {
            Next::Retry { due_at } => self.wait(id, number, *due_at),
            Next::Delivered => self.settle(id, true, None, number, finish.attempt.response_code, at),
            Next::Failed { reason } => self.settle(id, false, Some(reason.clone()), number, None, at),
        }
    }

    /// Ends a delivery without an attempt.
    pub(super) fn abandon(&mut self, id: DeliveryId, reason: String, at: i64) -> Finished {
        let number = self.pending.get(&id).map_or(0, |pending| pending.attempts);
        let code = self.attempts.get(&(id, number)).and_then(|attempt| attempt.response_code);
        if self.settle(id, false, Some(reason), number, code, at) { Finished::Applied } else { Finished::Stale }
    }

    /// Makes a delivery due at once, with a fresh budget.
    pub(super) fn retry(&mut self, id: DeliveryId, now_ms: i64) -> RetryAsked {
        let found = match (self.pending.get(&id), self.settled.get(&id)) {
            (Some(pending), _) => pending.clone(),
            (None, Some(settled)) => self.reopened(id, settled),
            (None, None) => return RetryAsked::NotFound,
        };
        if !self.subscriptions.contains_key(&found.subscription_id) {
            return RetryAsked::NoSubscription;
        }
        let pending = Pending { budget_from: found.attempts, due_at: now_ms, ..found };
        self.settled.remove(&id);
        self.successes.remove(&id);
        *self.asked.entry(id).or_default() += 1;
        self.pending.insert(id, pending.clone());
        RetryAsked::Pending(pending)
    }

    fn reopened(&self, id: DeliveryId, settled: &Settled) -> Pending {
        let last = self.attempts_of(id).last().map_or(0, |attempt| attempt.number);
        let key = self.events.get(&settled.event_id).and_then(|event| event.ordering_key.as_deref());
        Pending {
            id,
            event_id: settled.event_id,
            subscription_id: settled.subscription_id,
            attempts: settled.attempts.max(last),
            budget_from: 0,
            due_at: settled.at,
            order: key.map(order_of),
            event: None,
        }
    }

    /// Deletes a subscription; what is pending for it ends.
    pub(super) fn delete(&mut self, id: SubscriptionId, now_ms: i64) -> bool {
        if self.subscriptions.remove(&id).is_none() {
            return false;
        }
        self.deleted.insert(id);
        let theirs: Vec<DeliveryId> =
            self.pending.values().filter(|pending| pending.subscription_id == id).map(|pending| pending.id).collect();
        for delivery in theirs {
            self.abandon(delivery, "subscription_deleted".to_owned(), now_ms);
        }
        true
    }

    /// A delivery's attempts, first to last.
    pub(super) fn attempts_of(&self, id: DeliveryId) -> impl Iterator<Item = &Attempt> {
        self.attempts.range((id, 0)..=(id, u32::MAX)).map(|(_, attempt)| attempt)
    }

    /// A delivery as the API shows it.
    pub(super) fn delivery(&self, id: DeliveryId) -> Option<Delivery> {
        let last = |number| self.attempts.get(&(id, number)).and_then(|attempt: &Attempt| attempt.response_code);
        let delivery = |event_id: EventId, subscription_id, status, attempts, response_code| Delivery {
            id,
            subscription_id,
            event_id,
            event_type: self
                .events
                .get(&event_id)
                .map(|event| event.event_type.as_str().to_owned())
                .unwrap_or_default(),
            status,
            attempts,
            response_code,
            next_retry_at: None,
            delivered_at: None,
            reason: None,
            created_at: id.created_at_ms(),
        };
        if let Some(one) = self.pending.get(&id) {
            let status = if one.attempts == 0 { DeliveryStatus::Pending } else { DeliveryStatus::Retrying };
            let code = last(one.attempts);
            let shown = delivery(one.event_id, one.subscription_id, status, one.attempts, code);
            return Some(Delivery { next_retry_at: Some(one.due_at), ..shown });
        }
        let one = self.settled.get(&id)?;
        let status = if one.delivered { DeliveryStatus::Delivered } else { DeliveryStatus::Failed };
        let shown = delivery(one.event_id, one.subscription_id, status, one.attempts, one.response_code);
        Some(Delivery { delivered_at: one.delivered.then_some(one.at), reason: one.reason.clone(), ..shown })
    }
}
