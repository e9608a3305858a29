//! What the partner hears, once everything is on disk.

use crate::problem::{FieldFault, Problem};
use axum::body::Body;
use axum::response::Response;
use hookwright_core::intake::Received;
use hookwright_core::message::{MessageStatus, Reason};
use hookwright_plugin_host::Reply;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

/// Headers of a plugin's reply that are the gateway's to set.
const OWN_HEADERS: [&str; 3] = ["x-request-id", "content-type", "date"];

#[derive(Serialize)]
struct Told<'a> {
    message_id: String,
    status: &'static str,
    events: Vec<String>,
    duplicate: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a Reason>,
}

/// The answer to a message: the plugin's own where it gave one, and the gateway's otherwise.
pub(super) fn of(received: &Received, reply: Option<Reply>) -> Result<Response, Problem> {
    let status = status(received);
    match reply {
        Some(reply) => Ok(own(reply, status)),
        None if status == StatusCode::UNPROCESSABLE_ENTITY => Err(rejected(received)),
        None => told(received, status),
    }
}

fn status(received: &Received) -> StatusCode {
    match received.status {
        // A repeat has arrived, whatever became of the first.
        _ if received.duplicate => StatusCode::OK,
        MessageStatus::Processed | MessageStatus::Ignored => StatusCode::OK,
        MessageStatus::Waiting | MessageStatus::Held | MessageStatus::Quarantined | MessageStatus::Fetching => {
            StatusCode::ACCEPTED
        }
        MessageStatus::Rejected => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn told(received: &Received, status: StatusCode) -> Result<Response, Problem> {
    let body = serde_json::to_vec(&Told {
        message_id: received.message_id.to_string(),
        status: received.status.as_str(),
        events: received.events.iter().map(ToString::to_string).collect(),
        duplicate: received.duplicate,
        reason: received.reason.as_ref(),
    });
    let mut response = Response::new(Body::from(body.map_err(|error| Problem::unexpected(&error))?));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn rejected(received: &Received) -> Problem {
    let Some(reason) = &received.reason else {
        return Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "rejected", "the message was not taken")
            .message(received.message_id);
    };
    let detail = if reason.detail.is_empty() { "the message was not taken" } else { &reason.detail };
    let problem =
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, reason.code.clone(), detail).message(received.message_id);
    if reason.location.is_empty() {
        return problem;
    }
    problem.errors(vec![FieldFault { pointer: reason.location.clone(), detail: detail.to_owned() }])
}

/// A plugin's reply; the host has checked that its status and headers are legal.
fn own(reply: Reply, otherwise: StatusCode) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(otherwise);
    let headers = response.headers_mut();
    for (name, value) in reply.headers {
        if OWN_HEADERS.contains(&name.as_str()) {
            continue;
        }
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    if let Some(Ok(content_type)) = reply.content_type.map(HeaderValue::try_from) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use hookwright_core::id::{EventId, MessageId};
    use http_body_util::BodyExt;

    fn received(status: MessageStatus, reason: Option<Reason>) -> Received {
        Received {
            message_id: MessageId::from_i64(7).unwrap(),
            status,
            reason,
            events: vec![EventId::from_i64(8).unwrap()],
            duplicate: false,
        }
    }

    async fn body(response: Response) -> String {
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn what_is_kept_is_told_with_its_ids() {
        let response = of(&received(MessageStatus::Processed, None), None).unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let expected = r#"{"message_id":"msg_0000000000007","status":"processed","events":["evt_0000000000008"],"duplicate":false}"#;
        assert_eq!(body(response).await, expected);
    }

    #[test]
    fn the_status_tells_whether_all_is_done() {
        for (message, status) in [
            (MessageStatus::Processed, 200),
            (MessageStatus::Ignored, 200),
            (MessageStatus::Waiting, 202),
            (MessageStatus::Held, 202),
            (MessageStatus::Quarantined, 202),
            (MessageStatus::Fetching, 202),
        ] {
            assert_eq!(of(&received(message, None), None).unwrap().status().as_u16(), status);
            let repeat = Received { duplicate: true, ..received(message, None) };
            assert_eq!(of(&repeat, None).unwrap().status(), StatusCode::OK);
        }
    }

    #[test]
    fn a_rejection_names_its_place_and_the_message() {
        let reason = Reason::new("malformed", "expected a text").at("/patient/id");
        let problem = of(&received(MessageStatus::Rejected, Some(reason)), None).unwrap_err();
        let told: serde_json::Value = serde_json::from_slice(&problem.body("r")).unwrap();
        assert_eq!((told["status"].as_u64(), told["code"].as_str()), (Some(422), Some("malformed")));
        assert_eq!(told["errors"][0]["pointer"], "/patient/id");
        assert_eq!(told["message_id"], "msg_0000000000007");
    }

    #[tokio::test]
    async fn a_plugins_reply_stands_for_the_gateways_own() {
        let reply = |status| Reply {
            status,
            content_type: Some("application/hl7-v2".to_owned()),
            headers: vec![("x-ack".to_owned(), "AA".to_owned()), ("x-request-id".to_owned(), "forged".to_owned())],
            body: b"MSA|AA".to_vec(),
        };
        let response = of(&received(MessageStatus::Waiting, None), Some(reply(None))).unwrap();
        assert_eq!((response.status().as_u16(), &response.headers()["x-ack"]), (202, &HeaderValue::from_static("AA")));
        assert!(!response.headers().contains_key("x-request-id"));
        assert_eq!(body(response).await, "MSA|AA");
        let refused = of(&received(MessageStatus::Rejected, None), Some(reply(Some(200)))).unwrap();
        assert_eq!(refused.status(), StatusCode::OK);
    }
}
