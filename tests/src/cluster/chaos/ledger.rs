//! What was acknowledged and what arrived, and what is wrong with it.
//!
//! **Order.** A publisher posts the event n + 1 of a key only once n was acknowledged. On a subscription with `ordering: key` the request for n + 1 may therefore
//! come for the first time only after a request for n was answered with 200. What was answered with 200 may come again at any time, even after later ones: that
//! is a repeat, as after a crash between the answer and its record. Each request counts when its body is complete; the answer is decided at that moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// The wrongs that are kept to be shown.
const WRONGS_MAX: usize = 20;

/// What publishers and partners know, and what subscribers got.
#[derive(Default)]
pub(super) struct Ledger(Mutex<State>);

#[derive(Default)]
struct State {
    /// Ids of events by key and number, and when they were acknowledged.
    published: BTreeMap<(String, u32), (String, Instant)>,
    /// Patients whose consultation was acknowledged.
    calls: BTreeSet<String>,
    subscribers: BTreeMap<String, Subscriber>,
    wrongs: Vec<String>,
    /// Events whose order is wrong, by key and number.
    suspects: Vec<(String, u32)>,
    /// From the acknowledgement to the first 200, over all subscribers.
    latencies: Vec<Duration>,
}

#[derive(Default)]
struct Subscriber {
    ordered: bool,
    /// By key: how often each number was answered with 200; the first is 1.
    numbers: BTreeMap<String, Vec<u32>>,
    /// Ids of the events about one patient; more than one would be a duplicate.
    patients: BTreeMap<String, BTreeSet<String>>,
    /// Ids that numbers came under.
    ids: BTreeMap<(String, u32), String>,
    accepted: u64,
    repeats: u64,
    /// The latest acknowledgement of an event that came.
    up_to: Option<Instant>,
}

/// Figures of a run.
#[derive(Debug)]
pub(super) struct Totals {
    pub(super) published: usize,
    pub(super) calls: usize,
    pub(super) accepted: u64,
    pub(super) repeats: u64,
    pub(super) latencies: Vec<Duration>,
}

impl Ledger {
    /// A subscriber, by the path of its requests.
    pub(super) fn subscriber(&self, path: &str, ordered: bool) {
        let subscriber = Subscriber { ordered, ..Subscriber::default() };
        self.0.lock().unwrap().subscribers.insert(path.to_owned(), subscriber);
    }

    /// An event was acknowledged.
    pub(super) fn published(&self, key: &str, number: u32, id: &str) {
        let published = (id.to_owned(), Instant::now());
        self.0.lock().unwrap().published.insert((key.to_owned(), number), published);
    }

    /// A consultation was acknowledged.
    pub(super) fn called(&self, patient: &str) {
        self.0.lock().unwrap().calls.insert(patient.to_owned());
    }

    /// Something that must not be.
    pub(super) fn wrong(&self, what: String) {
        self.0.lock().unwrap().wrong(what);
    }

    /// An event of a key came to a subscriber; `taken` is whether it is answered with 200.
    pub(super) fn arrived(&self, path: &str, (key, number): (&str, u32), id: &str, taken: bool) {
        let mut state = self.0.lock().unwrap();
        let State { published, subscribers, latencies, suspects, .. } = &mut *state;
        let subscriber = subscribers.get_mut(path).unwrap();
        let numbers = subscriber.numbers.entry(key.to_owned()).or_default();
        let known = numbers.get(number as usize - 1).copied().unwrap_or_default();
        let before = number == 1 || numbers.get(number as usize - 2).copied().unwrap_or_default() > 0;
        let mut wrong = None;
        if subscriber.ordered && known == 0 && !before {
            wrong = Some(format!("{path}: {key} {number} came before {} was taken", number - 1));
            suspects.extend([(key.to_owned(), number - 1), (key.to_owned(), number)]);
        }
        if taken {
            if numbers.len() < number as usize {
                numbers.resize(number as usize, 0);
            }
            numbers[number as usize - 1] += 1;
            subscriber.accepted += 1;
            subscriber.repeats += u64::from(known > 0);
            let now = Instant::now();
            // One that arrives before its publisher has heard of it took no time at all.
            let at = published.get(&(key.to_owned(), number)).map_or(now, |(_, at)| *at);
            subscriber.up_to = subscriber.up_to.max(Some(at));
            if known == 0 {
                latencies.push(now.saturating_duration_since(at));
            }
        }
        let first = subscriber.ids.entry((key.to_owned(), number)).or_insert_with(|| id.to_owned());
        if first != id {
            wrong = Some(format!("{path}: {key} {number} is told by {first} and by {id}"));
        }
        if let Some(wrong) = wrong {
            state.wrong(wrong);
        }
    }

    /// An event about a patient was answered with 200.
    pub(super) fn heard(&self, path: &str, about: &str, id: &str) {
        let mut state = self.0.lock().unwrap();
        let subscriber = state.subscribers.get_mut(path).unwrap();
        subscriber.accepted += 1;
        let ids = subscriber.patients.entry(about.to_owned()).or_default();
        subscriber.repeats += u64::from(!ids.insert(id.to_owned()));
        let wrong = (ids.len() > 1).then(|| format!("{path}: {about} is told by {ids:?}"));
        if let Some(wrong) = wrong {
            state.wrong(wrong);
        }
    }

    /// How many subscribers have got nothing yet that was acknowledged after this moment.
    pub(super) fn waiting_since(&self, moment: Instant) -> usize {
        let state = self.0.lock().unwrap();
        state.subscribers.values().filter(|subscriber| subscriber.up_to.is_none_or(|at| at <= moment)).count()
    }

    /// How many events were acknowledged since a moment, and the longest time without any.
    pub(super) fn acknowledged_since(&self, moment: Instant) -> (usize, Duration) {
        let state = self.0.lock().unwrap();
        let mut all: Vec<Instant> = state.published.values().map(|(_, at)| *at).filter(|at| *at > moment).collect();
        all.sort_unstable();
        let ends = all.iter().copied().chain([Instant::now()]);
        let gaps = std::iter::once(moment).chain(all.iter().copied()).zip(ends).map(|(one, next)| next - one);
        (all.len(), gaps.max().unwrap_or_default())
    }

    /// What was acknowledged and did not arrive everywhere.
    pub(super) fn missing(&self) -> Vec<String> {
        let state = self.0.lock().unwrap();
        let mut missing = Vec::new();
        for (path, subscriber) in &state.subscribers {
            let got = |key: &str, number: u32| {
                subscriber.numbers.get(key).and_then(|numbers| numbers.get(number as usize - 1)).is_some_and(|n| *n > 0)
            };
            let lacks = state.published.iter().filter(|((key, number), _)| !got(key, *number));
            missing.extend(lacks.map(|((key, number), (id, _))| format!("{path}: {key} {number} ({id})")));
            if !subscriber.ordered {
                let lacks = state.calls.iter().filter(|patient| !subscriber.patients.contains_key(*patient));
                missing.extend(lacks.map(|patient| format!("{path}: the establishment of {patient}")));
            }
        }
        missing
    }

    /// What is wrong: order, duplicates, ids that differ from the acknowledged ones, and what else was noted.
    pub(super) fn wrongs(&self) -> Vec<String> {
        let state = self.0.lock().unwrap();
        let mut wrongs = state.wrongs.clone();
        for (path, subscriber) in &state.subscribers {
            let others = subscriber.ids.iter().filter_map(|(event, id)| {
                let (acknowledged, _) = state.published.get(event)?;
                (acknowledged != id).then(|| format!("{path}: {event:?} is {id}, and {acknowledged} was acknowledged"))
            });
            wrongs.extend(others.take(WRONGS_MAX));
        }
        wrongs
    }

    /// The ids of events whose order is wrong.
    pub(super) fn suspects(&self) -> Vec<String> {
        let state = self.0.lock().unwrap();
        state.suspects.iter().filter_map(|event| Some(state.published.get(event)?.0.clone())).collect()
    }

    /// The figures. Latencies ascend.
    pub(super) fn totals(&self) -> Totals {
        let state = self.0.lock().unwrap();
        let mut latencies = state.latencies.clone();
        latencies.sort_unstable();
        Totals {
            published: state.published.len(),
            calls: state.calls.len(),
            accepted: state.subscribers.values().map(|subscriber| subscriber.accepted).sum(),
            repeats: state.subscribers.values().map(|subscriber| subscriber.repeats).sum(),
            latencies,
        }
    }
}

impl State {
    fn wrong(&mut self, what: String) {
        if self.wrongs.len() < WRONGS_MAX {
            println!("WRONG: {what}");
            self.wrongs.push(what);
        }
    }
}

#[test]
fn what_is_out_of_order_lost_or_there_twice_is_seen() {
    let ledger = Ledger::default();
    ledger.subscriber("/keyed", true);
    ledger.subscriber("/any", false);
    for number in 1..=3 {
        ledger.published("k", number, &format!("evt_{number}"));
    }
    ledger.called("p");
    ledger.arrived("/keyed", ("k", 1), "evt_1", false);
    assert_eq!(ledger.wrongs(), Vec::<String>::new());
    ledger.arrived("/keyed", ("k", 2), "evt_2", true);
    assert_eq!(ledger.wrongs(), ["/keyed: k 2 came before 1 was taken"], "1 was refused, so that 2 may not come");
    ledger.arrived("/keyed", ("k", 1), "evt_1", true);
    ledger.arrived("/keyed", ("k", 2), "evt_2", true);
    ledger.arrived("/keyed", ("k", 1), "evt_1", true);
    ledger.arrived("/any", ("k", 3), "evt_3", true);
    assert_eq!(ledger.wrongs().len(), 1, "repeats are right, and so is any order where none was asked for");
    let missing = ledger.missing();
    assert_eq!(missing.len(), 4, "{missing:?}");
    assert!(missing.contains(&"/any: the establishment of p".to_owned()));
    ledger.heard("/any", "p", "evt_8");
    ledger.heard("/any", "p", "evt_8");
    assert_eq!(ledger.wrongs().len(), 1);
    ledger.heard("/any", "p", "evt_9");
    ledger.arrived("/any", ("k", 2), "evt_7", true);
    let wrongs = ledger.wrongs();
    assert_eq!(wrongs.len(), 3, "{wrongs:?}");
    let totals = ledger.totals();
    assert_eq!((totals.accepted, totals.repeats), (9, 3));
}
