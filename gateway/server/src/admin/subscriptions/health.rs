//! `GET /admin/subscriptions/{id}/health`: how a subscription fares at this moment, as the dispatcher knows it, or as the node has told that serves it.

use super::find;
use crate::admin::answer;
use crate::app::App;
use crate::dispatch::Health;
use crate::problem::Problem;
use axum::extract::{Path, State};
use axum::response::Response;
use hookwright_core::breaker::BreakerState;
use hookwright_core::id::SubscriptionId;
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
    /// What the node that serves it has in memory; absent where another node does, which alone knows.
    #[serde(flatten)]
    held: Option<Held>,
}

#[derive(Serialize)]
struct Held {
    in_flight: usize,
    ready: usize,
    waiting: usize,
    waiting_for_order: usize,
    more_in_store: bool,
}

/// How a subscription fares, whichever node serves it.
pub struct Fares {
    breaker: BreakerState,
    throttled_until: Option<i64>,
    failing_since: Option<i64>,
    held: Option<Health>,
}

/// Asks this node's dispatcher, or what another has told.
pub async fn fares(app: &App, id: SubscriptionId) -> Result<Fares, Problem> {
    if let Some(health) = app.dispatcher.health(id).await {
        let Health { breaker, throttled_until, failing_since, .. } = health;
        return Ok(Fares { breaker, throttled_until, failing_since, held: Some(health) });
    }
    let told = app.store.told(id).await?;
    let open = told.parked_until.filter(|until| *until > app.clock.now_ms());
    let breaker = open.map_or(BreakerState::Closed, |until| BreakerState::Open { until });
    Ok(Fares { breaker, throttled_until: None, failing_since: told.failing_since, held: None })
}

/// `GET /admin/subscriptions/{id}/health`.
pub async fn health(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let subscription = find(&app, &id)?;
    let fares = fares(&app, subscription.id).await?;
    let (breaker, parked_until) = match fares.breaker {
        BreakerState::Closed => ("closed", None),
        BreakerState::Open { until } => ("open", Some(format_ms(until))),
        BreakerState::HalfOpen => ("half_open", None),
    };
    answer::ok(&Shown {
        subscription_id: subscription.id.to_string(),
        active: subscription.active,
        breaker,
        parked_until,
        throttled_until: fares.throttled_until.map(format_ms),
        failing_since: fares.failing_since.map(format_ms),
        held: fares.held.map(|held| Held {
            in_flight: held.in_flight,
            ready: held.ready,
            waiting: held.waiting,
            waiting_for_order: held.behind,
            more_in_store: held.more_in_store,
        }),
    })
}

/// What deliveries of a subscription wait for, other than their own time: a stable code.
pub fn waits_for(active: bool, fares: &Fares) -> Option<String> {
    if !active {
        return Some("subscription_inactive".to_owned());
    }
    match (fares.breaker, fares.throttled_until) {
        (BreakerState::Open { until }, _) => Some(format!("parked: its breaker is open until {}", format_ms(until))),
        (BreakerState::HalfOpen, _) => Some("parked: its breaker lets one delivery at a time find out".to_owned()),
        (BreakerState::Closed, Some(until)) => {
            Some(format!("throttled: it asked to be left in peace until {}", format_ms(until)))
        }
        (BreakerState::Closed, None) => None,
    }
}
