//! What a seed decides: who subscribes and how they behave, what is published, what breaks when, and what operators do.

use super::dice::Dice;
use hookwright_core::delivery_options::{HeadOfLine, HeadPolicy};

/// A mistake that is planted to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    /// A delivery is settled when it is handed out.
    DeleteBeforeSend,
    /// Whatever is told of an attempt is believed, whichever attempt it was.
    NoFence,
    /// What keeps an order is handed out as if it kept none.
    OrderForgotten,
    /// An attempt that failed leaves the budget as it was.
    BudgetNotCounted,
}

/// How a subscriber answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Temper {
    Well,
    Slow,
    Failing(u16),
    /// 429 or 503, and for how many seconds it asks to be left in peace.
    Busy(u16, Option<u64>),
    Gone,
    Resetting,
    Hanging,
}

impl Temper {
    /// Whether it ends every exchange with a whole answer, in time.
    pub(super) const fn answers(self) -> bool {
        !matches!(self, Self::Resetting | Self::Hanging)
    }
}

/// One subscriber and its subscription.
#[derive(Clone, Debug)]
pub(super) struct SubscriberPlan {
    pub(super) max_in_flight: u32,
    pub(super) max_retries: u32,
    pub(super) timeout_ms: u32,
    pub(super) ordered: bool,
    /// What becomes of those behind one that fails.
    pub(super) head: HeadOfLine,
    pub(super) rate_per_second: Option<u32>,
    pub(super) max_age_secs: Option<u64>,
    pub(super) wants_all: bool,
    /// How it answers from which moment on, in milliseconds after the start.
    pub(super) tempers: Vec<(u64, Temper)>,
}

impl SubscriberPlan {
    /// How it answers at this moment.
    pub(super) fn temper(&self, at: u64) -> Temper {
        self.tempers.iter().rev().find(|(from, _)| *from <= at).map_or(Temper::Well, |(_, temper)| *temper)
    }
}

/// What publishers and operators do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    /// Publish an event of one of two types, with a key of few, or none.
    Publish {
        paid: bool,
        key: Option<u64>,
    },
    Pause(usize),
    Resume(usize),
    Rotate(usize),
    Resize(usize, u32),
    /// Try one of the failed deliveries again: which, by chance.
    Retry(u64),
    /// Stop in good order, within so many milliseconds.
    Stop(u64),
}

/// What happens to hosts and links.
#[derive(Clone, Copy, Debug)]
pub(super) enum Chaos {
    KillGateway,
    StartGateway,
    KillSubscriber(usize),
    StartSubscriber(usize),
    Part(usize),
    Join(usize),
}

/// Everything that a seed decides.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) bug: Option<Bug>,
    pub(super) subscribers: Vec<SubscriberPlan>,
    /// In order of time, in milliseconds after the start.
    pub(super) actions: Vec<(u64, Action)>,
    /// Likewise.
    pub(super) chaos: Vec<(u64, Chaos)>,
    /// From then on nothing fails any more.
    pub(super) well_at: u64,
    /// Messages of a thousand after which a link breaks.
    pub(super) loss: u64,
    pub(super) latency_ms: u64,
    pub(super) slow_ms: u64,
    pub(super) failing: u64,
    /// What a dead process was writing may be written later, as by an owner that does not know yet that it is none.
    pub(super) late_writes: bool,
    pub(super) held_max: usize,
    pub(super) in_flight_max: usize,
    /// How long a breaker parks at first.
    pub(super) parked_ms: i64,
    /// How long a subscriber may do nothing but fail.
    pub(super) disable_after_ms: Option<u64>,
}

/// How long faults go on.
const FAULTS_MS: (u64, u64) = (6_000, 14_000);

impl Plan {
    /// The plan of a seed.
    pub(super) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed, 1);
        let well_at = dice.between(FAULTS_MS.0, FAULTS_MS.1);
        let count = dice.between(2, 5);
        let subscribers: Vec<_> = (0..count).map(|_| subscriber(&mut dice, well_at)).collect();
        let mut plan = Self {
            seed,
            bug: None,
            actions: actions(&mut dice, subscribers.len(), well_at),
            chaos: Vec::new(),
            well_at,
            loss: if dice.percent(40) { 0 } else { dice.between(1, 30) },
            latency_ms: dice.between(2, 40),
            slow_ms: dice.between(0, 60),
            failing: if dice.percent(50) { 0 } else { dice.between(1, 25) },
            late_writes: dice.percent(70),
            held_max: usize::try_from(dice.between(4, 64)).unwrap_or(64),
            in_flight_max: usize::try_from(dice.between(3, 16)).unwrap_or(16),
            parked_ms: i64::try_from(dice.between(200, 2_000)).unwrap_or(1_000),
            disable_after_ms: dice.percent(30).then(|| dice.between(2_000, 8_000)),
            subscribers,
        };
        plan.chaos = chaos(&mut dice, &plan);
        plan
    }

    /// The same with a mistake planted. Where it takes an owner that does not know yet that it is none, there is one.
    pub(super) fn with(self, bug: Bug) -> Self {
        let plan = Self { bug: Some(bug), ..self };
        if bug == Bug::NoFence { Self { late_writes: true, slow_ms: 200, ..plan } } else { plan }
    }

    /// Whether a subscriber hears of the end of every exchange as soon as the gateway does: then what it counts is what the gateway counts.
    pub(super) fn counts_alike(&self, index: usize) -> bool {
        let gateway_lives = !self.chaos.iter().any(|(_, chaos)| matches!(chaos, Chaos::KillGateway));
        let stays = !self.actions.iter().any(|(_, action)| matches!(action, Action::Stop(_)));
        let reached = !self
            .chaos
            .iter()
            .any(|(_, chaos)| matches!(chaos, Chaos::Part(other) | Chaos::KillSubscriber(other) if *other == index));
        let answers = self.subscribers[index].tempers.iter().all(|(_, temper)| temper.answers());
        let fixed = !self.actions.iter().any(|(_, action)| matches!(action, Action::Resize(..)));
        gateway_lives && stays && reached && answers && fixed && self.loss == 0
    }
}

fn subscriber(dice: &mut Dice, well_at: u64) -> SubscriberPlan {
    let mut tempers = Vec::new();
    let mut at = dice.below(2_000);
    while at < well_at {
        tempers.push((at, temper(dice)));
        at += dice.between(400, 4_000);
    }
    tempers.push((well_at, Temper::Well));
    SubscriberPlan {
        max_in_flight: u32::try_from(dice.between(1, 4)).unwrap_or(1),
        max_retries: u32::try_from(dice.between(0, 6)).unwrap_or(0),
        timeout_ms: u32::try_from(dice.between(800, 2_500)).unwrap_or(1_000),
        ordered: dice.percent(40),
        head: head(dice),
        rate_per_second: dice.percent(30).then(|| u32::try_from(dice.between(2, 25)).unwrap_or(2)),
        max_age_secs: dice.percent(10).then(|| dice.between(2, 8)),
        wants_all: dice.percent(70),
        tempers,
    }
}

fn head(dice: &mut Dice) -> HeadOfLine {
    let policy = match dice.below(4) {
        0 => HeadPolicy::SkipAfterN,
        1 => HeadPolicy::DeadLetter,
        _ => HeadPolicy::Block,
    };
    HeadOfLine { policy, attempts: u32::try_from(dice.between(1, 3)).unwrap_or(1) }
}

fn temper(dice: &mut Dice) -> Temper {
    match dice.below(100) {
        0..35 => Temper::Well,
        35..50 => Temper::Slow,
        50..68 => Temper::Failing([500, 502, 404, 302][usize::try_from(dice.below(4)).unwrap_or(0)]),
        68..80 => {
            let status = if dice.percent(50) { 429 } else { 503 };
            Temper::Busy(status, dice.percent(50).then(|| dice.between(1, 3)))
        }
        80..83 => Temper::Gone,
        83..92 => Temper::Resetting,
        _ => Temper::Hanging,
    }
}

fn actions(dice: &mut Dice, subscribers: usize, well_at: u64) -> Vec<(u64, Action)> {
    let mut actions = Vec::new();
    for _ in 0..dice.between(10, 40) {
        let key = dice.percent(60).then(|| dice.below(3));
        // Some come in bursts, which the hand-over may not hold.
        let at = if dice.percent(30) { 1_000 } else { dice.below(well_at) };
        actions.push((at, Action::Publish { paid: dice.percent(30), key }));
    }
    let whom = |dice: &mut Dice| usize::try_from(dice.below(subscribers as u64)).unwrap_or(0);
    for _ in 0..dice.below(6) {
        let (at, index) = (dice.below(well_at), whom(dice));
        match dice.below(5) {
            0 => {
                actions.push((at, Action::Pause(index)));
                actions.push((at + dice.between(200, 3_000), Action::Resume(index)));
            }
            1 => actions.push((at, Action::Rotate(index))),
            2 => actions.push((at, Action::Resize(index, u32::try_from(dice.between(1, 4)).unwrap_or(1)))),
            3 => actions.push((at, Action::Retry(dice.below(1 << 32)))),
            _ => actions.push((at, Action::Resume(index))),
        }
    }
    if dice.percent(25) {
        actions.push((dice.between(1_000, well_at), Action::Stop(dice.between(100, 1_500))));
    }
    // Whatever was switched off is switched on once all is well; more than once, for a late answer may switch it off again.
    for after in [1_000, 4_000, 8_000] {
        actions.extend((0..subscribers).map(|index| (well_at + after, Action::Resume(index))));
    }
    actions.push((well_at + 9_000, Action::Retry(dice.below(1 << 32))));
    actions.sort_by_key(|(at, _)| *at);
    actions
}

fn chaos(dice: &mut Dice, plan: &Plan) -> Vec<(u64, Chaos)> {
    let mut chaos = Vec::new();
    let mut at = 0;
    for _ in 0..dice.below(4) {
        at += dice.between(300, 5_000);
        let down = dice.between(50, 1_500);
        if at + down < plan.well_at {
            chaos.push((at, Chaos::KillGateway));
            chaos.push((at + down, Chaos::StartGateway));
        }
        at += down;
    }
    for index in 0..plan.subscribers.len() {
        if dice.percent(25) {
            let at = dice.below(plan.well_at - 2_000);
            let until = at + dice.between(100, 1_900);
            let part = dice.percent(50);
            let (begin, end) = if part {
                (Chaos::Part(index), Chaos::Join(index))
            } else {
                (Chaos::KillSubscriber(index), Chaos::StartSubscriber(index))
            };
            chaos.push((at, begin));
            chaos.push((until, end));
        }
    }
    chaos.sort_by_key(|(at, _)| *at);
    chaos
}
