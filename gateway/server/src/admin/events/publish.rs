//! `POST /admin/events`: one event or a list of them, on disk before the answer.

mod read;

use crate::admin::answer;
use crate::admin::body;
use crate::admin::call::{self, Call};
use crate::app::App;
use crate::problem::{FieldFault, Problem};
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use hookwright_core::idempotency::Claimed;
use hookwright_core::intake::{Answer, Publish, Published, Work};
use hookwright_core::json::Limits;
use http::StatusCode;
use std::sync::Arc;

/// The most JSON values of one request: a list of a thousand events may have as many as a thousand single ones.
const VALUES_MAX: usize = 1_000_000;

/// `POST /admin/events`, by way of the router.
pub async fn publish(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    request: Request,
) -> Result<Response, Problem> {
    take(&app, &call, request).await
}

/// `POST /admin/events`.
pub async fn take(app: &App, call: &Call, request: Request) -> Result<Response, Problem> {
    let limits = Limits { nodes: VALUES_MAX, bytes: app.config.admin.body_bytes_max, ..Limits::default() };
    let bytes = body::sound_json_within(app, request, body::JSON, limits).await?;
    let batch = read::batch(&bytes, &call.caller.actor, app.config.strict_event_types)?;
    let speaks_of_customers = batch.events.iter().any(|event| event.customer.is_some());
    let as_list = batch.as_list;
    let work = Work::Publish(Box::new(Publish {
        events: batch.events,
        as_list,
        claim: call.claim(&bytes),
        origin: call.caller.actor.clone(),
        request_id: Some(call.request_id.clone()),
    }));
    let Answer::Published(published) = app.store.submit(work).await? else {
        return Err(Problem::unexpected(&"a publication was answered as something else"));
    };
    if speaks_of_customers {
        app.upkeep.customer_changed();
    }
    match published {
        Published::Whole(Claimed::Fresh(answer)) => Ok(answer::plain(StatusCode::ACCEPTED, answer.body)),
        Published::Whole(Claimed::Replayed(answer)) => {
            Ok(answer::replayed(answer::plain(StatusCode::ACCEPTED, answer.body)))
        }
        Published::Whole(Claimed::Mismatch) => Err(call::key_reused()),
        Published::KeyOfEvent(index) => Err(key_of_event(index, as_list)),
    }
}

fn key_of_event(index: usize, as_list: bool) -> Problem {
    let pointer = if as_list { format!("/{index}/idempotency_key") } else { "/idempotency_key".to_owned() };
    let detail = "this idempotency key was used with another event before; nothing was published";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail)
        .errors(vec![FieldFault { pointer, detail: detail.to_owned() }])
}
