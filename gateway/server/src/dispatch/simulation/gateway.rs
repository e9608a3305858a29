//! The gateway as a simulated host: the real dispatcher over the model, and what publishers and operators ask of it.

use super::dice::Dice;
use super::model::{ModelStore, Weather};
use super::plan::{Action, Plan};
use super::run::{START_MS, elapsed_ms};
use super::witness::Witness;
use crate::config::DeliveryConfig;
use crate::dispatch::client::Client;
use crate::dispatch::{DispatchParts, Dispatcher};
use crate::plugins::Plugins;
use hookwright_core::audit::AuditDraft;
use hookwright_core::breaker::BreakerRules;
use hookwright_core::event::EventDraft;
use hookwright_core::id::{DeliveryId, IdMaker};
use hookwright_core::idempotency::Claimed;
use hookwright_core::intake::{Answer, Policy, Publication, Publish, Published, PublishedEvent, Work};
use hookwright_core::retry::Schedule;
use hookwright_core::secret::{LiveSecret, SigningSecret, rotated};
use hookwright_core::subscription::Subscription;
use hookwright_store::{Catalog, Change, Clock, Ids, Intake, Outbox, RetryAsked, Store};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a secret stays beside the one that takes its place.
const OVERLAP_MS: i64 = 2_000;
/// How often somebody asks who hears of nothing but failure.
const ASKS_MAX: u32 = 1_000;

/// The clock of the simulation.
pub(super) struct SimulatedClock;

impl Clock for SimulatedClock {
    fn now_ms(&self) -> i64 {
        START_MS + i64::try_from(elapsed_ms()).unwrap_or(i64::MAX)
    }
}

/// One life of the gateway.
struct Gateway {
    witness: Arc<Mutex<Witness>>,
    store: Arc<ModelStore>,
    dispatcher: Dispatcher,
}

/// Lives until it is told to stop, or the host dies. `life` tells its lives apart.
pub(super) async fn live(witness: Arc<Mutex<Witness>>, plugins: Arc<Plugins>, life: u64) -> turmoil::Result {
    let (plan, disk) = {
        let witness = witness.lock().unwrap();
        (Arc::clone(&witness.plan), Arc::clone(&witness.disk))
    };
    let clock: Arc<dyn Clock> = Arc::new(SimulatedClock);
    let ids = Ids::new(IdMaker::new(0).ok_or("a node's number")?, Arc::clone(&clock));
    let weather = Weather {
        dice: Dice::new(plan.seed, 100 + life),
        slow_ms: plan.slow_ms,
        failing: plan.failing,
        ambiguous: plan.late_writes,
        until: START_MS + i64::try_from(plan.well_at)?,
    };
    let store = ModelStore::open(disk, ids.clone(), Policy::default(), plan.held_max, Some(weather));
    let store = Arc::new(store);
    let parts = DispatchParts {
        store: Arc::clone(&store) as Arc<dyn Store>,
        ids,
        clock,
        config: config(&plan)?,
        egress_allow: vec!["192.168.0.0/16".parse()?],
        plugins,
        noticed: Arc::default(),
    };
    let client = Client::simulated(parts.client());
    let (dispatcher, dispatching) = Dispatcher::start_with(parts, client);
    let gateway = Gateway { witness, store, dispatcher };
    let stopping = gateway.follow_the_plan().await;
    let Some(deadline) = stopping else { return std::future::pending().await };
    let given_up = gateway.dispatcher.drain(Duration::from_millis(deadline)).await;
    dispatching.await?;
    let at_ms = elapsed_ms();
    let mut witness = gateway.witness.lock().unwrap();
    witness.note(at_ms, || format!("the gateway stopped and gave up {given_up}"));
    witness.stopped_at = Some(at_ms);
    Ok(())
}

fn config(plan: &Plan) -> Result<DeliveryConfig, Box<dyn std::error::Error>> {
    let mut config = crate::config::Loaded::check(crate::config::raw::Raw::default())?.config.delivery;
    config.schedule = Schedule::try_new([300, 700, 1_500, 3_000].map(Duration::from_millis).to_vec())?;
    config.in_flight_max = plan.in_flight_max;
    config.breaker = BreakerRules { window_ms: 4_000, attempts_min: 5, failure_percent: 60, pause_ms: plan.parked_ms };
    config.disable_after = plan.disable_after_ms.map(Duration::from_millis);
    config.connect_timeout = Duration::from_secs(1);
    Ok(config)
}

impl Gateway {
    /// Does what there is to do, from where the last life left off. Returns when it is told to stop: with the deadline.
    async fn follow_the_plan(&self) -> Option<u64> {
        loop {
            let next = {
                let witness = self.witness.lock().unwrap();
                witness.plan.actions.get(witness.next_action).copied()
            };
            let (at, action) = next?;
            tokio::time::sleep(Duration::from_millis(at.saturating_sub(elapsed_ms()))).await;
            {
                let mut witness = self.witness.lock().unwrap();
                witness.next_action += 1;
                witness.note(elapsed_ms(), || format!("{action:?}"));
            }
            match action {
                Action::Publish { paid, key } => self.publish(paid, key).await,
                Action::Pause(index) => self.change(index, |one| one.active = false).await,
                Action::Resume(index) => self.change(index, |one| one.active = true).await,
                Action::Resize(index, size) => self.change(index, |one| one.max_in_flight = size).await,
                Action::Rotate(index) => self.rotate(index).await,
                Action::Retry(which) => self.retry(which).await,
                Action::Stop(deadline) => return Some(deadline),
            }
        }
    }

    async fn publish(&self, paid: bool, key: Option<u64>) {
        let event_type = if paid { "order.paid" } else { "order.placed" };
        let number = self.witness.lock().unwrap().next_action;
        let draft = EventDraft {
            event_type: event_type.parse().unwrap(),
            data: format!(r#"{{"number":{number}}}"#).into(),
            ordering_key: key.map(|key| format!("key {key}").into()),
        };
        let work = Work::Publish(Box::new(Publish {
            events: vec![Publication { draft, customer: None, claim: None, only: None }],
            as_list: false,
            claim: None,
            origin: "local".to_owned(),
            request_id: None,
        }));
        if let Ok(Answer::Published(Published::Whole(Claimed::Fresh(answer)))) = self.store.submit(work).await {
            let published: PublishedEvent = serde_json::from_slice(&answer.body).unwrap();
            self.witness.lock().unwrap().acknowledged.insert(published.id);
        }
    }

    async fn change(&self, index: usize, change: impl FnOnce(&mut Subscription)) {
        let id = self.witness.lock().unwrap().ids[index];
        let Some(old) = self.store.subscriptions().iter().find(|one| one.id == id).cloned() else { return };
        let mut new = Subscription::clone(&old);
        change(&mut new);
        if new.active {
            new.disabled_reason = None;
        }
        // Who edits what has changed meanwhile, or meets a store that fails, has done nothing.
        drop(self.store.update_subscription(new, old.version, noted("subscription.updated")).await);
        self.dispatcher.subscription_changed(id);
    }

    /// A new secret, with the one before it for a while.
    async fn rotate(&self, index: usize) {
        let now_ms = self.store.now_ms();
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&now_ms.to_be_bytes());
        let secret = SigningSecret::generate(bytes);
        self.witness.lock().unwrap().secrets[index].insert(0, (secret.clone(), None));
        let new = LiveSecret::lasting(self.store.ids.next(), secret, now_ms);
        self.change(index, |one| {
            // Where too many live already, the operator waits.
            if let Ok(secrets) = rotated(&one.secrets, new, OVERLAP_MS) {
                one.secrets = secrets;
            }
        })
        .await;
        let now_ms = self.store.now_ms();
        let mut witness = self.witness.lock().unwrap();
        let id = witness.ids[index];
        let disk = Arc::clone(&witness.disk);
        let kept = disk.lock().unwrap().subscriptions[&id].secrets.clone();
        for (secret, gone_at) in &mut witness.secrets[index] {
            *gone_at = match kept.iter().find(|one| one.key.reveal().as_str() == secret.reveal().as_str()) {
                Some(kept) => kept.expires_at,
                None => gone_at.or(Some(now_ms)),
            };
        }
    }

    async fn retry(&self, which: u64) {
        let failed: Vec<DeliveryId> =
            self.store.disk().settled.iter().filter(|(_, one)| !one.delivered).map(|(id, _)| *id).collect();
        let Some(id) = failed.get(usize::try_from(which).unwrap_or(0) % failed.len().max(1)) else { return };
        // Who is told that it failed does not know whether it took place, and asks again.
        for _ in 0..ASKS_MAX {
            match self.store.retry(*id, noted("delivery.retried")).await {
                Ok(Claimed::Fresh(RetryAsked::Pending(pending))) => return self.dispatcher.offer(pending),
                Ok(_) => return,
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

fn noted(action: &str) -> Change {
    let audit = AuditDraft {
        at: 0,
        actor: "local".to_owned(),
        action: action.to_owned(),
        target: String::new(),
        reason: None,
        request_id: None,
        detail: String::new(),
    };
    Change { audit, claim: None }
}
