//! The acknowledgement that a sender of HL7 v2 waits for: a message of its own format, with status 200 for every verdict (HL7 over HTTP; a status that is none of success is for
//! faults of the transport).

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use hookwright_core::id::MessageId;
use hookwright_core::intake::Received;
use hookwright_core::message::MessageStatus;
use hookwright_core::source::Ack;
use hookwright_plugin_sdk::er7::acknowledgment::{Answer, Reason, Stage, Verdict, acknowledge};
use http::{HeaderMap, HeaderValue, header};

/// Where a message of ER7 may begin: after a byte order mark, the start byte of MLLP, and blank lines.
const BEFORE: [&[u8]; 6] = [b"\xef\xbb\xbf", b"\x0b", b"\r", b"\n", b" ", b"\t"];
/// What is looked at of them, in bytes.
const BEFORE_MAX: usize = 64;

/// A request whose sender reads HL7 v2 and nothing else.
pub(super) struct Hl7Request {
    body: Bytes,
    content_type: Option<String>,
}

impl Hl7Request {
    /// The request, if it is one: by its content type, whatever the body turns out to be, or by its body, since `text/plain` is among the content types of HL7.
    pub(super) fn of(headers: &HeaderMap, body: &Bytes) -> Option<Self> {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_hl7 = content_type.is_some_and(says_er7) || begins_as_er7(body);
        is_hl7.then(|| Self { body: body.clone(), content_type: content_type.map(str::to_owned) })
    }

    /// The answer to what became of it.
    pub(super) fn answer(&self, ack: Ack, received: &Received, now_ms: i64) -> Response {
        let id = received.message_id.to_string();
        let answer = Answer {
            stage: match ack {
                Ack::OnPersist => Stage::Kept,
                Ack::OnProcessed => Stage::Processed,
            },
            verdict: verdict(ack, received),
            now_ms,
            id: id.strip_prefix(MessageId::PREFIX).unwrap_or(&id),
        };
        let Some(acknowledgment) = acknowledge(&self.body, self.content_type.as_deref(), &answer) else {
            // MSH-15 and MSH-16 ask for none.
            return Response::new(Body::empty());
        };
        let content_type = HeaderValue::try_from(acknowledgment.content_type(self.content_type.as_deref()));
        let mut response = Response::new(Body::from(acknowledgment.bytes));
        if let Ok(content_type) = content_type {
            response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        }
        response
    }
}

/// Whether a content type is one of ER7's: `application/hl7-v2`, `x-application/hl7-v2+er7`, `application/edi-hl7` and the like. HL7 in XML is another format.
fn says_er7(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type.contains("hl7") && !media_type.ends_with("xml")
}

fn begins_as_er7(body: &[u8]) -> bool {
    match body {
        // UTF-16, by its byte order mark or by its first character.
        [0xff, 0xfe, rest @ ..] | [0xfe, 0xff, rest @ ..] => begins_in_bytes(&narrowed(rest)),
        [b'M' | b'F' | b'B', 0, ..] | [0, b'M' | b'F' | b'B', ..] => begins_in_bytes(&narrowed(body)),
        _ => begins_in_bytes(body),
    }
}

/// The beginning of a text of ASCII in sixteen bits a character, in eight.
fn narrowed(body: &[u8]) -> Vec<u8> {
    body.iter().take(4 * BEFORE_MAX).copied().filter(|byte| *byte != 0).collect()
}

fn begins_in_bytes(body: &[u8]) -> bool {
    let mut rest = body;
    while let Some(shorter) = BEFORE.iter().find_map(|it| rest.strip_prefix(*it)) {
        if body.len() - shorter.len() > BEFORE_MAX {
            return false;
        }
        rest = shorter;
    }
    let begins = [b"MSH", b"FHS", b"BHS"].iter().any(|name| rest.starts_with(*name));
    // A letter or digit after the name makes it another word.
    begins && rest.get(3).is_some_and(|byte| !byte.is_ascii_alphanumeric())
}

/// What is said of a message. What waits for its customer, an operator or the partner has been understood, and nothing more is asked of the sender.
fn verdict(ack: Ack, received: &Received) -> Verdict<'_> {
    let reason = || {
        received.reason.as_ref().map_or_else(Reason::default, |reason| Reason {
            code: &reason.code,
            location: Some(reason.location.as_str()).filter(|location| !location.is_empty()),
            text: Some(reason.detail.as_str()).filter(|detail| !detail.is_empty()),
        })
    };
    match received.status {
        MessageStatus::Rejected => match received.reason.as_ref().map(|reason| reason.code.as_str()) {
            Some("unsupported") => Verdict::Rejected(reason()),
            _ => Verdict::Failed(reason()),
        },
        // It is kept, and read again when the plugin is mended: nothing is wrong with the message.
        MessageStatus::Quarantined if ack == Ack::OnProcessed => {
            Verdict::Failed(Reason { code: "internal", ..reason() })
        }
        MessageStatus::Processed
        | MessageStatus::Ignored
        | MessageStatus::Waiting
        | MessageStatus::Held
        | MessageStatus::Fetching
        | MessageStatus::Quarantined => Verdict::Accepted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hookwright_core::message::Reason as CoreReason;
    use http_body_util::BodyExt;

    const MESSAGE: &[u8] = b"MSH|^~\\&|EMR|CLINIC|GW|US|20260104163000||ADT^A03|C-17|P|2.5.1\rPID|1||x\r";

    fn request(content_type: &'static str, body: &'static [u8]) -> Option<Hl7Request> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Hl7Request::of(&headers, &Bytes::from_static(body))
    }

    fn received(status: MessageStatus, reason: Option<CoreReason>) -> Received {
        let message_id = MessageId::from_i64(7).unwrap();
        Received { message_id, status, reason, events: Vec::new(), duplicate: false }
    }

    async fn said(ack: Ack, received: &Received) -> (u16, String) {
        let response = request("application/hl7-v2", MESSAGE).unwrap().answer(ack, received, 1_767_565_800_000);
        let status = response.status().as_u16();
        assert!(response.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("application/hl7-v2"));
        (status, String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
    }

    #[test]
    fn a_request_is_known_by_its_type_or_how_its_body_begins() {
        for content_type in ["application/hl7-v2; charset=utf-8", "x-application/hl7-v2+er7", "application/edi-hl7"] {
            assert!(request(content_type, b"no HL7 at all").is_some(), "{content_type}");
        }
        for content_type in ["application/hl7-v2+xml", "application/fhir+json", "text/plain", ""] {
            assert!(request(content_type, b"<ADT_A01/>").is_none(), "{content_type}");
        }

        for body in [
            &b"MSH|^~\\&|"[..],
            b"\xef\xbb\xbfMSH|",
            b"\x0bMSH|",
            b"\r\n\r\nFHS#",
            b"BHS^",
            b"\xff\xfeM\0S\0H\0|\0",
            b"\xfe\xff\0M\0S\0H\0|",
            b"M\0S\0H\0|\0",
            b"\0B\0H\0S\0|",
        ] {
            assert!(request("text/plain", body).is_some(), "{body:?}");
        }
        for body in [&b""[..], b"\xff\xfe", b"M\0S\0", b"MSH", b"MSHX|", b"{\"MSH\":1}", b"hello MSH|", b"PID|1"] {
            assert!(request("text/plain", body).is_none(), "{body:?}");
        }
        assert!(Hl7Request::of(&HeaderMap::new(), &Bytes::from(vec![b'\n'; 1_000_000])).is_none());
    }

    #[tokio::test]
    async fn what_is_kept_is_accepted_and_who_wants_to_know_more_hears_more() {
        for status in [MessageStatus::Processed, MessageStatus::Waiting, MessageStatus::Held, MessageStatus::Fetching] {
            for ack in [Ack::OnPersist, Ack::OnProcessed] {
                let (code, body) = said(ack, &received(status, None)).await;
                assert_eq!(code, 200);
                assert!(body.contains("MSA|AA|C-17\r"), "{body}");
            }
        }
        let quarantined =
            received(MessageStatus::Quarantined, Some(CoreReason::new("plugin_trap", "the plugin failed")));
        assert!(said(Ack::OnPersist, &quarantined).await.1.contains("MSA|AA|"));
        let (_, body) = said(Ack::OnProcessed, &quarantined).await;
        assert!(body.contains("MSA|AE|") && body.contains("|207^Application internal error^"), "{body}");
    }

    #[tokio::test]
    async fn a_rejection_says_where_and_is_no_fault_of_the_transport() {
        let reason = CoreReason::new("malformed", "expected an identifier").at("PID-3");
        let (code, body) = said(Ack::OnPersist, &received(MessageStatus::Rejected, Some(reason))).await;
        assert_eq!(code, 200);
        assert!(body.contains("MSA|AE|C-17") && body.contains("\rERR|") && body.contains("PID"), "{body}");
        let reason = CoreReason::new("unsupported", "expected ER7");
        let (_, body) = said(Ack::OnProcessed, &received(MessageStatus::Rejected, Some(reason))).await;
        assert!(body.contains("MSA|AR|C-17"), "{body}");
    }
}
