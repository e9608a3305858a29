//! What operators are told by events of the gateway's own: facts about subscriptions, never about a person.

use crate::catalogue::{SUBSCRIPTION_DISABLED, SUBSCRIPTION_FAILING};
use crate::subscription::Subscription;
use crate::timestamp::format_ms;
use serde::Serialize;

/// An event that is still to be published. It is written with what it tells of, so that no end of the process loses one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeDraft {
    /// Its type, one of the catalogue.
    pub event_type: &'static str,
    /// Its data, JSON.
    pub data: String,
    /// What it keeps its order with.
    pub ordering_key: String,
}

#[derive(Serialize)]
struct About<'a> {
    subscription_id: String,
    name: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    will_be_disabled_at: Option<String>,
}

/// The reason of a subscription that did nothing but fail for too long.
pub const REASON_FAILING: &str = "failing";

/// A subscription was switched off at this time, unix milliseconds.
pub fn disabled(subscription: &Subscription, reason: &str, failing_since: Option<i64>, at: i64) -> NoticeDraft {
    notice(
        SUBSCRIPTION_DISABLED,
        About {
            failing_since: failing_since.map(format_ms),
            disabled_at: Some(format_ms(at)),
            ..about(subscription, reason)
        },
    )
}

/// A subscription will be switched off at this time, unix milliseconds, if it goes on to fail.
pub fn failing(subscription: &Subscription, since: i64, disabled_at: i64) -> NoticeDraft {
    notice(
        SUBSCRIPTION_FAILING,
        About {
            failing_since: Some(format_ms(since)),
            will_be_disabled_at: Some(format_ms(disabled_at)),
            ..about(subscription, REASON_FAILING)
        },
    )
}

fn about<'a>(subscription: &'a Subscription, reason: &'a str) -> About<'a> {
    About {
        subscription_id: subscription.id.to_string(),
        name: &subscription.name,
        reason,
        failing_since: None,
        disabled_at: None,
        will_be_disabled_at: None,
    }
}

fn notice(event_type: &'static str, about: About<'_>) -> NoticeDraft {
    // Texts and nothing else, which have no way to fail as JSON.
    let data = serde_json::to_string(&about).unwrap_or_default();
    NoticeDraft { event_type, data, ordering_key: about.subscription_id }
}
