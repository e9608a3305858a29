//! `POST …/{id}/test`: one event for this subscription alone, by the way that every event goes.

use super::find;
use crate::admin::answer;
use crate::admin::body;
use crate::admin::call::{self, Call};
use crate::app::App;
use crate::problem::Problem;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use hookwright_core::catalogue::WEBHOOK_TEST;
use hookwright_core::event::EventDraft;
use hookwright_core::id::SubscriptionId;
use hookwright_core::idempotency::{Claimed, StoredAnswer};
use hookwright_core::intake::{Answer, Publication, Publish, Published, PublishedEvent, Work};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;

/// What was sent.
#[derive(Serialize)]
struct Sent {
    event_id: String,
    delivery_id: String,
}

/// `POST /admin/subscriptions/{id}/test`.
pub async fn test(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    body::none(&app, request).await?;
    let subscription = find(&app, &id)?;
    if !subscription.active && call.replay(&app, b"").await?.is_none() {
        let detail = "the subscription is not active, and gets no events before it is resumed";
        return Err(Problem::new(StatusCode::CONFLICT, "subscription_inactive", detail));
    }
    let work = Work::Publish(Box::new(publication(&call, subscription.id)?));
    let Answer::Published(Published::Whole(claimed)) = app.store.submit(work).await? else {
        return Err(Problem::unexpected(&"a test was answered as something else"));
    };
    match claimed {
        Claimed::Fresh(published) => {
            let sent = sent(&app, &published).await?;
            let detail = format!("event={}", sent.event_id);
            app.store.record(call.audit("subscription.tested", &subscription.id, detail)).await?;
            response(&sent)
        }
        Claimed::Replayed(published) => Ok(answer::replayed(response(&sent(&app, &published).await?)?)),
        Claimed::Mismatch => Err(call::key_reused()),
    }
}

fn publication(call: &Call, id: SubscriptionId) -> Result<Publish, Problem> {
    let data = json!({ "subscription_id": id, "message": "This is a test: nothing has happened." });
    let event = Publication {
        draft: EventDraft {
            event_type: WEBHOOK_TEST.parse().map_err(|error| Problem::unexpected(&error))?,
            data: data.to_string().into_boxed_str(),
            ordering_key: None,
        },
        customer: None,
        claim: None,
        only: Some(id),
    };
    Ok(Publish {
        events: vec![event],
        as_list: false,
        claim: call.claim(b""),
        origin: call.caller.actor.clone(),
        request_id: Some(call.request_id.clone()),
    })
}

/// The event that was committed, and its one delivery.
async fn sent(app: &App, published: &StoredAnswer) -> Result<Sent, Problem> {
    let event: PublishedEvent = serde_json::from_slice(&published.body).map_err(|error| Problem::unexpected(&error))?;
    let event = app.store.event(event.id).await?.ok_or_else(|| Problem::not_found("event"))?;
    // A subscription that was deleted in this very moment has none.
    let delivery = event.fan_out.first().ok_or_else(|| Problem::not_found("subscription"))?;
    Ok(Sent { event_id: event.id.to_string(), delivery_id: delivery.delivery_id.to_string() })
}

fn response(sent: &Sent) -> Result<Response, Problem> {
    Ok(answer::stored(&answer::store(StatusCode::ACCEPTED, sent)?, ""))
}
