//! Many seeds, the same seed twice, and mistakes that must be found.
//!
//! `SIM_SEEDS=1000000 SIM_FROM=1 cargo test -p hookwright simulation::tests::many_seeds -- --nocapture` runs as many as one likes.

use super::plan::{Bug, Plan};
use super::run::{Outcome, run};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// Seeds in which a planted mistake must be found.
const SEEDS_FOR_BUG: u64 = 50;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// What went wrong, and how to see it again.
fn report(seed: u64, outcome: &Outcome) -> String {
    let tail = outcome.lines.join("\n");
    let faults = outcome.faults.join("\n");
    format!(
        "{tail}\n\nseed {seed} went wrong:\n{faults}\n\nagain: SIM_FROM={seed} SIM_SEEDS=1 cargo test -p hookwright simulation::tests::many_seeds -- --nocapture"
    )
}

#[test]
fn many_seeds() {
    let (from, seeds) = (number("SIM_FROM", 1), number("SIM_SEEDS", 3_000));
    let threads = thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let (next, attempts, simulated_ms) = (AtomicU64::new(from), AtomicU64::new(0), AtomicU64::new(0));
    let broken = AtomicBool::new(false);
    let work = || {
        while !broken.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= from + seeds {
                return None;
            }
            let outcome = run(Plan::of(seed));
            attempts.fetch_add(outcome.attempts, Ordering::Relaxed);
            simulated_ms.fetch_add(outcome.simulated_ms, Ordering::Relaxed);
            if !outcome.faults.is_empty() {
                broken.store(true, Ordering::Relaxed);
                return Some(report(seed, &outcome));
            }
        }
        None
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().filter_map(|worker| worker.join().unwrap()).collect()
    });
    let (attempts, simulated) = (attempts.into_inner(), simulated_ms.into_inner() / 1_000);
    println!("{seeds} seeds, {attempts} attempts in {simulated} simulated seconds");
    assert!(wrong.is_empty(), "{}", wrong[0]);
}

#[test]
fn the_same_seed_goes_the_same_way() {
    for seed in 1..=number("SIM_TWICE", 40) {
        let (first, second) = (run(Plan::of(seed)), run(Plan::of(seed)));
        let differs = first.lines.iter().zip(&second.lines).find(|(one, other)| one != other);
        assert_eq!(first.trace, second.trace, "seed {seed} goes another way at {differs:?}");
        assert!(first.attempts > 0);
    }
}

/// The first seed in which a planted mistake shows.
fn found(bug: Bug) -> Option<(u64, String)> {
    let found = (1..=SEEDS_FOR_BUG).find_map(|seed| {
        let outcome = run(Plan::of(seed).with(bug));
        outcome.faults.first().map(|fault| (seed, fault.clone()))
    });
    println!("{bug:?}: {found:?}");
    found
}

#[test]
fn deliveries_that_are_settled_before_they_are_sent_are_found() {
    let (seed, fault) = found(Bug::DeleteBeforeSend).unwrap();
    assert!(fault.contains("counts as delivered") || fault.contains("never took"), "seed {seed}: {fault}");
}

#[test]
fn a_finish_without_a_fence_is_found() {
    let (seed, fault) = found(Bug::NoFence).unwrap();
    assert!(fault.contains("now counts as failed"), "seed {seed}: {fault}");
}

#[test]
fn an_order_that_is_forgotten_is_found() {
    let (seed, fault) = found(Bug::OrderForgotten).unwrap();
    assert!(fault.contains("of the same key was not done"), "seed {seed}: {fault}");
}

#[test]
fn a_budget_that_is_not_counted_is_found() {
    let (seed, fault) = found(Bug::BudgetNotCounted).unwrap();
    assert!(fault.contains("are allowed"), "seed {seed}: {fault}");
}
