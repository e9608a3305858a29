//! Decisions and faults.

use super::bound::{Invalid, TEXT_BYTES_MAX, attributes, code, optional, text};
use super::http::{content_type, headers, method};
use crate::bindings::outbound::exports::hookwright::plugin::dispatch as wit;
use crate::outbound::{Decision, Fault, SendRequest};

const METHODS: [&str; 5] = ["POST", "PUT", "PATCH", "DELETE", "GET"];
/// The signature's headers are the gateway's.
const RESERVED: [&str; 1] = ["webhook-"];

/// Checks what to do about an event.
pub(crate) fn decision(decision: wit::Decision) -> Result<Decision, Invalid> {
    match decision {
        wit::Decision::Send(record) => send(record).map(Decision::Send).map_err(|invalid| invalid.within("send")),
        wit::Decision::Skip(record) => skip(record).map_err(|invalid| invalid.within("skip")),
    }
}

fn send(record: wit::Outgoing) -> Result<SendRequest, Invalid> {
    Ok(SendRequest {
        method: method(&record.method, &METHODS)?,
        content_type: content_type(record.content_type)?,
        headers: headers(record.headers, &RESERVED)?,
        body: record.body.into(),
        attributes: attributes(record.attributes)?,
    })
}

fn skip(record: wit::NoSend) -> Result<Decision, Invalid> {
    attributes(record.attributes)?;
    Ok(Decision::Skip { reason: text("reason", record.reason, TEXT_BYTES_MAX)? })
}

/// Checks why no decision was possible.
pub(crate) fn fault(fault: wit::Fault) -> Result<Fault, Invalid> {
    checked_fault(fault).map_err(|invalid| invalid.within("fault"))
}

fn checked_fault(fault: wit::Fault) -> Result<Fault, Invalid> {
    Ok(Fault {
        code: code(fault.code)?,
        message: text("message", fault.message, TEXT_BYTES_MAX)?,
        location: optional("location", fault.location, TEXT_BYTES_MAX)?,
        retryable: fault.retryable,
        attributes: attributes(fault.attributes)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sending(method: &str, header: &str) -> Result<Decision, Invalid> {
        decision(wit::Decision::Send(wit::Outgoing {
            method: method.to_owned(),
            content_type: "application/json".to_owned(),
            headers: vec![(header.to_owned(), "1".to_owned())],
            body: b"{}".to_vec(),
            attributes: Vec::new(),
        }))
    }

    #[test]
    fn methods_and_headers_are_checked() {
        assert!(sending("POST", "Revision").is_ok());
        assert_eq!(sending("post", "Revision").err().map(|invalid| invalid.field).as_deref(), Some("send.method"));
        assert!(sending("CONNECT", "Revision").is_err());
        assert!(sending("POST", "Webhook-Signature").is_err());
    }
}
