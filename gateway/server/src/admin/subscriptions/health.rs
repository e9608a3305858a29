//! `GET /admin/subscriptions/{id}/health`: how a subscription fares at this moment, as the dispatcher knows it.

use super::find;
use crate::admin::answer;
use crate::app::App;
use crate::dispatch::Health;
use crate::problem::Problem;
use axum::extract::{Path, State};
use axum::response::Response;
use hookwright_core::breaker::BreakerState;
use hookwright_core::timestamp::format_ms;
use serde::Serialize;

#[derive(Serialize)]
struct Shown {
    subscription_id: String,
    active: bool,
    /// `closed`, `open` or `half_open`.
    breaker: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parked_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttled_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<String>,
    in_flight: usize,
    ready: usize,
    waiting: usize,
    waiting_for_order: usize,
    more_in_store: bool,
}

/// `GET /admin/subscriptions/{id}/health`.
pub async fn health(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let subscription = find(&app, &id)?;
    let Some(health) = app.dispatcher.health(subscription.id).await else {
        return Err(Problem::not_found("subscription"));
    };
    let (breaker, parked_until) = match health.breaker {
        BreakerState::Closed => ("closed", None),
        BreakerState::Open { until } => ("open", Some(format_ms(until))),
        BreakerState::HalfOpen => ("half_open", None),
    };
    answer::ok(&Shown {
        subscription_id: subscription.id.to_string(),
        active: subscription.active,
        breaker,
        parked_until,
        throttled_until: health.throttled_until.map(format_ms),
        failing_since: health.failing_since.map(format_ms),
        in_flight: health.in_flight,
        ready: health.ready,
        waiting: health.waiting,
        waiting_for_order: health.behind,
        more_in_store: health.more_in_store,
    })
}

/// What deliveries of a subscription wait for, other than their own time: a stable code.
pub fn waits_for(active: bool, health: Option<&Health>) -> Option<String> {
    if !active {
        return Some("subscription_inactive".to_owned());
    }
    let health = health?;
    match (health.breaker, health.throttled_until) {
        (BreakerState::Open { until }, _) => Some(format!("parked: its breaker is open until {}", format_ms(until))),
        (BreakerState::HalfOpen, _) => Some("parked: its breaker lets one delivery at a time find out".to_owned()),
        (BreakerState::Closed, Some(until)) => {
            Some(format!("throttled: it asked to be left in peace until {}", format_ms(until)))
        }
        (BreakerState::Closed, None) => None,
    }
}
