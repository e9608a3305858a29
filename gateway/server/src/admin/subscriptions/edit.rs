//! Changes to a subscription that is there.

use super::rotate::Rotation;
use super::{find, header, legacy, read, show};
use crate::admin::answer;
use crate::admin::call::Call;
use crate::admin::etag::{self, Condition};
use crate::admin::patch;
use crate::app::App;
use crate::problem::Problem;
use axum::response::Response;
use bytes::Bytes;
use hookwright_core::secret::live;
use hookwright_core::subscription::Subscription;
use hookwright_store::{Change, KeyScope, StoreError};
use http::StatusCode;
use serde_json::Value;

/// How often a change without a condition is made again because somebody else was faster.
const TRIES: usize = 64;
/// The reason on record of what an operator switched off.
const PAUSED: &str = "paused";

/// What is to be changed.
pub enum Edit {
    /// Everything, by what the body says.
    Replace(Value),
    /// What the body names.
    Merge(Value),
    /// No further deliveries for now.
    Pause,
    /// Deliveries again.
    Resume,
    /// Another secret, by the body that asks for it.
    Rotate(Rotation, Bytes),
}

impl Edit {
    const fn action(&self) -> &'static str {
        match self {
            Self::Replace(_) | Self::Merge(_) => "subscription.updated",
            Self::Pause => "subscription.paused",
            Self::Resume => "subscription.resumed",
            Self::Rotate(..) => "subscription.secret_rotated",
        }
    }

    /// What an idempotency key stands for, beside the path.
    fn body(&self) -> &[u8] {
        match self {
            Self::Rotate(_, body) => body,
            _ => b"",
        }
    }

    /// The changed subscription as the answer shows it.
    fn show<'a>(&self, next: &'a Subscription, with_values: bool, now_ms: i64) -> show::Shown<'a> {
        match self {
            Self::Rotate(rotation, _) => show::Shown::with_secret(next, rotation.key(), now_ms),
            _ => show::Shown::of(next, with_values, now_ms),
        }
    }

    async fn apply(&self, app: &App, current: &Subscription, now_ms: i64) -> Result<Subscription, Problem> {
        match self {
            Self::Pause => Ok(with_activity(current.clone(), false)),
            Self::Resume => Ok(with_activity(current.clone(), true)),
            Self::Rotate(rotation, _) => rotation.apply(app, current, now_ms),
            Self::Replace(body) => {
                let wanted = read::read(app, body, Some(current)).await?;
                Ok(wanted.into_changed(current, app.ids.next(), now_ms))
            }
            Self::Merge(body) => {
                let mut whole = show::document(current);
                let mut body = body.clone();
                header::unify_case(&mut body);
                patch::merge(&mut whole, body);
                let wanted = read::read(app, &whole, Some(current)).await?;
                Ok(wanted.into_changed(current, app.ids.next(), now_ms))
            }
        }
    }
}

/// The same subscription, delivered to or not.
pub fn with_activity(mut subscription: Subscription, active: bool) -> Subscription {
    if active {
        subscription.disabled_reason = None;
    } else if subscription.active || subscription.disabled_reason.is_none() {
        subscription.disabled_reason = Some(PAUSED.to_owned());
    }
    subscription.active = active;
    subscription
}

/// Changes a subscription and tells the dispatcher. Without a condition, the last writer wins: a change that came too late is made on what is there by then.
pub async fn change(app: &App, call: &Call, id: &str, condition: &Condition, edit: &Edit) -> Result<Response, Problem> {
    if let Some(response) = call.replay(app, edit.body()).await? {
        return Ok(response);
    }
    for _ in 0..TRIES {
        let current = find(app, id)?;
        condition.check(current.version)?;
        let mut next = edit.apply(app, &current, call.now_ms).await?;
        legacy::check(&next)?;
        next.secrets = live(&next.secrets, call.now_ms).cloned().collect();
        next.version = current.version + 1;
        next.updated_at = call.now_ms;
        let shown = edit.show(&next, call.caller.may(KeyScope::Admin), call.now_ms);
        let fresh = answer::store(StatusCode::OK, &shown)?;
        let change = Change {
            audit: call.audit(edit.action(), &current.id, format!("version={}", next.version)),
            claim: call.claim(edit.body()).map(|claim| (claim, fresh.clone())),
        };
        match app.store.update_subscription(next, current.version, change).await {
            Err(StoreError::Stale) if condition.is_open() => {}
            Err(error) => return Err(error.into()),
            Ok(claimed) => {
                let (response, saved) = call.settle(claimed, &fresh)?;
                if matches!(saved, Some(None)) {
                    return Err(Problem::not_found("subscription"));
                }
                app.dispatcher.subscription_changed(current.id);
                return Ok(response);
            }
        }
    }
    Err(etag::stale())
}
