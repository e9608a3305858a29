//! When the directory is looked at.

use std::time::Duration;
use tokio::time::Instant;

/// After the last event it is quiet for so long before anybody looks; and two looks that are to agree are so far apart.
pub(super) const QUIET: Duration = Duration::from_millis(200);
/// Events that never end do not put a look off for longer.
const QUIET_MAX: Duration = Duration::from_secs(2);
/// How often it is asked whether another directory lies in the place. No event tells of that.
pub(super) const PULSE: Duration = Duration::from_secs(1);
/// Looks without any event, in case one was lost; and tries of what failed for a reason outside the file.
const POLL: Duration = Duration::from_secs(30);

/// The times ahead.
pub(super) struct Agenda {
    /// The first and the last event since the last look.
    rung: Option<(Instant, Instant)>,
    look_at: Option<Instant>,
    pulse_at: Instant,
    poll_at: Instant,
    retry_at: Instant,
    every: Duration,
}

/// What it is time for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) pulse: bool,
    pub(super) look: bool,
    pub(super) retry: bool,
}

impl Agenda {
    /// The first turn comes at once: it finds out whatever happened since the start's looks.
    pub(super) fn new(now: Instant) -> Self {
        Self { rung: None, look_at: Some(now), pulse_at: now, poll_at: now, retry_at: now + POLL, every: POLL }
    }

    /// Something happened in the directory.
    pub(super) fn rung(&mut self, now: Instant) {
        let first = self.rung.map_or(now, |(first, _)| first);
        self.rung = Some((first, now));
    }

    /// When the next turn is.
    pub(super) fn next(&self) -> Instant {
        [self.quiet_at(), self.look_at].into_iter().flatten().fold(self.pulse_at, Instant::min)
    }

    fn quiet_at(&self) -> Option<Instant> {
        self.rung.map(|(first, last)| (last + QUIET).min(first + QUIET_MAX))
    }

    /// What it is time for; each thing is told once.
    pub(super) fn due(&mut self, now: Instant) -> Due {
        let mut due = Due { pulse: now >= self.pulse_at, look: false, retry: false };
        if due.pulse {
            self.pulse_at = now + PULSE;
            due.look = now >= self.poll_at;
            due.retry = now >= self.retry_at;
        }
        if due.retry {
            self.retry_at = now + POLL;
        }
        if self.quiet_at().is_some_and(|at| now >= at) {
            self.rung = None;
            due.look = true;
        }
        if self.look_at.is_some_and(|at| now >= at) {
            self.look_at = None;
            due.look = true;
        }
        // Whatever failed for now is looked at again, too.
        due.look |= due.retry;
        if due.look {
            self.poll_at = now + self.every;
        }
        due
    }

    /// A look ended. `soon` is when another is wanted; where events do not tell of every change, looks are frequent.
    pub(super) fn looked(&mut self, now: Instant, soon: Option<Duration>, is_heard: bool) {
        self.look_at = soon.map(|soon| now + soon);
        self.every = if is_heard { POLL } else { PULSE };
        self.poll_at = self.poll_at.min(now + self.every);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// An agenda with nothing ahead but the clock's.
    fn idle() -> (Instant, Agenda) {
        let now = Instant::now();
        let mut agenda = Agenda::new(now);
        assert_eq!(agenda.due(now), Due { pulse: true, look: true, retry: false }, "the first turn looks");
        agenda.looked(now, None, true);
        (now, agenda)
    }

    #[test]
    fn a_look_waits_until_it_is_quiet() {
        let (now, mut agenda) = idle();
        agenda.rung(now + 10 * MS);
        agenda.rung(now + 150 * MS);
        assert_eq!(agenda.next(), now + 350 * MS);
        assert!(!agenda.due(now + 349 * MS).look);
        assert!(agenda.due(now + 350 * MS).look);
        assert!(!agenda.due(now + 360 * MS).look, "it is told once");
    }

    #[test]
    fn events_without_end_do_not_put_a_look_off_for_ever() {
        let (now, mut agenda) = idle();
        for ms in (0..5_000).step_by(100) {
            agenda.rung(now + ms * MS);
        }
        assert!(agenda.due(now + 2_000 * MS).look);
    }

    #[test]
    fn the_clock_looks_where_no_event_did() {
        let (now, mut agenda) = idle();
        assert_eq!(agenda.due(now + 1_000 * MS), Due { pulse: true, look: false, retry: false });
        assert_eq!(agenda.due(now + 30_000 * MS), Due { pulse: true, look: true, retry: true });
    }

    #[test]
    fn where_events_do_not_tell_the_clock_looks_every_second() {
        let (now, mut agenda) = idle();
        agenda.looked(now, None, false);
        assert!(agenda.due(now + 1_000 * MS).look);
        agenda.looked(now + 1_001 * MS, None, false);
        assert!(!agenda.due(now + 1_500 * MS).look);
        assert!(agenda.due(now + 2_001 * MS).look);
    }

    #[test]
    fn what_is_not_yet_settled_is_looked_at_soon() {
        let (now, mut agenda) = idle();
        agenda.looked(now, Some(QUIET), true);
        assert_eq!(agenda.next(), now + QUIET);
        assert!(agenda.due(now + QUIET).look);
    }
}
