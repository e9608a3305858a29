//! One seed, from its start until everything has come to an end.

use super::dice::Dice;
use super::disk::Disk;
use super::model::ModelStore;
use super::plan::{Chaos, Plan};
use super::witness::Witness;
use super::{gateway, subscriber};
use crate::chance::seeded;
use crate::config::Loaded;
use crate::config::raw::Raw;
use crate::plugins::{Plugins, PluginsParts};
use hookwright_core::delivery::Finish;
use hookwright_core::delivery_options::{DeliveryOptions, Ordering};
use hookwright_core::id::{IdMaker, SecretId, SubscriptionId, first_at_ms};
use hookwright_core::intake::Policy;
use hookwright_core::retry::RetryPolicy;
use hookwright_core::secret::{LiveSecret, SigningSecret};
use hookwright_core::subscription::Subscription;
use hookwright_plugin_host::{HostConfig, PluginHost};
use hookwright_store::{Ids, ManualClock};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use turmoil::Sim;

/// When every simulation begins: 2026-01-04T22:30:00Z.
pub(super) const START_MS: i64 = 1_767_565_800_000;
/// One step of simulated time.
const TICK: Duration = Duration::from_millis(5);
/// How long after all is well everything must have come to an end.
const DRAIN_MS: u64 = 240_000;
/// How long it is watched after that.
const AFTER_MS: u64 = 2_000;

/// Simulated milliseconds since the start, as seen from a host.
pub(super) fn elapsed_ms() -> u64 {
    turmoil::sim_elapsed().map_or(0, whole_ms)
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What came of a seed.
pub(super) struct Outcome {
    pub(super) faults: Vec<String>,
    pub(super) trace: u64,
    pub(super) attempts: u64,
    pub(super) simulated_ms: u64,
    pub(super) lines: Vec<String>,
}

/// Runs a plan.
pub(super) fn run(plan: Plan) -> Outcome {
    seeded::seed(Some(plan.seed));
    let plan = Arc::new(plan);
    let disk = Arc::new(Mutex::new(disk(&plan)));
    let witness = Arc::new(Mutex::new(Witness::new(Arc::clone(&plan), Arc::clone(&disk))));
    let mut sim = network(&plan);
    for index in 0..plan.subscribers.len() {
        let witness = Arc::clone(&witness);
        sim.host(host(index), move || subscriber::serve(index, Arc::clone(&witness)));
    }
    let lives = Rc::new(Cell::new(0));
    let seen = Arc::clone(&witness);
    sim.host("gateway", move || {
        lives.set(lives.get() + 1);
        gateway::live(Arc::clone(&seen), plugins(), lives.get())
    });
    let simulated_ms = Course::new(&mut sim, &plan, &disk, &witness).go();
    drop(sim);
    seeded::seed(None);
    let mut witness = witness.lock().unwrap();
    witness.judge(simulated_ms.saturating_sub(plan.well_at));
    Outcome {
        faults: std::mem::take(&mut witness.faults),
        trace: witness.trace(),
        attempts: witness.attempts,
        simulated_ms,
        lines: witness.lines.drain(..).collect(),
    }
}

/// The name of a subscriber's host.
fn host(index: usize) -> String {
    format!("subscriber-{index}")
}

fn network<'a>(plan: &Plan) -> Sim<'a> {
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let loss = plan.loss as f64 / 1_000.0;
    turmoil::Builder::new()
        .rng_seed(plan.seed)
        .tick_duration(TICK)
        .simulation_duration(Duration::from_hours(1))
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(plan.latency_ms))
        .fail_rate(loss)
        .repair_rate(0.5)
        .tcp_capacity(256)
        .build()
}

/// The secret that a subscriber begins with.
pub(super) fn secret(index: usize) -> SigningSecret {
    SigningSecret::generate([u8::try_from(index).unwrap_or(0); 32])
}

fn secret_id(number: i64) -> SecretId {
    SecretId::from_i64(number).unwrap()
}

/// What is on disk before the first start: the subscriptions.
fn disk(plan: &Plan) -> Disk {
    let mut disk = Disk { bug: plan.bug, ..Disk::default() };
    for (index, subscriber) in plan.subscribers.iter().enumerate() {
        let number = i64::try_from(index).unwrap_or(0) + 1;
        let Ok(id) = SubscriptionId::from_i64(first_at_ms(START_MS) + number) else { continue };
        let ordering = if subscriber.ordered { Ordering::Key } else { Ordering::None };
        let subscription = Subscription {
            id,
            url: format!("http://{}/hooks", host(index)),
            secrets: vec![LiveSecret::lasting(secret_id(number), secret(index), START_MS)],
            events: vec![if subscriber.wants_all { "*" } else { "order.placed" }.parse().unwrap()],
            active: true,
            retry_policy: RetryPolicy::Exponential,
            max_retries: subscriber.max_retries,
            name: host(index),
            description: None,
            created_by: "local".to_owned(),
            transform: None,
            headers: Vec::new(),
            timeout_ms: subscriber.timeout_ms,
            max_in_flight: subscriber.max_in_flight,
            options: DeliveryOptions {
                ordering,
                head_of_line: subscriber.head,
                rate_per_second: subscriber.rate_per_second,
                max_age_secs: subscriber.max_age_secs,
                ..DeliveryOptions::default()
            },
            created_at: START_MS,
            updated_at: START_MS,
            disabled_reason: None,
            version: 1,
        };
        disk.greatest = id.get();
        disk.subscriptions.insert(id, Arc::new(subscription));
    }
    disk
}

/// The plugins, of which there are none; one registry does for all seeds.
fn plugins() -> Arc<Plugins> {
    static NONE: OnceLock<Arc<Plugins>> = OnceLock::new();
    Arc::clone(NONE.get_or_init(|| {
        let clock = Arc::new(ManualClock::at(START_MS));
        let ids = Ids::new(IdMaker::new(1).unwrap(), Arc::clone(&clock) as Arc<_>);
        let parts = PluginsParts {
            host: PluginHost::start(HostConfig { threads: std::num::NonZeroUsize::new(1), ..HostConfig::default() })
                .unwrap(),
            store: Arc::new(ModelStore::open(Arc::default(), ids, Policy::default(), 1, None)),
            clock,
            config: Loaded::check(Raw::default()).unwrap().config.plugins,
            strict_event_types: false,
        };
        // From within a simulated host, whose own runtime cannot wait for another.
        let started = std::thread::spawn(|| {
            tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(Plugins::start(parts))
        });
        started.join().unwrap().unwrap()
    }))
}

/// The course of one simulation.
struct Course<'a, 'b> {
    sim: &'a mut Sim<'b>,
    plan: &'a Plan,
    disk: &'a Mutex<Disk>,
    witness: &'a Mutex<Witness>,
    dice: Dice,
    next_chaos: usize,
    up: bool,
    /// What a dead process was writing, and when it is written after all.
    late: Vec<(u64, Finish)>,
    parted: BTreeSet<usize>,
    well: bool,
}

impl<'a, 'b> Course<'a, 'b> {
    fn new(sim: &'a mut Sim<'b>, plan: &'a Plan, disk: &'a Mutex<Disk>, witness: &'a Mutex<Witness>) -> Self {
        let dice = Dice::new(plan.seed, 2);
        Self {
            sim,
            plan,
            disk,
            witness,
            dice,
            next_chaos: 0,
            up: true,
            late: Vec::new(),
            parted: BTreeSet::new(),
            well: false,
        }
    }

    /// Steps until everything has come to an end, and a little longer; until patience ends at the latest. Returns the simulated time.
    fn go(mut self) -> u64 {
        let mut drained_at = None;
        loop {
            let at = whole_ms(self.sim.elapsed());
            self.chaos(at);
            self.write_late(at);
            if let Err(error) = self.sim.step() {
                self.witness.lock().unwrap().fault(format!("the simulation broke: {error}"));
                return at;
            }
            if at >= self.plan.well_at {
                self.make_well();
            }
            let done = at > self.plan.well_at + 9_000 && self.is_drained();
            match drained_at {
                _ if at > self.plan.well_at + DRAIN_MS => return at,
                Some(since) if at > since + AFTER_MS && done => return at,
                None if done => drained_at = Some(at),
                Some(_) if !done => drained_at = None,
                _ => {}
            }
        }
    }

    fn is_drained(&self) -> bool {
        let acted = self.witness.lock().unwrap().next_action >= self.plan.actions.len();
        acted && self.late.is_empty() && self.disk.lock().unwrap().pending.is_empty()
    }

    fn chaos(&mut self, at: u64) {
        while let Some((_, chaos)) = self.plan.chaos.get(self.next_chaos).filter(|(due, _)| *due <= at) {
            self.next_chaos += 1;
            self.witness.lock().unwrap().note(at, || format!("{chaos:?}"));
            match *chaos {
                Chaos::KillGateway => self.kill(at),
                Chaos::StartGateway => self.start(),
                Chaos::KillSubscriber(index) => self.silence(|sim| sim.crash(host(index))),
                Chaos::StartSubscriber(index) => self.sim.bounce(host(index)),
                Chaos::Part(index) => {
                    self.parted.insert(index);
                    self.sim.partition("gateway", host(index));
                }
                Chaos::Join(index) => {
                    self.parted.remove(&index);
                    self.sim.repair("gateway", host(index));
                }
            }
        }
        let stopped_at = self.witness.lock().unwrap().stopped_at;
        if stopped_at.is_some_and(|stopped_at| at > stopped_at + 300) {
            self.start();
        }
    }

    fn kill(&mut self, at: u64) {
        if !self.up || self.witness.lock().unwrap().stopped_at.is_some() {
            return;
        }
        self.silence(|sim| sim.crash("gateway"));
        self.up = false;
        let writing: Vec<Finish> = std::mem::take(&mut self.disk.lock().unwrap().writing).into_values().collect();
        for finish in writing {
            if self.plan.late_writes && self.dice.percent(85) {
                self.late.push((at + self.dice.below(6_000), finish));
            }
        }
    }

    /// Does something to a host while no link carries anything: in which order a runtime drops its tasks, and they their connections, is not the seed's to say, so a host
    /// that dies says no goodbye, as one whose cable was cut.
    fn silence(&mut self, act: impl FnOnce(&mut Sim<'b>)) {
        let links: Vec<usize> = (0..self.plan.subscribers.len()).filter(|index| !self.parted.contains(index)).collect();
        for index in &links {
            self.sim.partition("gateway", host(*index));
        }
        act(self.sim);
        for index in &links {
            self.sim.repair("gateway", host(*index));
        }
    }

    fn start(&mut self) {
        let stopped = self.witness.lock().unwrap().stopped_at.take().is_some();
        if !self.up || stopped {
            self.sim.bounce("gateway");
            self.up = true;
        }
    }

    fn write_late(&mut self, at: u64) {
        let (due, later) = std::mem::take(&mut self.late).into_iter().partition(|(due, _)| *due <= at);
        self.late = later;
        let due: Vec<(u64, Finish)> = due;
        for (_, finish) in due {
            let mut disk = self.disk.lock().unwrap();
            let finished = disk.finish(&Finish { disable_subscription: None, ..finish.clone() });
            drop(disk);
            let (id, number) = (finish.attempt.delivery_id, finish.attempt.number);
            self.witness
                .lock()
                .unwrap()
                .note(at, || format!("late: {id} attempt {number} {:?} {finished:?}", finish.next));
        }
    }

    fn make_well(&mut self) {
        if std::mem::replace(&mut self.well, true) {
            return;
        }
        self.sim.set_fail_rate(0.0);
        for index in 0..self.plan.subscribers.len() {
            self.sim.repair("gateway", host(index));
        }
        self.start();
    }
}
