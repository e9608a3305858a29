//! What is done to the nodes and the database, one fault after the other, while nodes are killed all the time.

use super::ledger::Ledger;
use super::load::Load;
use super::session::Session;
use super::verdict::Verdict;
use crate::cluster::node::{Node, name};
use crate::cluster::passage::State;
use hookwright_test_postgres::{Cluster, Mode};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// A node's lease, and what it may take besides until its work goes on elsewhere.
const TAKE_OVER_MAX: Duration = Duration::from_secs(12);
/// What is granted to a machine that runs other tests beside this one.
const BUSY: Duration = Duration::from_secs(4);
/// How long a stopped or dead node is waited for at most before it goes on.
const STOP_MAX: Duration = Duration::from_secs(20);
const CUT: Duration = Duration::from_secs(10);
/// Longer than a lease: when the database goes on, everybody's is over.
const HANG: Duration = Duration::from_secs(12);
/// A node that was out of reach or stood still has work again so soon after it is back.
const BACK_MAX: Duration = Duration::from_secs(20);
const CLOCK_OFF_MS: i64 = 5 * 60 * 1000;
/// Nothing is turned away for longer in the first round, whose longest fault takes twelve seconds.
const INTAKE_MAX: Duration = Duration::from_secs(30);
/// No node is spared from being killed.
const NOBODY: usize = usize::MAX;

/// Rows that a transaction changes and does not let go of.
const HELD: [&str; 5] = [
    "UPDATE pending SET due_at = due_at WHERE id = (SELECT min(id) FROM pending)",
    "UPDATE shard SET epoch = epoch WHERE id = (SELECT id FROM shard ORDER BY random() LIMIT 1)",
    "UPDATE audit_end SET id = id",
    "UPDATE subscription SET updated_at = updated_at WHERE id = (SELECT min(id) FROM subscription)",
    "UPDATE customer SET updated_at = updated_at WHERE external_id = (SELECT max(external_id) FROM customer)",
];

/// What is on stage.
pub(super) struct Stage {
    pub(super) cluster: Cluster,
    pub(super) url: String,
    pub(super) nodes: Arc<Vec<Node>>,
    pub(super) ledger: Arc<Ledger>,
    /// The node that is in trouble already.
    spared: AtomicUsize,
    /// Nobody is killed.
    calm: AtomicBool,
    over: AtomicBool,
    kills: AtomicU32,
}

impl Stage {
    pub(super) fn new(cluster: Cluster, url: String, nodes: Arc<Vec<Node>>, ledger: Arc<Ledger>) -> Self {
        let (spared, kills) = (AtomicUsize::new(NOBODY), AtomicU32::new(0));
        Self { cluster, url, nodes, ledger, spared, calm: false.into(), over: false.into(), kills }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    ClockAhead,
    ClockBehind,
    RestartFast,
    RestartImmediate,
    HeldRow,
    Stopped,
    CutOff,
    Severed,
    LeftDead,
    Hung,
    AllDead,
}

/// Of every round, and of those after the first.
const EVERY: [Fault; 7] = [
    Fault::ClockAhead,
    Fault::RestartFast,
    Fault::HeldRow,
    Fault::ClockBehind,
    Fault::RestartImmediate,
    Fault::Stopped,
    Fault::CutOff,
];
const LATER: [Fault; 4] = [Fault::Severed, Fault::LeftDead, Fault::Hung, Fault::AllDead];

/// How long the work of a node that was gone lay still.
struct TakeOver {
    what: Fault,
    /// Subscribers that had nothing new a second later: the node's own, most likely.
    waited: usize,
    /// `None` if it did not go on before the node was back.
    took: Option<Duration>,
    /// Whether the others were left alone meanwhile.
    calm: bool,
}

/// What was done.
#[derive(Default)]
pub(super) struct Report {
    lasted: Duration,
    kills: u32,
    failed_starts: u32,
    rounds: u32,
    take_overs: Vec<TakeOver>,
}

/// The faults of one run.
pub(super) struct Faults {
    stage: Arc<Stage>,
    random: StdRng,
    seed: u64,
    began: Instant,
    report: Report,
}

impl Faults {
    pub(super) fn new(stage: Arc<Stage>, seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        Self { stage, random, seed, began: Instant::now(), report: Report::default() }
    }

    /// Rounds of faults until the time is over, at least one; then everything is healed.
    pub(super) async fn run(mut self, at_least: Duration) -> Report {
        let killing = tokio::spawn(kill_all_the_time(Arc::clone(&self.stage), self.seed));
        while self.report.rounds == 0 || self.began.elapsed() < at_least {
            self.report.rounds += 1;
            self.round().await;
        }
        self.stage.over.store(true, Ordering::Relaxed);
        killing.await.unwrap();
        for node in self.stage.nodes.iter() {
            node.set_clock(0).await;
        }
        self.report.lasted = self.began.elapsed();
        self.report.kills = self.stage.kills.load(Ordering::Relaxed);
        let failed = self.stage.nodes.iter().map(|node| node.failed_starts.load(Ordering::Relaxed));
        self.report.failed_starts = failed.sum();
        self.report
    }

    async fn round(&mut self) {
        let mut faults = EVERY.to_vec();
        if self.report.rounds > 1 {
            faults.extend(LATER);
        }
        if let Ok(only) = std::env::var("CHAOS_ONLY") {
            faults = EVERY.into_iter().chain(LATER).filter(|fault| format!("{fault:?}") == only).collect();
            assert!(!faults.is_empty(), "CHAOS_ONLY={only} is none of {EVERY:?} and {LATER:?}");
        }
        faults.shuffle(&mut self.random);
        self.forget_tomorrow();
        let mut snapshot = None;
        for fault in faults {
            if snapshot.is_none() {
                let sql = "SELECT count(*) FROM event";
                snapshot = Session::hold(&self.stage.cluster, &self.stage.url, sql).await;
            }
            println!("{:6.1} s  {fault:?}", self.began.elapsed().as_secs_f64());
            let began = Instant::now();
            self.make(fault).await;
            let (count, gap) = self.stage.ledger.acknowledged_since(began);
            println!("          {count} events acknowledged, none for {:.1} s at most", gap.as_secs_f64());
            if matches!(fault, Fault::RestartFast | Fault::RestartImmediate) {
                snapshot = None;
            }
        }
    }

    /// Takes tomorrow's partitions away, which are empty: nodes that start make them anew, past a transaction that has read their tables, as at midnight.
    fn forget_tomorrow(&self) {
        let newest = "SELECT inhrelid::regclass FROM pg_inherits JOIN pg_class ON pg_class.oid = inhparent
                      WHERE relname = 'event' AND inhrelid::regclass::text <> 'event_default' ORDER BY inhrelid DESC LIMIT 1";
        let newest = self.stage.cluster.execute(&self.stage.url, newest);
        let dropped =
            self.stage.cluster.try_execute(&self.stage.url, &format!("SET lock_timeout = '5s'; DROP TABLE {newest}"));
        println!("          dropping {newest}: {dropped:?}");
    }

    async fn make(&mut self, fault: Fault) {
        let other = self.random.random_range(0..self.stage.nodes.len());
        match fault {
            Fault::ClockAhead => self.clock(CLOCK_OFF_MS).await,
            Fault::ClockBehind => self.clock(-CLOCK_OFF_MS).await,
            Fault::RestartFast => self.restart(Mode::Fast).await,
            Fault::RestartImmediate => self.restart(Mode::Immediate).await,
            Fault::HeldRow => self.held_row().await,
            Fault::Stopped | Fault::LeftDead => self.gone(fault, other).await,
            Fault::CutOff => self.cut(other, State::Silent).await,
            Fault::Severed => self.cut(other, State::Severed).await,
            Fault::Hung => self.hung().await,
            Fault::AllDead => self.all_dead().await,
        }
    }

    async fn clock(&self, ahead_ms: i64) {
        for node in self.stage.nodes.iter().filter(|node| node.settable_clock) {
            node.set_clock(ahead_ms).await;
        }
        sleep(Duration::from_secs(1)).await;
    }

    async fn restart(&self, mode: Mode) {
        let stage = Arc::clone(&self.stage);
        tokio::task::spawn_blocking(move || stage.cluster.restart(mode)).await.unwrap();
        sleep(Duration::from_secs(2)).await;
    }

    /// The database stands still.
    async fn hung(&self) {
        self.stage.cluster.pause();
        sleep(HANG).await;
        self.stage.cluster.resume();
        sleep(Duration::from_secs(2)).await;
    }

    /// As where the power of a house goes, and the database is elsewhere.
    async fn all_dead(&self) {
        for node in self.stage.nodes.iter() {
            node.kill().await;
        }
        for node in self.stage.nodes.iter() {
            node.start().await;
        }
    }

    async fn held_row(&mut self) {
        let sql = HELD.choose(&mut self.random).unwrap();
        println!("          {sql}");
        let held = Session::hold(&self.stage.cluster, &self.stage.url, sql).await;
        sleep(Duration::from_secs(3)).await;
        drop(held);
    }

    /// A node that is stopped until its work went on elsewhere, past its lease at least; or killed, and not started before that.
    async fn gone(&mut self, what: Fault, index: usize) {
        let (stage, calm) = (Arc::clone(&self.stage), !self.report.rounds.is_multiple_of(2));
        let node = &stage.nodes[index];
        stage.spared.store(index, Ordering::Relaxed);
        stage.calm.store(calm, Ordering::Relaxed);
        node.start().await;
        while calm && !stage.nodes.iter().all(Node::is_up) {
            sleep(Duration::from_millis(20)).await;
        }
        if what == Fault::Stopped {
            node.signal("STOP").await;
        } else {
            node.kill().await;
        }
        let gone = Instant::now();
        let (mut waited, mut took) = (0, None);
        while gone.elapsed() < TAKE_OVER_MAX || (took.is_none() && gone.elapsed() < STOP_MAX) {
            sleep(Duration::from_millis(20)).await;
            let waiting = stage.ledger.waiting_since(gone);
            if gone.elapsed() > Duration::from_secs(1) && waited == 0 {
                waited = waiting;
            }
            if waiting == 0 && took.is_none() {
                took = Some(gone.elapsed());
            }
        }
        println!("          node {index}: {waited} subscriptions waited, for {took:?}");
        self.report.take_overs.push(TakeOver { what, waited, took, calm });
        if what == Fault::Stopped {
            node.signal("CONT").await;
        }
        node.start().await;
        stage.calm.store(false, Ordering::Relaxed);
        self.is_back(node).await;
    }

    async fn cut(&self, index: usize, how: State) {
        let node = &self.stage.nodes[index];
        self.stage.spared.store(index, Ordering::Relaxed);
        node.start().await;
        node.passage.set(how);
        sleep(CUT).await;
        node.passage.set(State::Open);
        self.is_back(node).await;
    }

    /// Waits until a node that was in trouble owns shards again, while the others go on being killed; then it is spared no longer.
    async fn is_back(&self, node: &Node) {
        let owns = format!(
            "SELECT count(*) FROM shard JOIN node ON node.id = node_id WHERE name = '{}' AND lease_until > now_ms()",
            name(node.index)
        );
        let began = Instant::now();
        while self.stage.cluster.execute(&self.stage.url, &owns) == "0" {
            if began.elapsed() > BACK_MAX {
                self.stage.ledger.wrong(format!("node {} has no work {BACK_MAX:?} after it was back", node.index));
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
        self.stage.spared.store(NOBODY, Ordering::Relaxed);
    }
}

/// Every second one of the nodes that run and are in no other trouble is killed, and started again at once.
async fn kill_all_the_time(stage: Arc<Stage>, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed.wrapping_add(1));
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    let mut starting = JoinSet::new();
    while !stage.over.load(Ordering::Relaxed) {
        tick.tick().await;
        while starting.try_join_next().is_some_and(|started: Result<(), _>| started.is_ok()) {}
        for node in stage.nodes.iter() {
            if let Some(code) = node.ended_by_itself() {
                stage.ledger.wrong(format!("node {} ended by itself with {code}", node.index));
                node.start().await;
            }
        }
        let spared = stage.spared.load(Ordering::Relaxed);
        let up: Vec<&Node> = stage.nodes.iter().filter(|node| node.index != spared && node.is_up()).collect();
        let Some(index) = up.choose(&mut random).map(|node| node.index) else { continue };
        if stage.calm.load(Ordering::Relaxed) {
            continue;
        }
        stage.nodes[index].kill().await;
        stage.kills.fetch_add(1, Ordering::Relaxed);
        let nodes = Arc::clone(&stage.nodes);
        starting.spawn(async move { nodes[index].start().await });
    }
    while let Some(started) = starting.join_next().await {
        started.unwrap();
    }
}

impl Report {
    /// Tells everything in a few lines.
    pub(super) fn print(&self, load: &Load, verdict: &Verdict) {
        let totals = load.ledger.totals();
        let (posts, repeated) = (load.posts.load(Ordering::Relaxed), load.repeated.load(Ordering::Relaxed));
        println!(
            "{:.0} s, {} rounds: {} kills, {} starts that failed (the database was down or out of reach)",
            self.lasted.as_secs_f64(),
            self.rounds,
            self.kills,
            self.failed_starts
        );
        println!(
            "way in: {} events and {} consultations acknowledged, {posts} posts, {repeated} of them in vain, {} answers told of an earlier commit; longest from first post to acknowledgement {:.1} s",
            totals.published,
            totals.calls,
            load.replayed.load(Ordering::Relaxed),
            load.longest.lock().unwrap().as_secs_f64()
        );
        #[expect(clippy::cast_precision_loss, reason = "counts of a test")]
        let rate = 100.0 * totals.repeats as f64 / (totals.accepted as f64).max(1.0);
        let quantile = |share: usize| totals.latencies.get(totals.latencies.len() * share / 1000).copied();
        println!(
            "way out: {} deliveries answered with 200, {} of them repeats ({rate:.2} %); first one after its acknowledgement: p50 {:?}, p99 {:?}, longest {:?}",
            totals.accepted,
            totals.repeats,
            quantile(500).unwrap_or_default(),
            quantile(990).unwrap_or_default(),
            totals.latencies.last().copied().unwrap_or_default(),
        );
        for TakeOver { what, waited, took, calm } in &self.take_overs {
            let beside = if *calm { "" } else { ", the others being killed" };
            println!("take-over ({what:?}{beside}): {waited} subscriptions waited, {took:?}");
        }
        println!("drained {:.1} s after the last fault", verdict.drained.as_secs_f64());
    }

    /// A take-over takes a lease and two seconds at most, if the others are well; and the way in is open again soon after each fault.
    pub(super) fn assert(&self, load: &Load) {
        let longest = *load.longest.lock().unwrap();
        assert!(self.rounds > 1 || longest < INTAKE_MAX, "a post was not acknowledged for {longest:?}");
        for TakeOver { what, took, .. } in self.take_overs.iter().filter(|take_over| take_over.calm) {
            assert!(took.is_some_and(|took| took <= TAKE_OVER_MAX + BUSY), "take-over ({what:?}): {took:?}");
        }
    }
}
