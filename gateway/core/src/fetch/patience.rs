//! When a partner that did not answer is asked again, and by which message.
//!
//! A message whose tries are used up goes back into the store, where it waits. While nothing of a partner gets through, one message at a time finds out whether it
//! answers again, so that the rest hold no places and the partner is not overrun when it comes back. A message that fails alone waits alone.

use crate::id::{MessageId, SourceId};
use std::collections::HashMap;

/// The first pause, in milliseconds.
const PAUSE_MS: u64 = 30_000;
/// The longest pause, in milliseconds.
const PAUSE_MAX_MS: u64 = 600_000;
/// Messages that are remembered. Of more, those whose pause is over are forgotten: they may be tried at any time anyhow.
const MESSAGES_MAX: usize = 4_096;

/// How often in a row there was no answer, and until when nothing is asked, in milliseconds of the caller's clock.
#[derive(Clone, Copy, Debug, Default)]
struct Pause {
    missed: u32,
    until_ms: u64,
}

impl Pause {
    /// Half a minute, one, two, four, eight, and ten from then on.
    fn lengthen(&mut self, now_ms: u64) {
        let pause = PAUSE_MS.saturating_mul(1 << self.missed.min(16)).min(PAUSE_MAX_MS);
        self.missed = self.missed.saturating_add(1);
        self.until_ms = now_ms.saturating_add(pause);
    }
}

/// Partners that do not answer, and messages that wait for them. Times are milliseconds of one clock that is never set.
#[derive(Debug, Default)]
pub struct Patience {
    partners: HashMap<SourceId, Pause>,
    heard_at: HashMap<SourceId, u64>,
    messages: HashMap<MessageId, Pause>,
}

impl Patience {
    /// Whether a message may be attended to now, of whose source so many are under way.
    pub fn may_begin(&self, message: MessageId, source: SourceId, under_way: usize, now_ms: u64) -> bool {
        let over = |pause: &Pause| pause.until_ms <= now_ms;
        self.messages.get(&message).is_none_or(over)
            && self.partners.get(&source).is_none_or(|partner| over(partner) && under_way == 0)
    }

    /// Notes that a message that was begun at `began_ms` got no answer. How long it waits at least, in milliseconds.
    pub fn missed(&mut self, message: MessageId, source: SourceId, began_ms: u64, now_ms: u64) -> u64 {
        if self.messages.len() >= MESSAGES_MAX {
            self.messages.retain(|_, pause| pause.until_ms > now_ms);
        }
        let pause = self.messages.entry(message).or_default();
        pause.lengthen(now_ms);
        let wait_ms = pause.until_ms - now_ms;
        self.missed_by(source, began_ms, now_ms);
        wait_ms
    }

    /// Notes that a message that was begun at `began_ms` got no answer and waits no longer. Its partner is no nearer for it.
    pub fn gave_up(&mut self, message: MessageId, source: SourceId, began_ms: u64, now_ms: u64) {
        self.messages.remove(&message);
        self.missed_by(source, began_ms, now_ms);
    }

    fn missed_by(&mut self, source: SourceId, began_ms: u64, now_ms: u64) {
        // Others got through meanwhile: it is not the partner.
        if self.heard_at.get(&source).is_some_and(|heard| *heard >= began_ms) {
            return;
        }
        let partner = self.partners.entry(source).or_default();
        // Those that were under way together missed together.
        if partner.until_ms <= began_ms || partner.missed == 0 {
            partner.lengthen(now_ms);
        }
    }

    /// Notes that a partner answered a message. Whether it had been away, so that others may go on.
    pub fn heard(&mut self, message: MessageId, source: SourceId, now_ms: u64) -> bool {
        self.messages.remove(&message);
        self.heard_at.insert(source, now_ms);
        let was_away = self.partners.remove(&source).is_some();
        if was_away {
            // Whoever waited for the partner waits no longer; it is not known of which partner each is, and a try too many is cheap.
            self.messages.clear();
        }
        was_away
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: i64) -> MessageId {
        MessageId::from_i64(id).unwrap()
    }

    fn source(id: i64) -> SourceId {
        SourceId::from_i64(id).unwrap()
    }

    #[test]
    fn one_message_at_a_time_finds_out_whether_a_partner_is_back() {
        let mut patience = Patience::default();
        assert!(patience.may_begin(message(1), source(1), 63, 0));
        assert_eq!(patience.missed(message(1), source(1), 0, 1_000), 30_000);
        // The second of those that were under way together does not lengthen the partner's pause.
        assert_eq!(patience.missed(message(2), source(1), 0, 1_500), 30_000);
        assert!(!patience.may_begin(message(3), source(1), 0, 30_999), "nobody asks before the pause is over");
        assert!(patience.may_begin(message(3), source(2), 5, 1_500), "another partner is asked");
        assert!(patience.may_begin(message(3), source(1), 0, 31_000));
        assert!(!patience.may_begin(message(4), source(1), 1, 31_000), "one is under way");

        patience.missed(message(3), source(1), 31_000, 32_000);
        assert!(!patience.may_begin(message(4), source(1), 0, 91_999), "a minute now");
        assert!(patience.may_begin(message(4), source(1), 0, 92_000));
        assert!(patience.heard(message(4), source(1), 92_100), "it is back");
        for id in 1..10 {
            assert!(patience.may_begin(message(id), source(1), 60, 92_100), "{id}");
        }
        assert!(!patience.heard(message(5), source(1), 92_200), "it was back before");
    }

    #[test]
    fn a_message_that_fails_alone_waits_alone() {
        let mut patience = Patience::default();
        patience.heard(message(2), source(1), 500);
        assert_eq!(patience.missed(message(1), source(1), 0, 1_000), 30_000);
        assert!(patience.may_begin(message(3), source(1), 7, 1_000), "others got through while it was asked");
        assert!(!patience.may_begin(message(1), source(1), 0, 30_999));
        assert!(patience.may_begin(message(1), source(1), 7, 31_000));
    }

    #[test]
    fn a_message_that_is_given_up_does_not_bring_its_partner_back() {
        let mut patience = Patience::default();
        patience.missed(message(1), source(1), 0, 1_000);
        patience.gave_up(message(2), source(1), 500, 2_000);
        assert!(!patience.may_begin(message(3), source(1), 0, 30_999), "it is away as before");
        assert!(patience.may_begin(message(3), source(1), 0, 31_000));
        patience.gave_up(message(3), source(1), 31_000, 32_000);
        assert!(!patience.may_begin(message(1), source(1), 0, 91_999), "and longer now");
        assert!(patience.may_begin(message(1), source(1), 0, 92_000));
    }

    #[test]
    fn pauses_grow_to_ten_minutes_and_no_further() {
        let mut patience = Patience::default();
        let mut now = 0;
        let mut pauses = Vec::new();
        for _ in 0..40 {
            let pause = patience.missed(message(1), source(1), now, now);
            assert!(!patience.may_begin(message(2), source(1), 0, now + pause - 1));
            pauses.push(pause / 1000);
            now += pause;
            assert!(patience.may_begin(message(1), source(1), 0, now));
        }
        assert_eq!(pauses[..6], [30, 60, 120, 240, 480, 600]);
        assert_eq!(pauses[39], 600);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut patience = Patience::default();
        let mut now = 0;
        for id in 1..20_000 {
            patience.missed(message(id), source(1), now, now);
            now += 1_000;
        }
        assert!(patience.messages.len() <= MESSAGES_MAX, "{}", patience.messages.len());
    }
}
