//! The secrets of a subscription over time: one that lasts, and those before it until their overlap ends.

use super::{SigningKey, constant_time_eq};
use crate::id::SecretId;

/// The most secrets that are live at once.
pub const LIVE_MAX: usize = 10;

/// One of a subscription's secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSecret {
    /// Its id, by which operators tell it from the others.
    pub id: SecretId,
    /// What it signs with.
    pub key: SigningKey,
    /// Creation, unix milliseconds.
    pub created_at: i64,
    /// From when on it signs nothing, unix milliseconds; never said of the newest one.
    pub expires_at: Option<i64>,
}

/// Why a subscription's secrets cannot be rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRotation {
    /// The new secret is one that the subscription has.
    #[error("this is one of the subscription's live secrets already")]
    Known,
    /// There would be more than [`LIVE_MAX`].
    #[error("{LIVE_MAX} secrets are live already; wait until one expires, or rotate with an overlap of 0 seconds")]
    Full,
}

impl LiveSecret {
    /// A secret that lasts until another takes its place.
    pub fn lasting(id: SecretId, key: impl Into<SigningKey>, created_at: i64) -> Self {
        Self { id, key: key.into(), created_at, expires_at: None }
    }

    /// Whether it signs at this time.
    pub fn is_live(&self, now_ms: i64) -> bool {
        self.expires_at.is_none_or(|end| now_ms < end)
    }
}

/// Those that sign at this time, newest first. The newest one always does, so that a subscription is never without.
pub fn live(secrets: &[LiveSecret], now_ms: i64) -> impl Iterator<Item = &LiveSecret> {
    secrets.iter().enumerate().filter(move |(at, secret)| *at == 0 || secret.is_live(now_ms)).map(|(_, secret)| secret)
}

/// The secrets after `new` has taken the lead: the others that are live at its creation stay so for `overlap_ms`, or as long as they were to stay if that is shorter.
pub fn rotated(secrets: &[LiveSecret], new: LiveSecret, overlap_ms: i64) -> Result<Vec<LiveSecret>, BadRotation> {
    let now_ms = new.created_at;
    let new_text = new.key.reveal();
    let known = |old: &LiveSecret| constant_time_eq(old.key.reveal().as_bytes(), new_text.as_bytes());
    if live(secrets, now_ms).any(known) {
        return Err(BadRotation::Known);
    }
    let end = now_ms.saturating_add(overlap_ms);
    let ending = |old: &LiveSecret| {
        let old = LiveSecret { expires_at: Some(old.expires_at.map_or(end, |sooner| sooner.min(end))), ..old.clone() };
        old.is_live(now_ms).then_some(old)
    };
    let older: Vec<LiveSecret> = live(secrets, now_ms).filter_map(ending).collect();
    if older.len() >= LIVE_MAX {
        return Err(BadRotation::Full);
    }
    Ok(std::iter::once(new).chain(older).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{KeyKind, SigningSecret};

    const HOUR: i64 = 3_600_000;

    fn secret(number: u8, created_at: i64) -> LiveSecret {
        let id = SecretId::from_i64(i64::from(number)).unwrap();
        LiveSecret::lasting(id, SigningSecret::generate([number; 32]), created_at)
    }

    fn ends(secrets: &[LiveSecret]) -> Vec<(i64, Option<i64>)> {
        secrets.iter().map(|secret| (secret.id.get(), secret.expires_at)).collect()
    }

    #[test]
    fn the_others_end_after_the_overlap_and_an_earlier_end_stays() {
        let one = rotated(&[secret(1, 0)], secret(2, HOUR), 24 * HOUR).unwrap();
        assert_eq!(ends(&one), [(2, None), (1, Some(25 * HOUR))]);
        let two = rotated(&one, secret(3, 2 * HOUR), 48 * HOUR).unwrap();
        assert_eq!(ends(&two), [(3, None), (2, Some(50 * HOUR)), (1, Some(25 * HOUR))]);
        let sooner = rotated(&two, secret(4, 3 * HOUR), HOUR).unwrap();
        assert_eq!(ends(&sooner), [(4, None), (3, Some(4 * HOUR)), (2, Some(4 * HOUR)), (1, Some(4 * HOUR))]);
        let later = rotated(&two, secret(4, 25 * HOUR), HOUR).unwrap();
        assert_eq!(ends(&later), [(4, None), (3, Some(26 * HOUR)), (2, Some(26 * HOUR))], "the first one is over");
    }

    #[test]
    fn without_an_overlap_the_new_one_is_alone() {
        let several = rotated(&[secret(1, 0)], secret(2, 1), HOUR).unwrap();
        assert_eq!(ends(&rotated(&several, secret(3, 2), 0).unwrap()), [(3, None)]);
    }

    #[test]
    fn ten_are_live_at_most() {
        let mut secrets = vec![secret(1, 0)];
        for number in 2..=10 {
            secrets = rotated(&secrets, secret(number, i64::from(number)), HOUR).unwrap();
        }
        assert_eq!(secrets.len(), LIVE_MAX);
        assert_eq!(rotated(&secrets, secret(11, 11), HOUR), Err(BadRotation::Full));
        assert_eq!(rotated(&secrets, secret(11, 11), 0).unwrap().len(), 1);
        let later = rotated(&secrets, secret(11, 2 * HOUR), HOUR).unwrap();
        assert_eq!(ends(&later), [(11, None), (10, Some(3 * HOUR))]);
    }

    #[test]
    fn a_secret_does_not_follow_itself_unless_it_is_over() {
        let two = rotated(&[secret(1, 0)], secret(2, 1), HOUR).unwrap();
        for known in [1, 2] {
            assert_eq!(rotated(&two, secret(known, 2), HOUR), Err(BadRotation::Known));
        }
        assert!(rotated(&two, secret(1, 2 * HOUR), HOUR).is_ok());
        let kind = SigningKey::generate(KeyKind::Ed25519, [1; 32]).unwrap();
        assert!(rotated(&two, LiveSecret { key: kind, ..secret(3, 2) }, HOUR).is_ok(), "the same bytes, another kind");
    }

    #[test]
    fn the_newest_is_always_live() {
        let over = LiveSecret { expires_at: Some(5), ..secret(1, 0) };
        let older = LiveSecret { expires_at: Some(5), ..secret(2, 0) };
        let secrets = [over, older];
        let at = |now_ms| live(&secrets, now_ms).map(|secret| secret.id.get()).collect::<Vec<_>>();
        assert_eq!((at(4), at(5)), (vec![1, 2], vec![1]));
    }
}
