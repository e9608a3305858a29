//! How long to wait after a failure: twice as long each time, up to a minute.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);
const LAST: Duration = Duration::from_mins(1);

/// The waits after failures in a row.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Backoff {
    /// The wait after this failure.
    pub(super) fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = self.0.saturating_mul(2).min(LAST);
        pause
    }

    /// Something succeeded.
    pub(super) fn reset(&mut self) {
        self.0 = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_a_minute_and_begins_anew() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..12).map(|_| backoff.next()).collect();
        assert_eq!(waits[..3], [FIRST, FIRST * 2, FIRST * 4]);
        assert_eq!(waits[11], LAST);
        backoff.reset();
        assert_eq!(backoff.next(), FIRST);
    }
}
