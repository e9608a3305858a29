//! A store in memory: as much of one as the rules can see.

use super::NOW;
use crate::customer::Customer;
use crate::delivery::Pending;
use crate::establishment::Establishment;
use crate::event::Event;
use crate::id::{IdMaker, MessageId};
use crate::idempotency::StoredAnswer;
use crate::intake::{
    Answer, Facts, KeptMessage, Needs, Planner, Policy, Published, Receive, Received, Resume, Work, Writes, dedupe_keys,
};
use crate::message::{Message, Parsed};
use crate::region::RegionCode;
use crate::subscription::Subscription;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What is recorded so far.
pub(super) struct World {
    pub(super) now_ms: i64,
    pub(super) policy: Policy,
    pub(super) subscriptions: Vec<Arc<Subscription>>,
    pub(super) customers: HashMap<String, Customer>,
    pub(super) establishments: HashMap<(String, RegionCode), Establishment>,
    pub(super) messages: BTreeMap<MessageId, Message>,
    pub(super) events: Vec<Arc<Event>>,
    pub(super) deliveries: Vec<Pending>,
    pub(super) audit: Vec<String>,
    dedupe: HashMap<[u8; 32], MessageId>,
    idempotency: HashMap<[u8; 32], ([u8; 32], StoredAnswer)>,
    ids: IdMaker,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            now_ms: NOW,
            policy: Policy::default(),
            subscriptions: Vec::new(),
            customers: HashMap::new(),
            establishments: HashMap::new(),
            messages: BTreeMap::new(),
            events: Vec::new(),
            deliveries: Vec::new(),
            audit: Vec::new(),
            dedupe: HashMap::new(),
            idempotency: HashMap::new(),
            ids: IdMaker::new(1).unwrap(),
        }
    }

    /// With one customer in Texas who needs to be established there.
    pub(super) fn with_texan() -> Self {
        let mut world = Self::new();
        world.one(super::put("cus_xyz", "TX", "78701"));
        world.events.clear();
        world
    }

    /// Plans a batch as one transaction, having read only what it said that it needs.
    pub(super) fn batch(&mut self, works: &[Work]) -> Vec<Answer> {
        let mut needs = Needs::default();
        for work in works {
            work.needs(&mut needs);
        }
        let facts = self.read(&needs);
        let mut planner = Planner::new(self.now_ms, &mut self.ids, &self.subscriptions, &self.policy, facts);
        let answers = works.iter().map(|work| planner.plan(work)).collect();
        let writes = planner.into_writes();
        self.write(writes);
        answers
    }

    pub(super) fn one(&mut self, work: Work) -> Answer {
        self.batch(&[work]).remove(0)
    }

    pub(super) fn receive(&mut self, receive: Receive) -> Received {
        let Answer::Received(received) = self.one(Work::Receive(Box::new(receive))) else { panic!("a reception") };
        received
    }

    /// Takes a kept message up again, with what the plugin makes of it now.
    pub(super) fn resume(&mut self, number: i64, parsed: Parsed, region: Option<RegionCode>) -> Option<Received> {
        let work = self.resume_work(number, parsed, region);
        let Answer::Resumed(received) = self.one(work) else { panic!("a resumption") };
        received
    }

    pub(super) fn resume_work(&self, number: i64, parsed: Parsed, region: Option<RegionCode>) -> Work {
        let message_id = MessageId::from_i64(number).unwrap();
        let raw = self.messages.get(&message_id).map(|message| &message.raw);
        // The world's requests carry their transport's id where their number says so.
        let transport = format!("t{number}");
        Work::Resume(Box::new(Resume {
            message_id,
            keys: raw.map_or_else(Vec::new, |raw| dedupe_keys(raw, Some(&transport), &parsed)),
            slug: "emr".to_owned(),
            updates_customers: false,
            parsed,
            plugin_digest: Some("d2".to_owned()),
            logs: Vec::new(),
            region,
            actor: "system".to_owned(),
            reason: None,
            request_id: None,
            claim: None,
        }))
    }

    pub(super) fn publish(&mut self, publish: crate::intake::Publish) -> Published {
        let Answer::Published(published) = self.one(Work::Publish(Box::new(publish))) else { panic!("a publication") };
        published
    }

    pub(super) fn types(&self) -> Vec<&str> {
        self.events.iter().map(|event| event.event_type.as_str()).collect()
    }

    pub(super) fn data(&self, index: usize) -> serde_json::Value {
        serde_json::from_str(&self.events[index].data).unwrap()
    }

    pub(super) fn established(&self, customer: &str, region: &str) -> Option<&Establishment> {
        self.establishments.get(&(customer.to_owned(), region.parse().unwrap()))
    }

    fn read(&self, needs: &Needs) -> Facts {
        let mut facts = Facts::default();
        for id in &needs.customers {
            facts.customers.extend(self.customers.get(id).map(|customer| (id.clone(), customer.clone())));
            let of_customer = self.establishments.iter().filter(|((customer, _), _)| customer == id);
            facts.establishments.extend(of_customer.map(|(key, record)| (key.clone(), record.clone())));
        }
        for key in &needs.dedupe {
            if let Some(message) = self.dedupe.get(key).and_then(|id| self.messages.get(id)) {
                let first = Received {
                    message_id: message.id,
                    status: message.status,
                    reason: message.reason.clone(),
                    events: message.events.clone(),
                    duplicate: false,
                };
                facts.dedupe.insert(*key, first);
            }
        }
        for key in &needs.idempotency {
            facts.idempotency.extend(self.idempotency.get(key).map(|known| (*key, known.clone())));
        }
        for id in &needs.messages {
            let kept = self.messages.get(id).map(|message| KeptMessage {
                status: message.status,
                source_id: message.raw.source_id,
                received_at: message.raw.received_at,
            });
            facts.messages.extend(kept.map(|kept| (*id, kept)));
        }
        let mut lapsing: Vec<_> = self
            .establishments
            .values()
            .filter(|record| record.established && record.until <= self.now_ms)
            .cloned()
            .collect();
        lapsing.sort_by_key(|record| record.until);
        lapsing.truncate(needs.expire as usize);
        facts.lapsing = lapsing;
        facts
    }

    fn write(&mut self, writes: Writes) {
        for message in writes.messages {
            assert!(self.messages.insert(message.id, message).is_none(), "a message is written once");
        }
        for outcome in writes.outcomes {
            let message = self.messages.get_mut(&outcome.id).unwrap();
            message.status = outcome.status;
            message.reason = outcome.reason;
            message.parsed = outcome.parsed;
            message.plugin_digest = outcome.plugin_digest;
            message.waiting_for = outcome.waiting_for;
            message.events = outcome.events;
            message.metadata = outcome.metadata;
            message.updated_at = outcome.updated_at;
        }
        for (key, message) in writes.dedupe {
            assert!(self.dedupe.insert(key, message).is_none(), "a key is claimed once");
        }
        for (claim, answer) in writes.idempotency {
            let before = self.idempotency.insert(claim.key, (claim.body_hash, answer));
            assert!(before.is_none(), "an idempotency key is claimed once");
        }
        self.events.extend(writes.events);
        self.deliveries.extend(writes.deliveries);
        self.customers.extend(writes.customers.into_iter().map(|customer| (customer.external_id.clone(), customer)));
        for record in writes.establishments {
            let key = (record.customer_id.clone(), record.region);
            let before = self.establishments.insert(key, record.clone());
            assert!(before.is_none_or(|before| before.id == record.id), "an establishment keeps its id");
        }
        self.audit.extend(writes.audit.iter().map(|entry| entry.action.clone()));
    }
}
