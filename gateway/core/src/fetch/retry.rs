//! What an answer of the partner means, and how long to wait before asking again.

/// What to do after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The plugin is given this answer.
    Final,
    /// Ask again later.
    Again,
    /// The token is not taken any more: get another and ask again, once.
    Reauthorize,
}

/// The first pause, in milliseconds.
const PAUSE_MS: u64 = 1_000;
/// The longest pause, in milliseconds.
const PAUSE_MAX_MS: u64 = 120_000;

/// What an answer's status means; `None` where there was none.
///
/// 408, 425, 429 and 5xx but 501 and 505 may pass (RFC 9110 §15, RFC 6585 §4, RFC 8470 §5.2); any other answer is the partner's word. A 401 counts against the token only where
/// there is one to renew.
pub const fn judge(status: Option<u16>, renewable: bool) -> Verdict {
    match status {
        Some(401) if renewable => Verdict::Reauthorize,
        None | Some(408 | 425 | 429 | 500 | 502..=504 | 506..=599) => Verdict::Again,
        Some(_) => Verdict::Final,
    }
}

/// How long to wait after try number `tried` (from 1), in milliseconds: 1 s, 4 s, 16 s, … up to two minutes; longer where the partner says so, up to the same bound.
pub fn pause_ms(tried: u32, asked_ms: Option<i64>) -> u64 {
    let doubled_twice = PAUSE_MS.saturating_mul(4_u64.saturating_pow(tried.saturating_sub(1)));
    let asked = asked_ms.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0);
    doubled_twice.max(asked).min(PAUSE_MAX_MS)
}
