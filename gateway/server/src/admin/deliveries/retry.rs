//! `POST /admin/deliveries/{id}/retry`: due at once, with a fresh retry budget and its history kept.

use crate::admin::answer;
use crate::admin::body;
use crate::admin::call::Call;
use crate::app::App;
use crate::problem::Problem;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use hookwright_core::delivery::DeliveryStatus;
use hookwright_store::{Change, RetryAsked};
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Asked {
    id: String,
    subscription_id: String,
    event_id: String,
    status: &'static str,
    attempts: u32,
}

/// `POST /admin/deliveries/{id}/retry`.
pub async fn retry(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    body::none(&app, request).await?;
    if let Some(response) = call.replay(&app, b"").await? {
        return Ok(response);
    }
    let (delivery, _) = super::find(&app, &id).await?;
    let status = if delivery.attempts == 0 { DeliveryStatus::Pending } else { DeliveryStatus::Retrying };
    let fresh = answer::store(
        StatusCode::ACCEPTED,
        &Asked {
            id: delivery.id.to_string(),
            subscription_id: delivery.subscription_id.to_string(),
            event_id: delivery.event_id.to_string(),
            status: status.as_str(),
            attempts: delivery.attempts,
        },
    )?;
    let audit = call.audit("delivery.retried", &delivery.id, format!("attempts={}", delivery.attempts));
    let change = Change { audit, claim: call.claim(b"").map(|claim| (claim, fresh.clone())) };
    let (response, outcome) = call.settle(app.store.retry(delivery.id, change).await?, &fresh)?;
    match outcome {
        None => Ok(response),
        Some(RetryAsked::Pending(pending)) => {
            app.dispatcher.offer(pending);
            Ok(response)
        }
        Some(RetryAsked::NotFound) => Err(Problem::not_found("delivery")),
        Some(RetryAsked::NoSubscription) => {
            let detail = "the subscription of this delivery is deleted; there is nowhere to deliver to";
            Err(Problem::new(StatusCode::CONFLICT, "subscription_deleted", detail))
        }
    }
}
