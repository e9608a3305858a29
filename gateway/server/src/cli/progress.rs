//! How far long work is, on standard error: a bar for a person who watches, lines for a log.

use std::io::{IsTerminal, Write};
use std::time::Duration;
use tokio::time::Instant;

/// How often the bar is drawn, and a line written of work that goes on.
const BAR_EVERY: Duration = Duration::from_millis(100);
const LINE_EVERY: Duration = Duration::from_secs(10);
const WIDTH: u64 = 30;

/// Shows how far it is.
pub(super) struct Progress {
    is_watched: bool,
    shown_at: Option<Instant>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { is_watched: std::io::stderr().is_terminal(), shown_at: None }
    }

    /// `done` of `all` are done. `what` says of what; a log has each milestone.
    pub(super) fn show(&mut self, what: &str, done: u64, all: u64, is_milestone: bool) {
        // A line for each milestone; of a bar nobody sees more than ten a second.
        let (every, is_wanted) = if self.is_watched { (BAR_EVERY, false) } else { (LINE_EVERY, is_milestone) };
        let is_due = is_wanted || self.shown_at.is_none_or(|at| at.elapsed() >= every);
        if !is_due {
            return;
        }
        self.shown_at = Some(Instant::now());
        let line =
            if self.is_watched { bar(what, done, all) } else { format!("hookwright: {}\n", counted(what, done, all)) };
        write(&line);
    }

    /// The work is done, or was given up: the bar gives way to what is said of it.
    pub(super) fn end(&self) {
        if self.is_watched && self.shown_at.is_some() {
            write("\r\x1b[K");
        }
    }
}

fn write(text: &str) {
    // Nobody is hurt by progress that is not seen.
    let mut err = std::io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

fn bar(what: &str, done: u64, all: u64) -> String {
    let filled = usize::try_from(share(done, all, WIDTH)).unwrap_or(0);
    let empty = usize::try_from(WIDTH).unwrap_or(0) - filled;
    format!("\r\x1b[K[{}{}] {}", "#".repeat(filled), ".".repeat(empty), counted(what, done, all))
}

fn counted(what: &str, done: u64, all: u64) -> String {
    format!("{what}: {} of {} ({} %)", grouped(done), grouped(all), share(done, all, 100))
}

/// So many parts of `whole` as `done` is of `all`, rounded down; all of them where there is nothing to do.
fn share(done: u64, all: u64, whole: u64) -> u64 {
    let parts = u128::from(done.min(all)) * u128::from(whole);
    parts.checked_div(u128::from(all)).map_or(whole, |parts| u64::try_from(parts).unwrap_or(whole))
}

/// 1234567 as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_full_as_the_work_is_done() {
        assert_eq!(bar("copying", 0, 3_000), format!("\r\x1b[K[{}] copying: 0 of 3,000 (0 %)", ".".repeat(30)));
        let half = format!("\r\x1b[K[{}{}] copying: 1,500 of 3,000 (50 %)", "#".repeat(15), ".".repeat(15));
        assert_eq!(bar("copying", 1_500, 3_000), half);
        assert_eq!(bar("copying", 0, 0), format!("\r\x1b[K[{}] copying: 0 of 0 (100 %)", "#".repeat(30)));
        assert_eq!((share(u64::MAX, u64::MAX, 100), share(2_999, 3_000, 100), share(5, 3, 30)), (100, 99, 30));
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let shown: Vec<String> = [0, 7, 999, 1_000, 12_345, 1_234_567].into_iter().map(grouped).collect();
        assert_eq!(shown, ["0", "7", "999", "1,000", "12,345", "1,234,567"]);
    }
}
