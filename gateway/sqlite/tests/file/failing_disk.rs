//! A disk that is full, or fails to write or to sync: whoever is told so was not acknowledged, whoever was acknowledged is in the file, and the file stays whole.
//!
//! A child process works under a shim that lets its n-th write or sync fail. `HOOKWRIGHT_FAILING_DISK_RUNS=2000` makes that many runs instead of a slice.

use crate::place::{Place, START_MS, attempt, change, entropy, publishing, subscribe};
use futures_util::FutureExt;
use hookwright_core::audit::is_intact;
use hookwright_core::delivery::{DeliveryStatus, Finish, Next, Pending};
use hookwright_core::id::{DeliveryId, EventId};
use hookwright_core::idempotency::Claimed;
use hookwright_core::intake::{Answer, Published, PublishedEvent};
use hookwright_core::seal::Keyring;
use hookwright_sqlite::{SqliteConfig, SqliteStore};
use hookwright_store::{
    DeliveryFilter, EventFilter, Finished, Intake, Journal, ManualClock, Outbox, PageRequest, StoreError,
};
use sqlx::Connection;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

/// Linux's numbers (errno.h).
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

const SLICE: u64 = 200;
const PUBLISHERS: usize = 4;
const EVENTS_OF_EACH: usize = 15;
/// A delivery whose success was recorded.
const RECORDED: &str = "*";
/// Begins a round of publications that are made at once.
const ROUND: &str = "=";

#[derive(Clone, Copy, Debug)]
struct Fault {
    kind: &'static str,
    error: i32,
    for_good: bool,
    /// Which operation of its kind, from 1.
    at: u64,
}

/// What the shim counted.
#[derive(Clone, Copy, Debug)]
struct Operations {
    writes: u64,
    syncs: u64,
    truncates: u64,
    failed: u64,
}

struct Run {
    place: Place,
    operations: Operations,
    /// What the child noted: `+` and an id for an acknowledged event, `*` and an id for a recorded success, `-` and `~` and a word for what was refused of either.
    notes: Vec<String>,
}

impl Run {
    fn acknowledged(&self) -> Vec<EventId> {
        self.notes.iter().filter_map(|note| note.strip_prefix('+')).map(|id| id.parse().unwrap()).collect()
    }

    fn recorded(&self) -> Vec<DeliveryId> {
        self.notes.iter().filter_map(|note| note.strip_prefix(RECORDED)).map(|id| id.parse().unwrap()).collect()
    }

    fn refusals(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().filter_map(|note| note.strip_prefix('-'))
    }
}

#[tokio::test]
async fn whatever_fails_nothing_acknowledged_is_lost_and_nothing_is_broken() {
    let tools = TempDir::new().unwrap();
    let shim = build(tools.path());
    let well = run(&shim, tools.path(), Some(Fault { kind: "truncate", error: 0, for_good: false, at: 0 }));
    assert!(well.recorded().len() > PUBLISHERS * EVENTS_OF_EACH / 4, "{} were finished", well.recorded().len());
    assert_eq!(well.acknowledged().len(), PUBLISHERS * EVENTS_OF_EACH, "without a fault everything is taken");
    assert_eq!(well.refusals().count(), 0);

    let runs = std::env::var("HOOKWRIGHT_FAILING_DISK_RUNS").map_or(SLICE, |text| text.parse().unwrap());
    let (mut hit, mut went_on) = (0, 0);
    for number in 0..runs {
        let fault = fault(number, runs, well.operations);
        let run = run(&shim, tools.path(), Some(fault));
        hit += u64::from(run.operations.failed > 0);
        went_on += u64::from(goes_on_after_refusal(&run));
        examine(&run, fault).await;
    }
    println!("{runs} runs, {hit} of them with a fault that was hit, {went_on} went on after it");
    assert!(hit * 10 >= runs * 7, "{hit} of {runs} faults were hit");
    assert!(went_on > 0, "a disk that was full for a moment does not end the store");
}

/// What the parent runs in a process of its own; by itself it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child of the test above"]
async fn child_under_a_failing_disk() {
    let Some(notes) = std::env::var_os("CHILD_NOTES") else { return };
    let note = |line: String| {
        let mut file = OpenOptions::new().append(true).create(true).open(&notes).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    };
    let path = PathBuf::from(std::env::var_os("FAIL_DIR").unwrap()).join("hookwright.db");
    let config = SqliteConfig::new(path, Keyring::from_keys(&[1; 32], &[]));
    let store = match SqliteStore::open(config, Arc::new(ManualClock::at(START_MS)), entropy()).await {
        Ok(store) => store,
        Err(error) => return note(format!("-{}", word(&error))),
    };
    let subscribed = tokio::spawn({
        let store = store.clone();
        async move { subscribe(&store).await }
    });
    if subscribed.await.is_err() {
        return note("-subscribe".to_owned());
    }
    let mut due: Vec<Pending> = Vec::new();
    for _ in 0..EVENTS_OF_EACH {
        note(ROUND.to_owned());
        let publishers: Vec<_> = (0..PUBLISHERS).map(|_| tokio::spawn(publish(store.clone()))).collect();
        // Beside publications, something that is audited: what is refused must leave no gap in the chain.
        if let Err(error) = store.record(change("message.read").audit).await {
            note(format!("-{}", word(&error)));
        }
        // And the way out at the same time: every other delivery of before is told to have been made.
        let finishers: Vec<_> =
            due.drain(..).step_by(2).map(|pending| tokio::spawn(finish(store.clone(), pending))).collect();
        for publisher in publishers {
            note(publisher.await.unwrap());
        }
        for finisher in finishers {
            note(finisher.await.unwrap());
        }
        if let Some(fresh) = store.fresh().now_or_never() {
            due = fresh.deliveries;
        }
    }
    if std::env::var_os("CHILD_CLOSES").is_some() {
        // Folding the log into the database may fail as anything may.
        drop(store.close().await);
    }
    // Otherwise it ends as a crash does, with whatever the log holds.
}

async fn publish(store: SqliteStore) -> String {
    match store.submit(publishing(&format!("\"{}\"", "x".repeat(2_000)))).await {
        Ok(Answer::Published(Published::Whole(Claimed::Fresh(answer)))) => {
            let published: PublishedEvent = serde_json::from_slice(&answer.body).unwrap();
            format!("+{}", published.id)
        }
        Ok(other) => panic!("a plain publication is published, and not {other:?}"),
        Err(error) => format!("-{}", word(&error)),
    }
}

async fn finish(store: SqliteStore, pending: Pending) -> String {
    let finish = Finish { next: Next::Delivered, ..attempt(&store, &pending, Next::Delivered) };
    match store.finish(finish).await {
        Ok(Finished::Applied) => format!("{RECORDED}{}", pending.id),
        Ok(Finished::Stale) => panic!("{} was finished once", pending.id),
        Err(error) => format!("~{}", word(&error)),
    }
}

fn word(error: &StoreError) -> &'static str {
    match error {
        StoreError::NotWritable(_) => "not_writable",
        StoreError::Unavailable(_) => "unavailable",
        StoreError::Unsuitable(_) => "unsuitable",
        other => panic!("a disk that fails says nothing of {other}"),
    }
}

/// The faults in turn, each spread over the operations of a run without one.
fn fault(number: u64, runs: u64, well: Operations) -> Fault {
    let (kind, error, of) = match number % 5 {
        0 => ("write", ENOSPC, well.writes),
        1 => ("write", EIO, well.writes),
        2 => ("short", ENOSPC, well.writes),
        3 => ("sync", EIO, well.syncs),
        _ => ("truncate", EIO, well.truncates),
    };
    // The last tenth is left out: how many operations a run takes depends on how its groups happen to form.
    Fault { kind, error, for_good: number % 10 >= 5, at: 1 + number * (of * 9 / 10) / runs }
}

fn run(shim: &Path, tools: &Path, fault: Option<Fault>) -> Run {
    let place = Place::new();
    let (notes, report) = (tools.join("notes"), tools.join("report"));
    for old in [&notes, &report] {
        drop(std::fs::remove_file(old));
    }
    let Fault { kind, error, for_good, at } =
        fault.unwrap_or(Fault { kind: "write", error: 0, for_good: false, at: 0 });
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "failing_disk::child_under_a_failing_disk", "--ignored", "--nocapture"])
        .env("LD_PRELOAD", shim)
        .env("FAIL_DIR", place.path().parent().unwrap())
        .env("FAIL_KIND", kind)
        .env("FAIL_ERRNO", error.to_string())
        .env("FAIL_AT", at.to_string())
        .env("FAIL_FOR_GOOD", u8::from(for_good).to_string())
        .env("FAIL_REPORT", &report)
        .envs(fault.filter(|fault| fault.kind == "truncate" || fault.at % 3 == 0).map(|_| ("CHILD_CLOSES", "1")))
        .env("CHILD_NOTES", &notes)
        .output()
        .unwrap();
    let told = || [output.stdout.as_slice(), &output.stderr].concat();
    assert!(output.status.success(), "the child failed under {fault:?}: {}", String::from_utf8_lossy(&told()));
    let counts: Vec<u64> =
        std::fs::read_to_string(report).unwrap().split_whitespace().map(|count| count.parse().unwrap()).collect();
    let [writes, syncs, truncates, failed] = counts[..] else { panic!("{counts:?}") };
    let notes = std::fs::read_to_string(notes).unwrap();
    Run {
        place,
        operations: Operations { writes, syncs, truncates, failed },
        notes: notes.lines().map(str::to_owned).collect(),
    }
}

/// Whether a round after one with a refusal has something that was acknowledged. Within a round the notes are in no order.
fn goes_on_after_refusal(run: &Run) -> bool {
    let mut rounds = run.notes.split(|note| note == ROUND);
    rounds.by_ref().find(|round| round.iter().any(|note| note.starts_with(['-', '~'])));
    rounds.any(|round| round.iter().any(|note| note.starts_with('+')))
}

async fn examine(run: &Run, fault: Fault) {
    let acknowledged = run.acknowledged();
    assert!(
        run.operations.failed == 0 || fault.kind != "sync" || !goes_on_after_refusal(run),
        "a failed sync ends the store: {fault:?}"
    );

    let mut connection = run.place.connect().await;
    let verdict: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await.unwrap();
    assert_eq!(verdict, "ok", "{fault:?}");
    connection.close().await.unwrap();

    // The disk is well again: the store opens, has everything it acknowledged, and goes on.
    let store = run.place.open().await;
    store.ready().await.unwrap();
    for id in &acknowledged {
        let event =
            store.event(*id).await.unwrap().unwrap_or_else(|| panic!("{id} was acknowledged and is lost: {fault:?}"));
        assert_eq!(event.fan_out.len(), 1, "{fault:?}");
        let delivery = store.delivery(event.fan_out[0].delivery_id).await.unwrap();
        assert!(delivery.is_some(), "the delivery of {id} is lost: {fault:?}");
    }
    for id in run.recorded() {
        let (delivery, attempts) = store.delivery(id).await.unwrap().unwrap();
        assert_eq!((delivery.status, attempts.len()), (DeliveryStatus::Delivered, 1), "{id}: {fault:?}");
    }
    let page = PageRequest { before: None, limit: 1_000 };
    let events = store.events(EventFilter::default(), page).await.unwrap().rows;
    let deliveries = store.deliveries(DeliveryFilter::default(), page).await.unwrap().rows;
    assert_eq!(events.iter().map(|event| event.deliveries as usize).sum::<usize>(), deliveries.len(), "{fault:?}");
    // A commit whose end nobody heard of may have taken place; nothing else is there that was not acknowledged.
    assert!(
        events.len() >= acknowledged.len() && events.len() <= acknowledged.len() + run.refusals().count(),
        "{fault:?}"
    );
    store.record(change("message.read").audit).await.unwrap();
    let audit = store.audit(page).await.unwrap().rows;
    assert!(audit.iter().all(is_intact), "{fault:?}");
    assert!(audit.windows(2).all(|pair| pair[0].previous == pair[1].hash), "the chain has a gap: {fault:?}");
    assert_eq!(audit.last().map(|first| first.previous), Some([0; 32]), "the chain has no beginning: {fault:?}");
    store.submit(publishing("{}")).await.unwrap();
    store.close().await.unwrap();
}

fn build(dir: &Path) -> PathBuf {
    let library = dir.join("shim.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/file/failing_disk/shim.c");
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
        .arg(&library)
        .args([source, "-ldl", "-lpthread"])
        .status()
        .unwrap();
    assert!(status.success(), "the shim does not compile");
    library
}
