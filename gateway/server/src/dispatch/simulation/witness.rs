//! Who sees everything, and says what must not have been.

use super::dice::Dice;
use super::disk::{Disk, Settled};
use super::plan::Plan;
use super::run::secret;
use crate::sink;
use hookwright_core::delivery_options::HeadPolicy;
use hookwright_core::event::Event;
use hookwright_core::id::{DeliveryId, EventId, SubscriptionId};
use hookwright_core::secret::SigningSecret;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

/// Faults that are told of.
const FAULTS_MAX: usize = 20;
/// Lines of the trace that are kept for the report.
const LINES_MAX: usize = 400;
/// How long a secret that was taken away may still be met: what was signed before is on its way.
const SECRET_GRACE_MS: i64 = 5_000;

/// Everything that was seen.
pub(super) struct Witness {
    pub(super) plan: Arc<Plan>,
    pub(super) disk: Arc<Mutex<Disk>>,
    pub(super) ids: Vec<SubscriptionId>,
    pub(super) acknowledged: BTreeSet<EventId>,
    /// What each subscriber took.
    pub(super) accepted: BTreeSet<(usize, EventId)>,
    /// The next thing that publishers and operators do.
    pub(super) next_action: usize,
    /// Whether the gateway ended by itself, and when.
    pub(super) stopped_at: Option<u64>,
    pub(super) dice: Vec<Dice>,
    /// The secrets of each subscription, and when each was taken away.
    pub(super) secrets: Vec<Vec<(SigningSecret, Option<i64>)>>,
    pub(super) attempts: u64,
    pub(super) faults: Vec<String>,
    pub(super) lines: VecDeque<String>,
    bodies: BTreeMap<(usize, EventId), u64>,
    in_flight: Vec<u32>,
    /// When it was asked within the last second.
    arrivals: Vec<VecDeque<i64>>,
    trace: DefaultHasher,
}

impl Witness {
    pub(super) fn new(plan: Arc<Plan>, disk: Arc<Mutex<Disk>>) -> Self {
        let subscriptions: Vec<_> = disk.lock().unwrap().subscriptions.values().cloned().collect();
        let count = subscriptions.len() as u64;
        Self {
            ids: subscriptions.iter().map(|subscription| subscription.id).collect(),
            secrets: (0..subscriptions.len()).map(|index| vec![(secret(index), None)]).collect(),
            dice: (0..count).map(|index| Dice::new(plan.seed, 10 + index)).collect(),
            in_flight: vec![0; subscriptions.len()],
            arrivals: vec![VecDeque::new(); subscriptions.len()],
            plan,
            disk,
            acknowledged: BTreeSet::new(),
            accepted: BTreeSet::new(),
            next_action: 0,
            stopped_at: None,
            attempts: 0,
            faults: Vec::new(),
            lines: VecDeque::new(),
            bodies: BTreeMap::new(),
            trace: DefaultHasher::new(),
        }
    }

    /// Notes what happened.
    pub(super) fn note(&mut self, at_ms: u64, what: impl FnOnce() -> String) {
        let line = format!("{at_ms:>6} {}", what());
        line.hash(&mut self.trace);
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// What stands for all that happened.
    pub(super) fn trace(&self) -> u64 {
        self.trace.finish()
    }

    pub(super) fn fault(&mut self, what: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(what);
        }
    }

    /// A subscriber was asked.
    pub(super) fn arrived(
        &mut self,
        index: usize,
        headers: &[(String, String)],
        body: &[u8],
        now_ms: i64,
    ) -> Option<EventId> {
        self.attempts += 1;
        self.in_flight[index] += 1;
        let live: Vec<SigningSecret> = self.secrets[index]
            .iter()
            .filter(|(_, gone_at)| gone_at.is_none_or(|gone_at| now_ms < gone_at + SECRET_GRACE_MS))
            .map(|(secret, _)| secret.clone())
            .collect();
        if let Err(error) = sink::check(&live, headers, body, now_ms) {
            self.fault(format!("subscriber {index} cannot verify a request: {error}"));
        }
        let id = headers.iter().find(|(name, _)| name == "webhook-id").and_then(|(_, id)| id.parse::<EventId>().ok());
        let envelope: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(id) = id.filter(|id| envelope["id"] == id.to_string()) else {
            self.fault(format!("subscriber {index} was asked under another id than its body has"));
            return None;
        };
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let hash = hasher.finish();
        if *self.bodies.entry((index, id)).or_insert(hash) != hash {
            self.fault(format!("subscriber {index} got {id} with another body than before"));
        }
        let cap = self.plan.subscribers[index].max_in_flight;
        if self.in_flight[index] > cap && self.plan.counts_alike(index) {
            self.fault(format!(
                "subscriber {index} has {} exchanges at once, and {cap} are allowed",
                self.in_flight[index]
            ));
        }
        self.check_rate(index, now_ms);
        self.check_order(index, id);
        Some(id)
    }

    /// An exchange is over, or nobody waits for its answer any more.
    pub(super) fn left(&mut self, index: usize) {
        self.in_flight[index] -= 1;
    }

    /// No second may hold more than the rate and what may begin at once. How long each request took to arrive is not known, so a little more is let pass.
    fn check_rate(&mut self, index: usize, now_ms: i64) {
        let Some(rate) = self.plan.subscribers[index].rate_per_second else { return };
        let arrivals = &mut self.arrivals[index];
        arrivals.push_back(now_ms);
        while arrivals.front().is_some_and(|first| *first <= now_ms - 1_000) {
            arrivals.pop_front();
        }
        let (count, allowed) = (arrivals.len(), rate + rate / 4 + (rate / 10).max(1) + 1);
        if count > allowed as usize && self.plan.counts_alike(index) {
            self.fault(format!("subscriber {index} was asked {count} times within a second, and {rate} are allowed"));
        }
    }

    /// Nothing of the same key may be on its way that comes before.
    fn check_order(&mut self, index: usize, event: EventId) {
        if !self.plan.subscribers[index].ordered {
            return;
        }
        let subscription = self.ids[index];
        let disk = Arc::clone(&self.disk);
        let disk = disk.lock().unwrap();
        let found = disk.events.get(&event).and_then(|event| delivery_of(event, subscription));
        let Some(delivery) = found else { return };
        let Some(order) = disk.pending.get(&delivery).and_then(|pending| pending.order) else { return };
        let head = self.plan.subscribers[index].head;
        let passed_after = if head.policy == HeadPolicy::SkipAfterN { head.attempts } else { u32::MAX };
        let before = disk.pending.range(..delivery).find(|(id, pending)| {
            pending.subscription_id == subscription
                && pending.order == Some(order)
                && !disk.asked.contains_key(*id)
                && !self.accepted.contains(&(index, pending.event_id))
                && pending.attempts < passed_after
        });
        if let Some((first, _)) = before {
            self.fault(format!("subscriber {index} got {delivery} while {first} of the same key was not done"));
        }
    }

    /// What must be true once all is well again and time enough has passed.
    pub(super) fn judge(&mut self, after_ms: u64) {
        let disk = Arc::clone(&self.disk);
        let disk = disk.lock().unwrap();
        for id in self.acknowledged.clone() {
            if !disk.events.contains_key(&id) {
                self.fault(format!("{id} was acknowledged and is lost"));
            }
        }
        for event in disk.events.values() {
            for out in &event.fan_out {
                self.judge_delivery(&disk, event, out.delivery_id, out.subscription_id, after_ms);
            }
        }
    }

    fn judge_delivery(&mut self, disk: &Disk, event: &Event, id: DeliveryId, to: SubscriptionId, after_ms: u64) {
        let Some(index) = self.ids.iter().position(|one| *one == to) else { return };
        let attempts = disk.attempts_of(id).count();
        let budgets = 1 + disk.asked.get(&id).copied().unwrap_or(0);
        let allowed = budgets * (self.plan.subscribers[index].max_retries + 1);
        if attempts > allowed as usize {
            self.fault(format!("{id} was tried {attempts} times, and {allowed} are allowed"));
        }
        let Some(settled) = disk.settled.get(&id) else {
            let state = disk.pending.get(&id).map(|one| format!("attempts {}, due {}", one.attempts, one.due_at));
            let state = state.unwrap_or_else(|| "gone".to_owned());
            return self
                .fault(format!("{id} to subscriber {index} has not ended {after_ms} ms after all was well: {state}"));
        };
        if settled.delivered && !self.accepted.contains(&(index, event.id)) {
            self.fault(format!("{id} counts as delivered, and subscriber {index} never took {}", event.id));
        }
        if disk.successes.contains(&id) && !settled.delivered {
            self.fault(format!("{id} was delivered, and now counts as failed"));
        }
        self.judge_failure(id, index, settled, attempts, budgets);
    }

    fn judge_failure(&mut self, id: DeliveryId, index: usize, settled: &Settled, attempts: usize, budgets: u32) {
        if settled.delivered {
            return;
        }
        let reason = settled.reason.as_deref().unwrap_or_default();
        let subscriber = &self.plan.subscribers[index];
        let dead_letters = subscriber.ordered && subscriber.head.policy == HeadPolicy::DeadLetter;
        let foreseen = match reason {
            "retries_exhausted" | "gone" => true,
            "expired" => subscriber.max_age_secs.is_some(),
            "dead_letter" => dead_letters,
            _ => false,
        };
        if !foreseen {
            self.fault(format!("{id} failed for {reason}, which the scenario knows nothing of"));
        }
        let budget = self.plan.subscribers[index].max_retries + 1;
        if reason == "retries_exhausted" && budgets == 1 && attempts < budget as usize {
            self.fault(format!("{id} was given up after {attempts} attempts of {budget}"));
        }
    }
}

/// The delivery of an event to a subscription.
pub(super) fn delivery_of(event: &Event, subscription: SubscriptionId) -> Option<DeliveryId> {
    event.fan_out.iter().find(|out| out.subscription_id == subscription).map(|out| out.delivery_id)
}
