//! `GET /admin/events/{id}/explain`: why each subscription did or did not get an event.

use crate::admin::answer;
use crate::admin::subscriptions::{fares, waits_for};
use crate::app::App;
use crate::problem::Problem;
use axum::extract::{Path, State};
use axum::response::Response;
use hookwright_core::catalogue::WEBHOOK_TEST;
use hookwright_core::delivery::{Delivery, DeliveryStatus};
use hookwright_core::event::{Event, FanOut};
use hookwright_core::id::SubscriptionId;
use hookwright_core::pattern::EventPattern;
use hookwright_core::subscription::Subscription;
use hookwright_core::timestamp::format_ms;
use hookwright_store::{DeliveryFilter, PageRequest};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Serialize)]
struct Explanation<'a> {
    event_id: String,
    event_type: &'a str,
    created_at: String,
    subscriptions: Vec<Verdict>,
}

/// What one subscription got, and why.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Verdict {
    subscription_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    received: bool,
    /// `matched`, `addressed`, `subscription_deleted`, `created_later`, `addressed_to_another`, `no_pattern_matches`, `inactive` or `changed_since`.
    reason: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    matched_pattern: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_reason: Option<String>,
    /// What a delivery that is not settled waits for, other than its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<String>,
}

/// `GET /admin/events/{id}/explain`.
pub async fn explain(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let event = super::find(&app, &id).await?;
    let filter = DeliveryFilter { event_id: Some(event.id), ..DeliveryFilter::default() };
    let page = app.store.deliveries(filter, PageRequest { before: None, limit: super::DELIVERIES_MAX }).await?;
    let deliveries: HashMap<_, _> = page.rows.into_iter().map(|row| (row.subscription_id, row)).collect();
    let present = app.store.subscriptions();
    let mut subscriptions = verdicts(&event, &present, &deliveries);
    for (id, delivery) in deliveries.iter().filter(|(_, delivery)| is_open(delivery.status)) {
        let Some(subscription) = present.iter().find(|subscription| subscription.id == *id) else { continue };
        let fares = fares(&app, *id).await?;
        let delivery_id = Some(delivery.id.to_string());
        if let Some(verdict) = subscriptions.iter_mut().find(|verdict| verdict.delivery_id == delivery_id) {
            verdict.waits_for = waits_for(subscription.active, &fares);
        }
    }
    answer::ok(&Explanation {
        event_id: event.id.to_string(),
        event_type: event.event_type.as_str(),
        created_at: format_ms(event.created_at),
        subscriptions,
    })
}

const fn is_open(status: DeliveryStatus) -> bool {
    matches!(status, DeliveryStatus::Pending | DeliveryStatus::Retrying)
}

fn verdicts(
    event: &Event,
    present: &[Arc<Subscription>],
    deliveries: &HashMap<SubscriptionId, Delivery>,
) -> Vec<Verdict> {
    let of = |id: SubscriptionId| event.fan_out.iter().find(|out| out.subscription_id == id);
    let here = present.iter().map(|subscription| match of(subscription.id) {
        Some(out) => received(event, Some(subscription), out, deliveries),
        None => passed_over(event, subscription),
    });
    let gone = |out: &&FanOut| !present.iter().any(|subscription| subscription.id == out.subscription_id);
    let deleted = event.fan_out.iter().filter(gone).map(|out| received(event, None, out, deliveries));
    here.chain(deleted).collect()
}

fn received(
    event: &Event,
    subscription: Option<&Arc<Subscription>>,
    out: &FanOut,
    deliveries: &HashMap<SubscriptionId, Delivery>,
) -> Verdict {
    let delivery = deliveries.get(&out.subscription_id);
    let pattern = subscription.and_then(|subscription| matching(event, subscription)).filter(|_| !is_test(event));
    let (reason, detail) = match (subscription, pattern) {
        (None, _) => ("subscription_deleted", "it was given the event, and was deleted since".to_owned()),
        (Some(_), _) if is_test(event) => ("addressed", "the event is a test of this subscription alone".to_owned()),
        (Some(_), Some(pattern)) => ("matched", format!("its pattern {pattern} matches")),
        (Some(_), None) => ("matched", "a pattern that it had when the event was committed matched".to_owned()),
    };
    Verdict {
        subscription_id: out.subscription_id.to_string(),
        name: subscription.map(|subscription| subscription.name.clone()),
        received: true,
        reason,
        detail,
        matched_pattern: pattern.map(ToString::to_string),
        delivery_id: Some(out.delivery_id.to_string()),
        delivery_status: delivery.map(|delivery| delivery.status.as_str()),
        delivery_reason: delivery.and_then(|delivery| delivery.reason.clone()),
        waits_for: None,
    }
}

fn passed_over(event: &Event, subscription: &Subscription) -> Verdict {
    let pattern = matching(event, subscription).filter(|_| !is_test(event));
    let (reason, detail) = why_not(event, subscription, pattern);
    Verdict {
        subscription_id: subscription.id.to_string(),
        name: Some(subscription.name.clone()),
        received: false,
        reason,
        detail,
        matched_pattern: pattern.map(ToString::to_string),
        delivery_id: None,
        delivery_status: None,
        delivery_reason: None,
        waits_for: None,
    }
}

/// Of several reasons the one that would have to go first.
fn why_not(event: &Event, subscription: &Subscription, pattern: Option<&EventPattern>) -> (&'static str, String) {
    // Ids order what was created within one millisecond, too.
    if subscription.id.get() > event.id.get() {
        let detail = format!("it was created later, at {}", format_ms(subscription.created_at));
        return ("created_later", detail);
    }
    if is_test(event) {
        return ("addressed_to_another", "the event is a test of another subscription".to_owned());
    }
    let changed = subscription.updated_at >= event.created_at;
    let since = if changed { " as it is now; it was changed since the event" } else { "" };
    match pattern {
        None => {
            let patterns: Vec<_> = subscription.events.iter().map(ToString::to_string).collect();
            ("no_pattern_matches", format!("none of its patterns matches{since}: {}", patterns.join(", ")))
        }
        Some(_) if !subscription.active => {
            let why = subscription.disabled_reason.as_deref().map_or_else(String::new, |why| format!(" ({why})"));
            ("inactive", format!("it is not active{why}{since}"))
        }
        Some(pattern) => (
            "changed_since",
            format!(
                "its pattern {pattern} matches as it is now; it was inactive or had other patterns when the event was committed"
            ),
        ),
    }
}

/// Whether the event was addressed to one subscription. Nobody but the gateway publishes this type; what a partner's plugin calls so comes with a message.
fn is_test(event: &Event) -> bool {
    event.event_type.as_str() == WEBHOOK_TEST && event.message_id.is_none()
}

fn matching<'a>(event: &Event, subscription: &'a Subscription) -> Option<&'a EventPattern> {
    subscription.events.iter().find(|pattern| pattern.matches(&event.event_type))
}

#[cfg(test)]
mod tests;
