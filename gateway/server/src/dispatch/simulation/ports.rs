//! The ports over the model: whole where the dispatcher and its operators use them, refused elsewhere.

use super::disk::Disk;
use super::model::{ModelStore, failed};
use hookwright_core::audit::{AuditDraft, AuditEntry};
use hookwright_core::customer::Customer;
use hookwright_core::delivery::{Attempt, Delivery, Finish, Pending};
use hookwright_core::establishment::Establishment;
use hookwright_core::event::Event;
use hookwright_core::id::{DeliveryId, EstablishmentId, EventId, KeyId, MessageId, SourceId, SubscriptionId};
use hookwright_core::idempotency::{Claim, Claimed};
use hookwright_core::intake::{Answer, Needs, Planner, Work};
use hookwright_core::message::Message;
use hookwright_core::notice::{self, NoticeDraft};
use hookwright_core::plugin::{Activation, PluginRecord, PluginVersionRecord};
use hookwright_core::source::Source;
use hookwright_core::subscription::Subscription;
use hookwright_store::{
    Answering, AuditAnchor, Catalog, Change, DeliveryFilter, EstablishmentFilter, EventFilter, EventRow, FailingSince,
    FareRecord, Finished, Fresh, Intake, Journal, KeyRecord, MessageFilter, MessageRow, Notice, Outbox, Page,
    PageRequest, PluginFile, PluginWrite, Prune, Pruned, RecordKind, Retention, RetryAsked, Saved, Stock, StoreError,
    Waiting,
};
use std::collections::BTreeSet;
use std::sync::Arc;

impl ModelStore {
    /// What was answered to a change's claim before.
    fn prior<T>(disk: &Disk, change: &Change) -> Option<Claimed<T>> {
        Self::found(disk, &change.claim.as_ref()?.0)
    }

    fn found<T>(disk: &Disk, claim: &Claim) -> Option<Claimed<T>> {
        let (body_hash, answer) = disk.claims.get(&claim.key)?;
        Some(if *body_hash == claim.body_hash { Claimed::Replayed(answer.clone()) } else { Claimed::Mismatch })
    }

    /// Keeps a change's claim, and its word in the audit.
    fn note(&self, disk: &mut Disk, change: Change) {
        if let Some((claim, answer)) = change.claim {
            disk.claims.insert(claim.key, (claim.body_hash, answer));
        }
        disk.audit(self.ids.next(), change.audit);
    }

    fn planned(&self, disk: &mut Disk, work: &Work) -> Answer {
        let mut needs = Needs::default();
        work.needs(&mut needs);
        let (facts, known, now_ms) = (disk.facts(&needs), self.known(), self.now_ms());
        let mut ids = self.ids.lock();
        let mut planner = Planner::new(now_ms, &mut ids, &known, &self.policy, facts);
        let answer = planner.plan(work);
        let writes = planner.into_writes();
        let created = disk.write(writes, || ids.make(now_ms));
        drop(ids);
        self.offer(created);
        answer
    }

    fn put(&self, disk: &mut Disk, subscription: Subscription) -> Arc<Subscription> {
        let subscription = Arc::new(subscription);
        disk.greatest = disk.greatest.max(subscription.id.get());
        disk.subscriptions.insert(subscription.id, Arc::clone(&subscription));
        self.learn(disk);
        subscription
    }

    /// Switches a subscription off and leaves a notice, unless it is off already, or gone.
    fn disable(&self, disk: &mut Disk, id: SubscriptionId, reason: String, notice: Option<NoticeDraft>) {
        let Some(old) = disk.subscriptions.get(&id).filter(|old| old.active).cloned() else { return };
        let notice = notice.unwrap_or_else(|| notice::disabled(&old, &reason, None, self.now_ms()));
        self.leave(disk, notice);
        let (now_ms, version) = (self.now_ms(), old.version + 1);
        let detail = format!("reason={reason}");
        let disabled_reason = Some(reason);
        let old = Subscription::clone(&old);
        self.put(disk, Subscription { active: false, disabled_reason, updated_at: now_ms, version, ..old });
        disk.audit(
            self.ids.next(),
            AuditDraft {
                at: now_ms,
                actor: "system".to_owned(),
                action: "subscription.disabled".to_owned(),
                target: id.to_string(),
                reason: None,
                request_id: None,
                detail,
            },
        );
    }

    fn leave(&self, disk: &mut Disk, notice: NoticeDraft) {
        let NoticeDraft { event_type, data, ordering_key } = notice;
        let id = self.ids.next::<EventId>().get();
        let event_type = event_type.to_owned();
        disk.notices.push(Notice { id, event_type, data, ordering_key: Some(ordering_key) });
    }

    fn fare(&self, disk: &mut Disk, id: SubscriptionId, fare: FareRecord) {
        if disk.subscriptions.get(&id).is_none_or(|one| !one.active) {
            disk.failing.remove(&id);
            return;
        }
        match fare {
            FareRecord::Failing { since } => drop(disk.failing.insert(id, (since, false))),
            FareRecord::Recovered => drop(disk.failing.remove(&id)),
            FareRecord::Warned { since, notice } => {
                disk.failing.insert(id, (since, true));
                self.leave(disk, notice);
            }
            FareRecord::Disabled { reason, notice } => {
                disk.failing.remove(&id);
                self.disable(disk, id, reason.to_owned(), Some(notice));
            }
        }
    }

    fn rows(disk: &Disk, after: Option<DeliveryId>, limit: u32, wanted: impl Fn(&Pending) -> bool) -> Vec<Pending> {
        let after = after.map_or(0, DeliveryId::get);
        let rows = disk.pending.values().filter(|row| row.id.get() > after && wanted(row));
        rows.take(limit as usize).cloned().collect()
    }
}

impl Intake for ModelStore {
    fn submit(&self, work: Work) -> Answering<'_, Answer> {
        Box::pin(self.with(move |store, disk| store.planned(disk, &work)))
    }

    fn forget_keys(&self, _: u32) -> Answering<'_, u32> {
        refused()
    }
}

impl Outbox for ModelStore {
    fn fresh(&self) -> Waiting<'_, Fresh> {
        Box::pin(self.take())
    }

    fn pending(&self, after: Option<DeliveryId>, limit: u32) -> Answering<'_, Vec<Pending>> {
        Box::pin(async move {
            let rows = self.with(|_, disk| {
                Self::rows(disk, after, limit, |row| {
                    disk.subscriptions.get(&row.subscription_id).is_some_and(|one| one.active)
                })
            });
            Ok(self.handed_out(rows.await?))
        })
    }

    fn pending_of(
        &self,
        subscription: SubscriptionId,
        after: Option<DeliveryId>,
        limit: u32,
    ) -> Answering<'_, Vec<Pending>> {
        Box::pin(async move {
            let rows = self.with(|_, disk| Self::rows(disk, after, limit, |row| row.subscription_id == subscription));
            Ok(self.handed_out(rows.await?))
        })
    }

    fn load_events(&self, ids: Vec<EventId>) -> Answering<'_, Vec<Arc<Event>>> {
        Box::pin(self.with(move |_, disk| {
            let ids: BTreeSet<EventId> = ids.into_iter().collect();
            ids.iter().filter_map(|id| disk.events.get(id).cloned()).collect()
        }))
    }

    fn finish(&self, finish: Finish) -> Answering<'_, Finished> {
        Box::pin(async move {
            // Should this process die meanwhile, what it was writing may be written all the same.
            let place = {
                let mut disk = self.disk();
                let place = disk.writing.last_key_value().map_or(0, |(last, _)| last + 1);
                disk.writing.insert(place, finish.clone());
                place
            };
            let finished = self.with(move |store, disk| {
                let finished = disk.finish(&finish);
                if let (Finished::Applied, Some(reason)) = (finished, finish.disable_subscription) {
                    store.disable(disk, finish.attempt.subscription_id, reason, None);
                }
                finished
            });
            let finished = finished.await;
            self.disk().writing.remove(&place);
            finished
        })
    }

    fn abandon(&self, id: DeliveryId, reason: String) -> Answering<'_, Finished> {
        Box::pin(self.with(move |store, disk| disk.abandon(id, reason, store.now_ms())))
    }

    fn retry(&self, id: DeliveryId, change: Change) -> Answering<'_, Claimed<RetryAsked>> {
        Box::pin(self.with(move |store, disk| {
            if let Some(prior) = Self::prior(disk, &change) {
                return prior;
            }
            let asked = disk.retry(id, store.now_ms());
            if matches!(asked, RetryAsked::Pending(_)) {
                store.note(disk, change);
            }
            Claimed::Fresh(asked)
        }))
    }

    fn failing(&self) -> Answering<'_, Vec<FailingSince>> {
        Box::pin(self.with(|_, disk| {
            let one = |(id, (since, warned)): (&SubscriptionId, &(i64, bool))| FailingSince {
                subscription_id: *id,
                since: *since,
                warned: *warned,
            };
            disk.failing.iter().map(one).collect()
        }))
    }

    fn record_fare(&self, subscription: SubscriptionId, fare: FareRecord) -> Answering<'_, ()> {
        Box::pin(self.with(move |store, disk| store.fare(disk, subscription, fare)))
    }

    fn notices(&self, limit: u32) -> Answering<'_, Vec<Notice>> {
        Box::pin(self.with(move |_, disk| disk.notices.iter().take(limit as usize).cloned().collect()))
    }

    fn notice_told(&self, id: i64) -> Answering<'_, ()> {
        Box::pin(self.with(move |_, disk| disk.notices.retain(|notice| notice.id != id)))
    }
}

impl Catalog for ModelStore {
    fn subscriptions(&self) -> Arc<Vec<Arc<Subscription>>> {
        self.known()
    }

    fn create_subscription(
        &self,
        subscription: Subscription,
        change: Change,
    ) -> Answering<'_, Saved<Arc<Subscription>>> {
        Box::pin(self.with(move |store, disk| {
            if let Some(prior) = Self::prior(disk, &change) {
                return prior;
            }
            let created = store.put(disk, subscription);
            store.note(disk, change);
            Claimed::Fresh(created)
        }))
    }

    fn update_subscription(
        &self,
        subscription: Subscription,
        expected: i64,
        change: Change,
    ) -> Answering<'_, Saved<Option<Arc<Subscription>>>> {
        Box::pin(async move {
            let updated = self.with(move |store, disk| {
                if let Some(prior) = Self::prior(disk, &change) {
                    return Ok(prior);
                }
                match disk.subscriptions.get(&subscription.id) {
                    None => return Ok(Claimed::Fresh(None)),
                    Some(old) if old.version != expected => return Err(StoreError::Stale),
                    Some(_) => {}
                }
                let updated = store.put(disk, Subscription { version: expected + 1, ..subscription });
                store.note(disk, change);
                Ok(Claimed::Fresh(Some(updated)))
            });
            updated.await?
        })
    }

    fn delete_subscription(&self, id: SubscriptionId, change: Change) -> Answering<'_, bool> {
        Box::pin(self.with(move |store, disk| {
            let deleted = disk.delete(id, store.now_ms());
            if deleted {
                store.learn(disk);
                store.note(disk, change);
            }
            deleted
        }))
    }

    fn sources(&self) -> Arc<Vec<Arc<Source>>> {
        Arc::default()
    }

    fn create_source(&self, _: Source, _: Change) -> Answering<'_, Saved<Arc<Source>>> {
        refused()
    }

    fn update_source(&self, _: Source, _: i64, _: Change) -> Answering<'_, Saved<Option<Arc<Source>>>> {
        refused()
    }

    fn delete_source(&self, _: SourceId, _: Change) -> Answering<'_, bool> {
        refused()
    }

    fn plugins(&self) -> Answering<'_, Vec<PluginRecord>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn plugin_versions(&self, _: String, _: PageRequest) -> Answering<'_, Page<PluginVersionRecord>> {
        refused()
    }

    fn plugin_version(&self, _: String, _: String) -> Answering<'_, Option<PluginVersionRecord>> {
        refused()
    }

    fn plugin_quarantine(&self, _: String) -> Answering<'_, BTreeSet<String>> {
        refused()
    }

    fn plugin_history(&self, _: String, _: u32) -> Answering<'_, Vec<Activation>> {
        refused()
    }

    fn plugin_component(&self, _: String) -> Answering<'_, Option<Vec<u8>>> {
        refused()
    }

    fn write_plugin(&self, _: PluginWrite, _: Change) -> Answering<'_, Saved<PluginRecord>> {
        refused()
    }

    fn plugin_files(&self) -> Answering<'_, Vec<PluginFile>> {
        refused()
    }

    fn plugin_quarantines_untold(&self, _: u32) -> Answering<'_, Vec<PluginVersionRecord>> {
        refused()
    }

    fn plugin_quarantine_told(&self, _: String, _: String, _: i64) -> Answering<'_, ()> {
        refused()
    }

    fn keys(&self) -> Arc<Vec<KeyRecord>> {
        Arc::default()
    }

    fn create_key(&self, _: KeyRecord, _: Change) -> Answering<'_, Saved<KeyRecord>> {
        refused()
    }

    fn revoke_key(&self, _: KeyId, _: Change) -> Answering<'_, bool> {
        refused()
    }

    fn claimed(&self, claim: Claim) -> Answering<'_, Option<Claimed<()>>> {
        Box::pin(self.with(move |_, disk| Self::found(disk, &claim)))
    }
}

impl Journal for ModelStore {
    fn events(&self, filter: EventFilter, page: PageRequest) -> Answering<'_, Page<EventRow>> {
        Box::pin(self.with(move |_, disk| {
            let wanted = |event: &&Arc<Event>| {
                filter.event_type.as_ref().is_none_or(|wanted| *wanted == *event.event_type.as_str())
            };
            let row = |event: &Arc<Event>| EventRow {
                id: event.id,
                event_type: event.event_type.as_str().to_owned(),
                created_at: event.created_at,
                message_id: event.message_id,
                origin: event.origin.clone(),
                deliveries: u32::try_from(event.fan_out.len()).unwrap_or(u32::MAX),
            };
            paged(disk.events.values().rev().filter(wanted).map(row), page, |row| row.id.get())
        }))
    }

    fn event(&self, id: EventId) -> Answering<'_, Option<Arc<Event>>> {
        Box::pin(self.with(move |_, disk| disk.events.get(&id).cloned()))
    }

    fn deliveries(&self, filter: DeliveryFilter, page: PageRequest) -> Answering<'_, Page<Delivery>> {
        Box::pin(self.with(move |_, disk| {
            let ids: BTreeSet<DeliveryId> = disk.pending.keys().chain(disk.settled.keys()).copied().collect();
            let wanted = |one: &Delivery| {
                filter.subscription_id.is_none_or(|wanted| wanted == one.subscription_id)
                    && filter.event_id.is_none_or(|wanted| wanted == one.event_id)
                    && filter.status.is_none_or(|wanted| wanted == one.status)
            };
            let shown = ids.iter().rev().filter_map(|id| disk.delivery(*id)).filter(wanted);
            paged(shown, page, |one| one.id.get())
        }))
    }

    fn delivery(&self, id: DeliveryId) -> Answering<'_, Option<(Delivery, Vec<Attempt>)>> {
        Box::pin(self.with(move |_, disk| {
            let attempts = disk.attempts_of(id).cloned().collect();
            disk.delivery(id).map(|delivery| (delivery, attempts))
        }))
    }

    fn messages(&self, _: MessageFilter, _: PageRequest) -> Answering<'_, Page<MessageRow>> {
        refused()
    }

    fn message(&self, _: MessageId) -> Answering<'_, Option<Message>> {
        refused()
    }

    fn resumable(&self, _: u32) -> Answering<'_, Vec<MessageId>> {
        refused()
    }

    fn quarantined(&self, _: SourceId, _: Option<MessageId>, _: u32) -> Answering<'_, Vec<MessageId>> {
        refused()
    }

    fn fetching(&self, _: Option<MessageId>, _: u32) -> Answering<'_, Vec<(MessageId, SourceId)>> {
        refused()
    }

    fn last_heard(&self, _: SourceId) -> Answering<'_, Option<i64>> {
        refused()
    }

    fn customers(&self, _: Option<String>, _: u32) -> Answering<'_, Vec<Customer>> {
        refused()
    }

    fn customer(&self, _: String) -> Answering<'_, Option<Customer>> {
        refused()
    }

    fn establishments(&self, _: EstablishmentFilter, _: PageRequest) -> Answering<'_, Page<Establishment>> {
        refused()
    }

    fn establishment(&self, _: EstablishmentId) -> Answering<'_, Option<Establishment>> {
        refused()
    }

    fn next_lapse(&self) -> Answering<'_, Option<i64>> {
        refused()
    }

    fn audit(&self, page: PageRequest) -> Answering<'_, Page<AuditEntry>> {
        Box::pin(self.with(move |_, disk| paged(disk.audit.iter().rev().cloned(), page, |entry| entry.id.get())))
    }

    fn record(&self, entry: AuditDraft) -> Answering<'_, ()> {
        Box::pin(self.with(move |store, disk| disk.audit(store.ids.next(), entry)))
    }

    fn ready(&self) -> Answering<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

impl Retention for ModelStore {
    fn prune(&self, _: Prune) -> Answering<'_, Pruned> {
        refused()
    }

    fn stock(&self, _: RecordKind, _: i64, _: i64, _: u32) -> Answering<'_, Stock> {
        refused()
    }

    fn audit_anchor(&self) -> Answering<'_, Option<AuditAnchor>> {
        refused()
    }
}

/// A page of rows that come newest first.
fn paged<T>(rows: impl Iterator<Item = T>, page: PageRequest, id: impl Fn(&T) -> i64) -> Page<T> {
    let limit = page.limit as usize;
    let mut rows: Vec<T> =
        rows.filter(|row| page.before.is_none_or(|before| id(row) < before)).take(limit + 1).collect();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = if more { rows.last().map(id) } else { None };
    Page { rows, next }
}

/// What nobody asks of the model.
fn refused<'a, T: Send + 'a>() -> Answering<'a, T> {
    Box::pin(async { Err(failed()) })
}
