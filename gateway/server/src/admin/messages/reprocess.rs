//! `POST /admin/messages/{id}/reprocess`: an operator takes a message up again.

use crate::admin::answer;
use crate::admin::body::{self, Faults, Object};
use crate::admin::call::Call;
use crate::app::App;
use crate::ingress::{Reopening, reopen};
use crate::problem::Problem;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use hookwright_core::intake::{Answer, Work, resumed_body};
use hookwright_core::message::MessageStatus;
use hookwright_core::region::RegionCode;
use http::StatusCode;
use std::sync::Arc;

/// `POST /admin/messages/{id}/reprocess`.
pub async fn reprocess(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let bytes = body::optional_json(&app, request).await?;
    if let Some(response) = call.replay(&app, &bytes).await? {
        return Ok(response);
    }
    let region = region(&bytes)?;
    let message = super::find(&app, &id).await?;
    if !message.status.can_be_reprocessed() {
        return Err(settled());
    }
    let sources = app.store.sources();
    let source = sources.iter().find(|source| source.id == message.raw.source_id).ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "source_deleted",
            "the source of this message is deleted; nothing can parse it",
        )
    })?;
    let reopening = Reopening {
        region,
        actor: call.caller.actor.clone(),
        reason: call.reason.clone(),
        request_id: Some(call.request_id.clone()),
        claim: call.claim(&bytes),
    };
    let resume = reopen(&app.plugins, source, message, reopening).await?;
    let work = Work::Resume(Box::new(resume));
    let Answer::Resumed(resumed) = app.store.submit(work).await? else {
        return Err(Problem::unexpected(&"a message taken up again was answered as something else"));
    };
    let Some(received) = resumed else {
        // Somebody else was faster: another request, or this very one.
        return call.replay(&app, &bytes).await?.ok_or_else(settled);
    };
    if received.status == MessageStatus::Fetching {
        app.fetcher.insist(received.message_id, source.id);
    }
    app.upkeep.establishment_changed();
    Ok(answer::plain(StatusCode::OK, resumed_body(&received)))
}

fn region(bytes: &[u8]) -> Result<Option<RegionCode>, Problem> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let value = body::value(bytes)?;
    let mut faults = Faults::default();
    let mut region = None;
    if let Some(mut object) = Object::read(&value, "", &mut faults) {
        let text = object.text("region", 100, &mut faults);
        region = text.and_then(|text| text.parse().ok());
        if text.is_some() && region.is_none() {
            faults.add("/region", "expected an ISO 3166-2 code of the United States, such as US-TX");
        }
        object.finish(&[], &mut faults);
    }
    faults.finish()?;
    Ok(region)
}

fn settled() -> Problem {
    let detail = "this message is processed; doing it again would repeat its effects";
    Problem::new(StatusCode::CONFLICT, "already_processed", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_may_be_given_and_must_be_one() {
        assert_eq!(region(b"").unwrap(), None);
        assert_eq!(region(b"{}").unwrap(), None);
        assert_eq!(region(br#"{"region":"US-TX"}"#).unwrap().unwrap().to_string(), "US-TX");
        for bad in
            [r#"{"region":"Texas, maybe"}"#, r#"{"region":"CA-ON"}"#, r#"{"region":7}"#, r#"{"regoin":"US-TX"}"#, "[]"]
        {
            assert_eq!(region(bad.as_bytes()).unwrap_err().code(), "invalid", "{bad}");
        }
    }
}
