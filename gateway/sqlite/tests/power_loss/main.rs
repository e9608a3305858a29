//! Power loss: whatever the moment, everything that was acknowledged is in the file that is left.
//!
//! A child process opens the store, publishes and finishes, and notes what it was promised; a recorder, preloaded into it, writes down every write, truncation and sync of
//! its files, and the promises, in their order. From that log images are made: at some moment, everything that was synced before it, and of what was not any subset of
//! 512-byte sectors and truncations. Each image is opened and examined. With `synchronous = NORMAL` the same must find losses, or the harness would prove nothing.
//!
//! The same recorder can let one sync or one write fail, which is how the store is seen to stop writing, or to go on.
//!
//! `HOOKWRIGHT_POWER_LOSS_IMAGES=10000 cargo test -p hookwright-sqlite --test power_loss -- --nocapture` makes 10,000 images instead of a slice. The seed is printed, and
//! `HOOKWRIGHT_POWER_LOSS_SEED` repeats it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test reports by panicking, in what its cases share as well"
)]

mod child;
mod disk;
mod image;
mod log;
mod recorder;
mod verdict;

use image::Sampler;
use recorder::{Recording, Scenario};
use verdict::Tally;

const SLICE: usize = 300;

#[tokio::test]
async fn nothing_acknowledged_is_lost_at_any_moment() {
    let tally = examine(Scenario::Full, images(SLICE)).await;
    println!("FULL: {tally}");
    assert!(tally.acknowledged > 500, "the child was promised enough to lose: {tally}");
    assert!(tally.checkpoints > 1, "the log was folded into the database while it ran: {tally}");
    assert_eq!((tally.lost, tally.corrupt, tally.unopenable), (0, 0, 0), "{tally}");
}

#[tokio::test]
async fn the_harness_finds_what_a_weaker_setting_loses() {
    let tally = examine(Scenario::Normal, images(SLICE).min(1_000)).await;
    println!("NORMAL: {tally}");
    assert!(tally.lost > 0, "a store that does not sync its commits must lose some: {tally}");
}

#[tokio::test]
async fn a_failed_sync_ends_all_writing_and_loses_nothing() {
    for number in [60, 61, 150] {
        let recording = Recording::make(Scenario::Sync(number));
        let mut tally = Tally::default();
        tally.examine(&recording.end()).await;
        assert_eq!((tally.lost, tally.corrupt, tally.unopenable), (0, 0, 0), "sync {number}: {tally}");
        assert!(tally.acknowledged > 0);
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    for number in [700, 701, 1_500] {
        let recording = Recording::make(Scenario::Room(number));
        let mut tally = Tally::default();
        tally.examine(&recording.end()).await;
        assert_eq!((tally.lost, tally.corrupt, tally.unopenable), (0, 0, 0), "write {number}: {tally}");
        assert!(tally.acknowledged > 0);
    }
}

/// What the parent runs in a process of its own; by itself it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child of the other tests"]
async fn child_process() {
    child::run().await;
}

async fn examine(scenario: Scenario, images: usize) -> Tally {
    let recording = Recording::make(scenario);
    let seed = number("HOOKWRIGHT_POWER_LOSS_SEED").unwrap_or_else(recorder::seed);
    println!("seed {seed}");
    let mut tally = Tally::default();
    for image in Sampler::new(recording.log(), images, seed) {
        tally.examine(&image).await;
    }
    tally
}

fn images(usual: usize) -> usize {
    number("HOOKWRIGHT_POWER_LOSS_IMAGES").map_or(usual, |number| usize::try_from(number).unwrap())
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}
