//! A store under trial, its clock and its ids, with the short ways in and out of it that the cases share.

use super::factory::Factory;
use super::{answer, operator, partner};
use crate::{
    Clock, DeliveryFilter, EstablishmentFilter, EventFilter, EventRow, Ids, ManualClock, MessageFilter, MessageRow,
    Page, PageRequest, Store, StoreError,
};
use hookwright_core::audit::AuditEntry;
use hookwright_core::customer::Customer;
use hookwright_core::delivery::{Attempt, Delivery, Pending};
use hookwright_core::establishment::Establishment;
use hookwright_core::event::Event;
use hookwright_core::id::{DeliveryId, EventId, IdMaker, MessageId, SubscriptionId};
use hookwright_core::intake::{Answer, Policy, Received, Work};
use hookwright_core::message::{Message, Parsed};
use hookwright_core::subscription::Subscription;
use std::sync::Arc;

/// 2026-01-04T22:30:00Z, when every trial begins.
pub const START_MS: i64 = 1_767_565_800_000;

const NODE: u16 = 1;

/// One store, opened.
pub struct Trial<'f> {
    factory: &'f dyn Factory,
    policy: Policy,
    /// The store.
    pub store: Arc<dyn Store>,
    /// Its clock, which stands still.
    pub clock: Arc<ManualClock>,
    /// Its ids.
    pub ids: Ids,
}

impl<'f> Trial<'f> {
    /// Opens a store.
    pub async fn begin(factory: &'f dyn Factory) -> Self {
        Self::begin_with(factory, Policy::default()).await
    }

    pub(super) async fn begin_with(factory: &'f dyn Factory, policy: Policy) -> Self {
        let clock = Arc::new(ManualClock::at(START_MS));
        let ids = ids(&clock);
        let store = factory.open(ids.clone(), policy.clone()).await.expect("the store opens");
        Self { factory, policy, store, clock, ids }
    }

    /// Closes the store and opens it again, with ids that know nothing but what the store tells them.
    pub(super) async fn reopen(&mut self) {
        self.factory.close().await;
        self.ids = ids(&self.clock);
        self.store = self.factory.open(self.ids.clone(), self.policy.clone()).await.expect("the store opens again");
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Submits a piece of work.
    pub async fn submit(&self, work: Work) -> Answer {
        self.store.submit(work).await.expect("the work is taken")
    }

    /// Submits all of them at once, and returns their answers in the same order.
    pub(super) async fn submit_at_once(&self, works: Vec<Work>) -> Vec<Answer> {
        let tasks: Vec<_> = works
            .into_iter()
            .map(|work| {
                let store = Arc::clone(&self.store);
                tokio::spawn(async move { submit_when_there_is_room(store.as_ref(), work).await })
            })
            .collect();
        let mut answers = Vec::with_capacity(tasks.len());
        for task in tasks {
            answers.push(task.await.expect("no panic").expect("the work is taken"));
        }
        answers
    }

    /// Publishes one event.
    pub async fn publish(&self, event_type: &str, data: &str) -> EventId {
        let (answer, _) = answer::whole(self.submit(operator::publishing(event_type, data)).await);
        answer::events(&answer)[0].id
    }

    /// Publishes one event and returns the one delivery it has.
    pub async fn publish_for_one(&self, event_type: &str) -> Pending {
        let event = self.event(self.publish(event_type, "{}").await).await;
        assert_eq!(event.fan_out.len(), 1, "one subscription wants it");
        self.pending_one(event.fan_out[0].delivery_id).await.expect("the delivery is pending")
    }

    /// Receives a message that parsed to `parsed`.
    pub(super) async fn receive(&self, parsed: Parsed) -> Received {
        answer::received(self.submit(partner::receiving(partner::receive(self, parsed))).await)
    }

    /// States a customer who lives in the state with these letters.
    pub async fn put_customer(&self, external_id: &str, state: Option<&str>) -> Customer {
        answer::customer(self.submit(operator::putting(operator::draft(external_id, state))).await).0
    }

    /// A subscription, as of the last commit.
    pub fn subscription(&self, id: SubscriptionId) -> Option<Arc<Subscription>> {
        self.store.subscriptions().iter().find(|subscription| subscription.id == id).cloned()
    }

    pub(super) async fn event(&self, id: EventId) -> Arc<Event> {
        self.store.event(id).await.unwrap().expect("the event is there")
    }

    pub(super) async fn message(&self, id: MessageId) -> Message {
        self.store.message(id).await.unwrap().expect("the message is there")
    }

    pub(super) async fn delivery(&self, id: DeliveryId) -> (Delivery, Vec<Attempt>) {
        self.store.delivery(id).await.unwrap().expect("the delivery is there")
    }

    /// All that is pending, read a few at a time.
    pub async fn pending(&self) -> Vec<Pending> {
        let mut all: Vec<Pending> = Vec::new();
        loop {
            let some = self.store.pending(all.last().map(|last| last.id), 1_000).await.unwrap();
            if some.is_empty() {
                return all;
            }
            all.extend(some);
        }
    }

    pub(super) async fn pending_one(&self, id: DeliveryId) -> Option<Pending> {
        self.pending().await.into_iter().find(|pending| pending.id == id)
    }

    pub(super) async fn events(&self, event_type: Option<&str>) -> Vec<EventRow> {
        let filter = EventFilter { event_type: event_type.map(str::to_owned) };
        let mut pages = Pages::new(500);
        while let Some(request) = pages.request() {
            pages.take(self.store.events(filter.clone(), request).await);
        }
        pages.rows
    }

    pub(super) async fn deliveries(&self, filter: DeliveryFilter) -> Vec<Delivery> {
        let mut pages = Pages::new(500);
        while let Some(request) = pages.request() {
            pages.take(self.store.deliveries(filter.clone(), request).await);
        }
        pages.rows
    }

    pub(super) async fn messages(&self, filter: MessageFilter) -> Vec<MessageRow> {
        let mut pages = Pages::new(500);
        while let Some(request) = pages.request() {
            pages.take(self.store.messages(filter.clone(), request).await);
        }
        pages.rows
    }

    pub(super) async fn establishments(&self, filter: EstablishmentFilter) -> Vec<Establishment> {
        let mut pages = Pages::new(500);
        while let Some(request) = pages.request() {
            pages.take(self.store.establishments(filter.clone(), request).await);
        }
        pages.rows
    }

    /// The audit, newest first.
    pub async fn audit(&self) -> Vec<AuditEntry> {
        let mut pages = Pages::new(500);
        while let Some(request) = pages.request() {
            pages.take(self.store.audit(request).await);
        }
        pages.rows
    }

    /// How often the audit names this action.
    pub(super) async fn audited(&self, action: &str) -> usize {
        self.audit().await.iter().filter(|entry| entry.draft.action == action).count()
    }
}

/// Walks a list to its end.
pub(super) struct Pages<T> {
    pub(super) rows: Vec<T>,
    request: Option<PageRequest>,
    limit: u32,
}

impl<T> Pages<T> {
    pub(super) fn new(limit: u32) -> Self {
        Self { rows: Vec::new(), request: Some(PageRequest { before: None, limit }), limit }
    }

    /// The page to ask for, until there is none.
    pub(super) fn request(&self) -> Option<PageRequest> {
        self.request
    }

    pub(super) fn take(&mut self, page: Result<Page<T>, StoreError>) {
        let page = page.expect("the page is read");
        assert!(page.rows.len() <= self.limit as usize, "a page holds no more than was asked for");
        assert!(page.next.is_none() || !page.rows.is_empty(), "an empty page leads nowhere");
        self.rows.extend(page.rows);
        self.request = page.next.map(|before| PageRequest { before: Some(before), limit: self.limit });
    }
}

fn ids(clock: &Arc<ManualClock>) -> Ids {
    let maker = IdMaker::new(NODE).expect("a node number");
    Ids::new(maker, Arc::clone(clock) as Arc<dyn Clock>)
}

/// Submits work, again while the store says that it has no room.
async fn submit_when_there_is_room(store: &dyn Store, work: Work) -> Result<Answer, StoreError> {
    loop {
        match store.submit(work.clone()).await {
            Err(StoreError::Busy) => tokio::task::yield_now().await,
            other => return other,
        }
    }
}
